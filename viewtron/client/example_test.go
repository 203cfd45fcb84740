package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/sallyport/sallyport/viewtron/client"
	"github.com/sallyport/sallyport/viewtron/sim"
)

// A visitor is put on a camera's temporary list for a day.
func Example() {
	camera := sim.NewCamera(sim.Options{Username: "admin", Password: "s3cret"})
	server := httptest.NewServer(camera)
	defer server.Close()

	c, err := client.New(client.Config{URL: server.URL, Username: "admin", Password: "s3cret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	err = c.AddPlate(context.Background(), client.Plate{
		Number: "ABC1234", Group: "temporary", Owner: "Ann", End: time.Now().Add(24 * time.Hour),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(camera.ListOf("ABC1234", time.Now().Add(time.Hour)))
	fmt.Println(camera.ListOf("ABC1234", time.Now().Add(48*time.Hour)) == "")
	// Output:
	// temporaryList
	// true
}

// open is what the other examples begin with: a camera and a client for it.
func open() (*client.Client, func()) {
	server := httptest.NewServer(sim.NewCamera(sim.Options{}))
	c, err := client.New(client.Config{URL: server.URL})
	if err != nil {
		panic(err) // the address is the server's own
	}
	return c, func() { c.Close(); server.Close() }
}

// What the camera watches: its areas and lines, by detector.
func ExampleClient_GetDetection() {
	c, done := open()
	defer done()
	for _, d := range []client.Detector{client.Perimeter, client.Tripwire} {
		got, err := c.GetDetection(context.Background(), d, 0)
		if errors.Is(err, client.ErrUnknownCommand) {
			continue // the camera does not have this detector
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(d.Word(), "is on:", got.On)
		for _, r := range got.Regions {
			fmt.Println(" area", r.ID, r.Points)
		}
		for _, l := range got.Lines {
			fmt.Println(" line", l.ID, l.From, l.To, l.Direction)
		}
	}
	// Output:
	// perimeter is on: true
	//  area 1 [{2000 3000} {8000 3000} {8000 10000} {2000 10000}]
	// tripwire is on: true
	//  line 1 {0 6000} {10000 6000} none
}

// Where the camera posts, with one more place put in. Nothing reaches the
// camera before SetHttpPostConfig; what is there already stays.
func ExamplePushConfig_WithSlot() {
	c, done := open()
	defer done()
	ctx := context.Background()
	push, err := c.GetHttpPostConfig(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	push, err = push.WithSlot(client.PushSlot{
		On: true, Protocol: "http", Domain: "192.168.0.10", Port: 5002, Path: "/API", Authentication: "none",
		Heartbeat: true, Interval: 30 * time.Second,
		Data: []string{"alarmStatus", "traject", "smartData"}, Events: []string{"ALL"},
	})
	if errors.Is(err, client.ErrNoFreeSlot) {
		fmt.Println("take one of the others out first")
		return
	}
	if err == nil {
		err = c.SetHttpPostConfig(ctx, push)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	push, err = c.GetHttpPostConfig(ctx)
	fmt.Println(push.Slots[0].ID, push.Slots[0].Domain, push.Slots[0].Data, err)
	// Output: 1 192.168.0.10 [alarmStatus traject smartData] <nil>
}

// What a device can do decides what is asked of it.
func ExampleClient_Capabilities() {
	c, done := open()
	defer done()
	k, err := c.Capabilities(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	has, known := k.Has("GetAlarmStatus")
	fmt.Println(k.Info.APIVersion, k.Plates, k.Push == client.PushSecond, has, known)
	// Output: 2.1.0 LicensePlates true true true
}
