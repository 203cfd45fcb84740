package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// console is the machine's console: tests write to it and are answered on it.
const console = "/dev/ttyAMA0"

// initScript is the first process. It runs the tests of one package after the
// other, and says how each ended. @TESTS@ are their names. The tests that take the
// chip away come last.
const initScript = `#!/bin/sh
export PATH=/bin HOME=/tmp TMPDIR=/tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
chmod 1777 /tmp
ifconfig lo 127.0.0.1 up
date -s @@NOW@ >/dev/null
stty -F ` + console + ` -echo
export SALLYPORT_GPIO=gpiochip0 SALLYPORT_GPIO_HOST=` + console + ` SALLYPORT_BIN=/sallyport
cd /tmp
tests() { # tests NAME PATTERN
	echo "@@BEGIN $1"
	/tests/$1 -test.v -test.run "$2" -test.timeout 100s </dev/null
	code=$?
	echo
	echo "@@END $1 $code"
}
for name in @TESTS@; do
	tests $name '^TestChip'
done
export SALLYPORT_GPIO_GONE=1
for name in @TESTS@; do
	tests $name '^TestChipGone$'
done
echo "@@DONE"
poweroff -f
`

// buildInitrd builds the tests and the program, and packs them with busybox into
// an archive that the kernel unpacks as its first file system.
func buildInitrd(ctx context.Context, dir, busybox string, packages []string) (string, error) {
	build := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
		_, err := output(cmd)
		return err
	}
	name := filepath.Join(dir, "initrd")
	f, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	buf := bufio.NewWriter(f)
	a := archive{w: buf}
	for _, d := range []string{"bin", "proc", "sys", "dev", "tmp", "tests"} {
		a.add(d, 0o40755, "")
	}
	a.addFile("bin/busybox", busybox)
	for _, applet := range []string{"sh", "mount", "chmod", "ifconfig", "date", "stty", "poweroff"} {
		a.add("bin/"+applet, 0o120777, "busybox")
	}
	binary := filepath.Join(dir, "binary")
	if err := build("build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/sallyport"); err != nil {
		return "", err
	}
	a.addFile("sallyport", binary)
	var names []string
	for _, p := range packages {
		if err := build("test", "-c", "-trimpath", "-ldflags=-s -w", "-o", binary, "./"+p); err != nil {
			return "", err
		}
		names = append(names, testName(p))
		a.addFile("tests/"+testName(p), binary)
	}
	script := strings.NewReplacer("@TESTS@", strings.Join(names, " "), "@NOW@", fmt.Sprint(time.Now().Unix())).Replace(initScript)
	a.add("init", 0o100755, script)
	a.end()
	if a.err == nil {
		a.err = buf.Flush()
	}
	return name, a.err
}

// testName is what a package's tests are called in the machine.
func testName(pkg string) string { return strings.ReplaceAll(filepath.ToSlash(pkg), "/", "-") }

// archive writes a cpio archive of the form "newc". The first error stays.
type archive struct {
	w     io.Writer
	size  int
	inode int
	err   error
}

// add adds a file, folder or symbolic link by its mode.
func (a *archive) add(name string, mode int, content string) {
	a.begin(name, mode, len(content))
	a.write(content)
	a.pad()
}

func (a *archive) addFile(name, from string) {
	content, err := os.ReadFile(from)
	if err != nil && a.err == nil {
		a.err = err
	}
	a.add(name, 0o100755, string(content))
}

// begin writes an entry's header: inode, mode, owner and group (root), links,
// time, size, device numbers, the length of the name, and no checksum.
func (a *archive) begin(name string, mode, size int) {
	a.inode++
	a.write(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name))
	a.pad()
}

func (a *archive) end() { a.add("TRAILER!!!", 0, "") }

func (a *archive) pad() { a.write("\x00\x00\x00"[:-a.size&3]) }

func (a *archive) write(s string) {
	if a.err != nil {
		return
	}
	_, a.err = io.WriteString(a.w, s)
	a.size += len(s)
}
