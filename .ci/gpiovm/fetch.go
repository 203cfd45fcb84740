package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// fetch gives a kernel and a busybox for arm64. They come from the package
// sources of this machine, through a state of apt's own below dir, so that
// nothing is installed and no setting is changed. What is there is used as it is.
func fetch(ctx context.Context, dir string) (kernel, busybox string, err error) {
	root := filepath.Join(dir, "root")
	find := func() (string, string, bool) {
		kernels, _ := filepath.Glob(filepath.Join(root, "boot", "vmlinuz-*"))
		busybox := filepath.Join(root, "bin", "busybox")
		if _, err := os.Stat(busybox); err != nil { // where /usr is merged
			busybox = filepath.Join(root, "usr", "bin", "busybox")
		}
		_, err := os.Stat(busybox)
		if err != nil || len(kernels) == 0 {
			return "", "", false
		}
		return kernels[len(kernels)-1], busybox, true
	}
	if kernel, busybox, ok := find(); ok {
		return kernel, busybox, nil
	}
	fmt.Println("fetching a kernel for arm64")
	if err = download(ctx, dir, root); err != nil {
		fmt.Println("once more after:", err)
		err = download(ctx, dir, root)
	}
	if err != nil {
		return "", "", fmt.Errorf("a kernel cannot be had: %w", err)
	}
	kernel, busybox, ok := find()
	if !ok {
		return "", "", errors.New("the packages hold no boot/vmlinuz-* or no bin/busybox")
	}
	return kernel, busybox, nil
}

// download unpacks the packages into root, which appears whole or not at all.
func download(ctx context.Context, dir, root string) error {
	state, fresh := filepath.Join(dir, "apt"), filepath.Join(dir, "fresh")
	for _, old := range []string{state, fresh, root} {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(state, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(state)
	defer os.RemoveAll(fresh)
	status, conf := filepath.Join(state, "status"), filepath.Join(state, "conf")
	if err := os.WriteFile(status, nil, 0o644); err != nil {
		return err
	}
	settings := fmt.Sprintf(`Dir::State::lists %q; Dir::State::status %q; Dir::Cache %q;
APT::Architecture "arm64"; APT::Architectures {"arm64";}; APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "2";
`, filepath.Join(state, "lists"), status, filepath.Join(state, "cache"))
	if err := os.WriteFile(conf, []byte(settings), 0o644); err != nil {
		return err
	}
	apt := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = fresh
		cmd.Env = append(os.Environ(), "APT_CONFIG="+conf, "LC_ALL=C")
		return output(cmd)
	}
	if _, err := apt("apt-get", "-qq", "update"); err != nil {
		return err
	}
	// The package of that name is empty and needs the one of the present version.
	depends, err := apt("apt-cache", "depends", "linux-image-cloud-arm64")
	if err != nil {
		return err
	}
	image := ""
	for line := range strings.Lines(depends) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok && strings.HasPrefix(name, "linux-image-") {
			image = name
		}
	}
	if image == "" {
		return errors.New("this machine's package sources have no linux-image-cloud-arm64")
	}
	if _, err := apt("apt-get", "-qq", "download", "busybox-static", image); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(fresh, "*.deb"))
	if err != nil {
		return err
	}
	unpacked := filepath.Join(fresh, "root")
	for _, deb := range debs {
		if _, err := output(exec.CommandContext(ctx, "dpkg", "-x", deb, unpacked)); err != nil {
			return err
		}
	}
	// Of the many megabytes only the kernel itself is needed.
	for _, rest := range []string{"lib/modules", "usr/lib/modules", "usr/share"} {
		if err := os.RemoveAll(filepath.Join(unpacked, rest)); err != nil {
			return err
		}
	}
	return os.Rename(unpacked, root)
}

// output runs a command; the error of a failed one has what it said.
func output(cmd *exec.Cmd) (string, error) {
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, out, said.String())
	}
	return string(out), nil
}
