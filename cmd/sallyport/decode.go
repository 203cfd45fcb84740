package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/sallyport/sallyport/inputs/camera"
)

// runDecode is `sallyport decode`: what a camera's post says, as canonical event
// JSON, a line each.
func runDecode(_ context.Context, p process, args []string) int {
	fs := p.flags("decode")
	files, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	code = exitOK
	for _, name := range files {
		body, err := readPost(p.stdin, name)
		if err != nil {
			code = p.errorf("decode: %v", err)
			continue
		}
		events, err := camera.Decode(body)
		if err != nil {
			code = p.errorf("decode: %s: %v", name, err)
			continue
		}
		for _, ev := range events {
			fmt.Fprintf(p.stdout, "%s\n", ev.AppendJSON(nil))
		}
	}
	return code
}

// readPost reads a post from a file; - is standard input. It is bounded as the camera port is.
func readPost(stdin io.Reader, name string) ([]byte, error) {
	r := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	body, err := io.ReadAll(io.LimitReader(r, camera.MaxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > camera.MaxBody {
		return nil, fmt.Errorf("%s: larger than the 8 MB a post may have", name)
	}
	return body, nil
}
