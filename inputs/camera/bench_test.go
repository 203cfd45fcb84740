package camera

import (
	"fmt"
	"io"
	"testing"
	"time"
)

// BenchmarkRead is a trajectory post to an event: decoding, matching, learning.
func BenchmarkRead(b *testing.B) {
	for _, targets := range []int{1, 8} {
		var boxes [][5]int
		for i := range targets {
			boxes = append(boxes, [5]int{i, 100, 100, 900, 3000})
		}
		body := []byte(trajectory(porchMAC, boxes...))
		b.Run(fmt.Sprintf("targets=%d", targets), func(b *testing.B) {
			r := NewReader(NewMatcher(twoCameras.Cameras))
			from := ip("10.0.0.1")
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, v, err := r.Read(noon, from, "/API", body); err != nil || v != Matched {
					b.Fatal(v, err)
				}
			}
		})
	}
}

// BenchmarkQueue is one post's way through the queue, alone.
func BenchmarkQueue(b *testing.B) {
	p := New(twoCameras)
	post(b, p, "/", trajectory(porchMAC))
	it, _ := p.Take()
	b.ReportAllocs()
	for b.Loop() {
		it.Received = noon
		p.queues.push(it)
		it, _ = p.Take()
	}
}

// BenchmarkPort is the whole way over loopback: request, event, queue, loop, answer.
func BenchmarkPort(b *testing.B) {
	p := New(twoCameras)
	addr := serve(b, p)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-p.Ready():
				for it, ok := p.Take(); ok; it, ok = p.Take() {
					p.Release(it)
				}
			case <-stop:
				return
			}
		}
	}()
	body := trajectory(porchMAC, [5]int{1, 100, 100, 900, 3000})
	request := []byte(fmt.Sprintf("POST /API HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		k := dial(b, addr)
		_ = k.c.SetDeadline(time.Time{})
		first := make([]byte, 4096)
		for pb.Next() {
			if _, err := k.c.Write(request); err != nil {
				b.Error(err)
				return
			}
			for n := 0; n < len(success) || string(first[n-len(success):n]) != success; {
				m, err := io.ReadAtLeast(k.c, first[n:], 1)
				if err != nil {
					b.Error(err)
					return
				}
				n += m
			}
		}
	})
}

// TestTrajectoryDoesNotAllocate holds the promise of the frame path.
func TestTrajectoryDoesNotAllocate(t *testing.T) {
	r := NewReader(NewMatcher(twoCameras.Cameras))
	body := []byte(trajectory(porchMAC, [5]int{1, 100, 100, 900, 3000}, [5]int{2, 100, 100, 900, 3000}))
	from := ip("10.0.0.1")
	if n := testing.AllocsPerRun(100, func() { _, _, _ = r.Read(noon, from, "/API", body) }); n != 0 {
		t.Errorf("%v allocations for a trajectory", n)
	}
}
