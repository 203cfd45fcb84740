package sim_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// A camera that nobody told where to post is told so, and posts its heartbeat.
func Example() {
	came := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case came <- r.Method + " " + r.URL.Path:
		default:
		}
	}))
	defer receiver.Close()

	cam := sim.NewCamera(sim.Options{Identity: sim.Identity{Name: "porch"}})
	device := httptest.NewServer(cam)
	defer device.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error)
	go func() { done <- cam.Run(ctx, sim.DemoScene()) }()

	host, port, _ := strings.Cut(strings.TrimPrefix(receiver.URL, "http://"), ":")
	body := `<config version="1.0" xmlns="http://www.ipc.com/ver10"><httpPostV2><postUrlConf><urlList type="list" count="1"><item>
		<urlId>1</urlId><switch>true</switch>
		<url><protocol>http</protocol><domain>` + host + `</domain><port>` + port + `</port><path>/API</path><authentication>none</authentication></url>
		<heatBeatSwitch>true</heatBeatSwitch><keepaliveTimeval>30</keepaliveTimeval>
		<subscribeDateType type="list" count="1"><item>traject</item></subscribeDateType>
		<subscriptionEvents type="list" count="1"><item>ALL</item></subscriptionEvents>
		</item></urlList></postUrlConf></httpPostV2></config>`
	resp, err := http.Post(device.URL+"/SetHttpPostConfig", "application/xml", strings.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	select {
	case post := <-came:
		fmt.Println(post)
	case <-time.After(10 * time.Second):
		fmt.Println("nothing came")
	}
	cancel()
	fmt.Println(<-done)
	// Output:
	// 200 OK
	// POST /API
	// <nil>
}
