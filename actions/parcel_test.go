package actions

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// packed is the body of a step's parcel.
func packed(t testing.TB, a engine.Args, picture string) []byte {
	t.Helper()
	img := engine.Image{Size: len(picture), Bytes: func() ([]byte, error) { return []byte(picture), nil }}
	body, _, err := pack(engine.Request{
		Firing: &engine.Firing{ID: 7, Rule: &engine.Rule{Name: "r"}, Key: "k", Camera: "gate", At: engine.Instant{Wall: time.Unix(1, 5).UTC()},
			Event: &engine.Event{Scene: img, Target: img}},
		Index: 3, Finally: true, Args: a, Step: &engine.Step{Text: "a step", Timeout: time.Second, Retry: 2, Durable: true, Args: a},
	}, "run", time.Minute, 9)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestAParcelHoldsAllThatItsStepNeeds(t *testing.T) {
	a := engine.HTTPArgs{Method: "POST", URL: "http://a/\n", Headers: [][2]string{{"a", "b"}}, Body: []byte{0, 255}, Image: "scene", Sign: "hook"}
	q, e, err := unpack(Parcel{Rule: "r", Key: "k", Body: packed(t, a, "\n\x00x")}, engine.VerbHTTP)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := q.Firing.Event.Scene.Bytes()
	if err != nil || string(picture) != "\n\x00x" {
		t.Errorf("the picture %q, %v", picture, err)
	}
	q.Firing.Event = nil
	want := engine.Request{
		Firing: &engine.Firing{ID: 7, Rule: &engine.Rule{Name: "r"}, Key: "k", Camera: "gate", At: engine.Instant{Wall: time.Unix(1, 5).UTC()}},
		Index:  3, Finally: true, Args: a, Step: &engine.Step{Text: "a step", Timeout: time.Second, Retry: 2, Durable: true, Args: a},
	}
	if !reflect.DeepEqual(q, want) || e.Run != "run" || e.Order != time.Minute || e.Seq != 9 {
		t.Errorf("got %+v %+v", q, e)
	}
}

func TestTheIDOfAStepFitsIntoAHeader(t *testing.T) {
	q := engine.Request{Firing: &engine.Firing{ID: 7}, Index: 3}
	id := stepID(runID("k3v…\r\n: x.y"), q, "http://a")
	if id != "k3vxy-7-do3-54df484bb282" {
		t.Errorf("got %q", id)
	}
	q.Finally = true
	for _, other := range []string{stepID("k3vxy", q, "http://a"), stepID("k3vxy", q, "http://b")} {
		if other == id || !strings.HasPrefix(other, "k3vxy-7-finally3-") {
			t.Errorf("got %q", other)
		}
	}
	if a, b := runID(""), runID("…"); a == b || len(a) < 20 {
		t.Errorf("ids of two runs: %q, %q", a, b)
	}
}

func FuzzParcel(f *testing.F) {
	f.Add(packed(f, engine.HTTPArgs{URL: "http://a", Method: "POST", Image: "target"}, "picture"), uint8(engine.VerbHTTP))
	f.Add(packed(f, engine.PlatesArgs{Number: "ABC1234", List: "allow", Cameras: []string{"gate"}, Valid: time.Hour}, ""), uint8(engine.VerbPlates))
	f.Add([]byte("{\"version\":1,\"args\":{}}\n"), uint8(engine.VerbHTTP))
	f.Add([]byte("{}"), uint8(0))
	f.Fuzz(func(t *testing.T, body []byte, verb uint8) {
		q, e, err := unpack(Parcel{Rule: "r", Key: "k", Body: body}, engine.Verb(verb))
		if err != nil {
			return
		}
		again, _, err := pack(q, e.Run, e.Order, e.Seq)
		if err != nil {
			t.Fatal(err)
		}
		q2, e2, err := unpack(Parcel{Rule: "r", Key: "k", Body: again}, engine.Verb(verb))
		if err != nil {
			t.Fatal(err)
		}
		third, _, err := pack(q2, e2.Run, e2.Order, e2.Seq)
		if err != nil || !bytes.Equal(again, third) {
			t.Errorf("%v: %q became %q", err, again, third)
		}
	})
}
