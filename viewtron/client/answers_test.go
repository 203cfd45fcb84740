package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/viewtron/client"
)

// answering is a device that gives one answer to everything.
func answering(t *testing.T, body string) *client.Client {
	t.Helper()
	_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	return dial(t, client.Config{URL: url})
}

// ask makes the call that a file of testdata/answers is an answer to: the word
// its name begins with.
func ask(ctx context.Context, c *client.Client, what string) (any, error) {
	switch what {
	case "counts":
		return c.GetPassLineCountStatistics(ctx, 0)
	case "alarms":
		return c.GetAlarmStatus(ctx)
	case "channels":
		return c.GetChannels(ctx)
	case "inputs":
		return c.GetAlarmInInfo(ctx)
	case "push":
		return c.GetHttpPostConfig(ctx)
	case "info":
		return c.GetDeviceInfo(ctx)
	case "apis":
		return c.GetSupportedAPIs(ctx)
	case "clock":
		return c.GetDateAndTime(ctx)
	}
	return c.GetDetection(ctx, client.Detector(what), 0)
}

// Each answer is decoded to what its .golden file says, or refused with those
// words, and what was sent is kept whole.
func TestAnswersAreReadAsTheirGoldenFilesSay(t *testing.T) {
	files, err := filepath.Glob("testdata/answers/*.xml")
	must(t, err)
	if len(files) < 30 {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".xml")
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(file)
			must(t, err)
			what, _, _ := strings.Cut(name, "-")
			got, err := ask(t.Context(), answering(t, string(body)), what)
			var text []byte
			if err != nil {
				text = []byte(err.Error() + "\n")
			} else {
				v := reflect.New(reflect.TypeOf(got)).Elem()
				v.Set(reflect.ValueOf(got))
				if v.Kind() == reflect.Struct {
					raw := v.FieldByName("Raw")
					if !bytes.Equal(raw.Bytes(), body) {
						t.Error("the answer was not kept as it came")
					}
					raw.SetZero()
				}
				text, err = json.MarshalIndent(v.Interface(), "", " ")
				must(t, err)
				text = append(text, '\n')
			}
			golden := strings.TrimSuffix(file, ".xml") + ".golden"
			if *update {
				must(t, os.WriteFile(golden, text, 0o644))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if !bytes.Equal(text, want) {
				t.Errorf("%s differs (run with -update to accept):\n%s", golden, text)
			}
		})
	}
}
