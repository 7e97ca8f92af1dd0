package worker

import (
	"strings"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/system/usage"
)

// A delay makes an iteration longer by a share of its own time, of which nothing else
// can use the core.
func TestDelay(t *testing.T) {
	before, err := usage.Self()
	if err != nil {
		t.Fatal(err)
	}
	c := clock{delay: 0.5}
	c.start()
	for range 3 {
		time.Sleep(20 * time.Millisecond)
		c.lap()
	}
	used, err := usage.Self()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range c.durations {
		if d < 0.030 {
			t.Errorf("iteration %d of 20 ms took %v s with half of that added", i, d)
		}
	}
	if wall := c.last.Sub(c.begin).Seconds(); wall < 0.090 {
		t.Errorf("wall %v s, less than the iterations' 0.09", wall)
	}
	// What was slept costs no CPU time, what was added does, unless the core was taken
	// away meanwhile.
	if cpu := used.Since(before).CPU; cpu < 0.005 {
		t.Errorf("%v s of CPU time for 0.03 s of delay: it sleeps", cpu)
	}
}

// The setting reaches iterations and, in a mode, queries: all of what was added is part
// of what they took.
func TestDelayedWork(t *testing.T) {
	for _, mode := range []string{``, `"mode": "single-stream", "images": 4, `, `"mode": "server", "images": 4, "rate": 20, `} {
		plain := `{"kind": "inference", "model": "resnet18", "pixels": 32, ` + mode + `"threads": 1}`
		delayed := strings.Replace(plain, "{", `{"delay": 100, `, 1)
		sample := `{"id": 2, "op": "sample", "sample": {"untimed": 2, "iterations": 25}}`
		r := talk(t, prepare(plain, "time", ""), sample, prepare(delayed, "time", ""), sample)
		for _, i := range []int{1, 3} {
			if r[i].Sample == nil {
				t.Fatalf("%s: %v %v", mode, r[i-1].Error, r[i].Error)
			}
			checkRecorded(t, plain, r[i-1].Facts, r[i].Sample)
		}
		if added, ok := r[1].Sample.Extra["delay_seconds"]; ok {
			t.Errorf("%s without a delay says that %v s were added", mode, added)
		}
		total := 0.0
		for _, d := range r[3].Sample.Latency() {
			total += d
		}
		// An open queue's latency is waiting, too: there half of the service is no
		// half of the latency.
		least := 0.499 * total
		if strings.Contains(mode, "server") {
			least = 1e-6
		}
		if added := float64(r[3].Sample.Extra["delay_seconds"]); added < least || added > total {
			t.Errorf("%s with 100 %% of delay: %v s added, in %v s", mode, added, total)
		}
	}
}

// An arm without a delay is the arm that it was before there were any.
func TestDelayIsNoPartOfOthers(t *testing.T) {
	s := protocol.Settings{Kind: "inference", Model: "resnet18"}
	if got, want := s.Hash(), "107d1e53fe71"; got != want {
		t.Errorf("hash %s, was %s", got, want)
	}
	d := s
	d.Delay = 3
	if d.Hash() == s.Hash() {
		t.Error("a delay does not change what the arm is")
	}
}
