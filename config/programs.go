package config

import (
	"path"
	"strings"
)

// interpreters are the programs that run whatever stands in their arguments, and therefore cannot be allowed to be
// started with arguments that come from outside. Versions (python3.12) are cut off before looking here.
const interpreters = " " +
	// shells
	"sh bash rbash dash ash zsh ksh mksh pdksh oksh yash csh tcsh fish elvish nu xonsh pwsh powershell " +
	"busybox toybox " +
	// languages
	"python pypy ipython perl ruby irb jruby node nodejs deno bun php php-cgi lua luajit tclsh wish expect awk gawk mawk nawk " +
	"original-awk sed guile racket julia r rscript erl elixir escript java jshell groovy scala osascript gjs qjs " +
	// what starts another program
	"env sudo sudoedit doas su pkexec run0 runuser setpriv capsh xargs parallel find nice ionice chrt taskset nohup setsid " +
	"timeout time stdbuf chroot unshare nsenter flock script watch entr ssh systemd-run start-stop-daemon " +
	"strace ltrace gdb make vi vim nvim ex ed emacs less more man at batch crontab tmux screen socat nc ncat docker podman kubectl "

// Interpreter tells whether the program at that path (or bare name) would run what stands in its arguments: a shell,
// the interpreter of a language in any version, or a program that starts others. It judges by the name alone.
func Interpreter(program string) bool {
	name := strings.ToLower(path.Base(program))
	name = strings.TrimSuffix(name, ".exe")
	if known(name) || strings.HasPrefix(name, "ld-linux") || strings.HasPrefix(name, "ld-musl") || strings.HasPrefix(name, "ld.so") {
		return true
	}
	// python3, python3.12, perl5.36.0, lua5.4, php8.2-cli, python3.12-config: the word before the first digit.
	if i := strings.IndexAny(name, "0123456789"); i > 0 {
		return known(strings.TrimRight(name[:i], "-_."))
	}
	return false
}

func known(name string) bool {
	return name != "" && !strings.Contains(name, " ") && strings.Contains(interpreters, " "+name+" ")
}
