package footprint

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/torch"
)

//go:generate go test -update .

var update = flag.Bool("update", false, "rewrite the golden files")

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }

// example is a footprint of two steps.
func example() *Footprint {
	const mib = 1 << 20
	b := func(weights, gradients, optimiser, activations, other int64) torch.Breakdown {
		return torch.Breakdown{torch.Weights: weights * mib, torch.Gradients: gradients * mib, torch.Optimiser: optimiser * mib,
			torch.Activations: activations * mib, torch.Other: other * mib / 3}
	}
	stage := func(p torch.Peaks, rss int64) Stage { return Stage{p, rss * mib} }
	p := torch.Peaks{All: b(40, 30, 80, 100, 1), Activations: 110 * mib, Forward: b(40, 0, 80, 110, 1), Backward: b(40, 30, 80, 100, 1), Update: b(40, 40, 80, 0, 1)}
	f := &Footprint{Settings: Settings{Model: "resnet18", Pixels: 64, Batch: 32, Bands: 3, Steps: 1, Threads: 2}, Trainable: 11_177_025, WeightBytes: 40 * mib,
		Load: stage(torch.Peaks{All: b(40, 0, 80, 0, 1)}, 300), First: stage(p, 500), Later: stage(p, 505)}
	f.Trace.Events = []torch.MemoryEvent{{Seconds: 7, Bytes: b(40, 0, 80, 0, 1)}}
	at := 7.0
	add := func(phase torch.Phase, gradients, activations int64) {
		at += 0.004
		f.Trace.Events = append(f.Trace.Events, torch.MemoryEvent{Seconds: at, Phase: phase, Bytes: b(40, gradients, 80, activations, 1)})
	}
	for range 2 {
		for n := int64(0); n <= 110; n += 10 {
			add(torch.PhaseForward, 0, n)
		}
		for n := int64(0); n <= 40; n += 4 {
			add(torch.PhaseBackward, n, 110-n*11/4)
		}
		add(torch.PhaseUpdate, 40, 0)
		add(torch.PhaseUpdate, 0, 0)
	}
	return f
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	if err := example().Text(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "example.txt", b.Bytes())
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := example().JSON(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "example.json", b.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with go test -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s", path, got)
	}
}

func TestTimeline(t *testing.T) {
	f := example()
	for _, name := range []string{"a.svg", "a.PNG"} {
		w, err := f.Timeline(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := w.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		if name == "a.svg" {
			for _, word := range append([]string{"time of training, ms", "tensors, MiB", "resnet18, batch 32"}, "weights", "gradients", "optimiser", "activations", "other") {
				if !strings.Contains(b.String(), word) {
					t.Errorf("no %q in the figure", word)
				}
			}
		} else if !bytes.HasPrefix(b.Bytes(), []byte("\x89PNG")) {
			t.Error("not a PNG")
		}
	}
	if _, err := f.Timeline("a.pdf"); err == nil {
		t.Error("no error for a.pdf")
	}
	f.Trace.Events = nil
	if _, err := f.Timeline("a.svg"); err == nil {
		t.Error("no error without a trace")
	}
}
