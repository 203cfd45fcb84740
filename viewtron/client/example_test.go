package client_test

import (
	"context"
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
