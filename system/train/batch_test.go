package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lensbench/system/adaptive"
	"lensbench/torch"
)

// A machine is what steps take on it.
type machine struct {
	each    int64 // bytes of an image
	limit   int64 // bytes
	fastest int   // batch beyond which there is nothing to gain
}

func (m machine) step(batch int) (adaptive.Observation, error) {
	o := adaptive.Observation{Batch: batch, Peak: m.each * int64(batch), Seconds: 1 + float64(max(0, batch-m.fastest))/float64(m.fastest)}
	o.OutOfMemory = o.Peak > m.limit
	return o, nil
}

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		name  string
		m     machine
		best  int
		tried []int
	}{
		{"the fastest", machine{1, 1000, 32}, 32, []int{8, 16, 32, 64}},
		{"the largest that fits", machine{11, 1000, 1000}, 64, []int{8, 16, 32, 64}},
		{"smaller than the first", machine{150, 1000, 1000}, 4, []int{8, 4, 2}},
		{"all images there are", machine{1, 1000, 1000}, 100, []int{8, 16, 32, 64, 100}},
	} {
		rule := &adaptive.Throughput{Limits: adaptive.Limits{Least: 2, Most: 100}, Budget: 1000, Gain: 0.03}
		best, tried, err := search(rule, FirstBatch, c.m.step)
		var batches []int
		for _, x := range tried {
			batches = append(batches, x.batch)
		}
		if err != nil || best != c.best || !slices.Equal(batches, c.tried) {
			t.Errorf("%s: %d of %v, %v; want %d of %v", c.name, best, tried, err, c.best, c.tried)
		}
	}
}

// If nothing fits there is an end, and an error that says so.
func TestSearchWithoutRoom(t *testing.T) {
	rule := &adaptive.Throughput{Limits: adaptive.Limits{Least: 2, Most: 100}, Budget: 1000, Gain: 0.03}
	_, tried, err := search(rule, FirstBatch, machine{each: 600, limit: 1000, fastest: 1}.step)
	if !errors.Is(err, torch.ErrOutOfMemory) || fmt.Sprint(tried) != "[8 out of memory 4 out of memory 2 out of memory]" {
		t.Errorf("%v, %v", tried, err)
	}
	broken := errors.New("no image")
	_, _, err = search(&adaptive.Throughput{Budget: 1}, 8, func(int) (adaptive.Observation, error) { return adaptive.Observation{}, broken })
	if err != broken {
		t.Errorf("error %v", err)
	}
}

func TestTrial(t *testing.T) {
	var tried []trial
	for _, o := range []adaptive.Observation{{Batch: 8, Seconds: 2, Peak: 1 << 20}, {Batch: 8, Seconds: 1, Peak: 1 << 19}} {
		tried = note(tried, o)
	}
	if got := fmt.Sprint(tried); !strings.HasPrefix(got, "[8 (8 images/s, 1.0 MiB)]") {
		t.Error(got)
	}
}
