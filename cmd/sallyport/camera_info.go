package main

import (
	"context"
	"fmt"
)

// runCameraInfo is `sallyport camera info`: who a camera is, what it can do and how
// it is set up. What it does not answer is said beside what it does.
func runCameraInfo(ctx context.Context, p process, args []string) int {
	var sf siteFlags
	fs := p.cameraFlags("info")
	sf.addSite(fs)
	rest, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	d, code, ok := p.openCamera(fs, &sf, rest)
	if !ok {
		return code
	}
	defer d.Close()
	info, err := d.GetDeviceInfo(ctx)
	if err != nil {
		return p.failed(d.camera.Name, err)
	}
	fmt.Fprintf(p.stdout, "%s: %s, firmware %s\n", d.camera.Name, printable(info.Model), printable(info.SoftwareVersion))
	return exitOK
}
