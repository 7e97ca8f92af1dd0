package footprint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"lensbench/system/model"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// A test process whose environment has this variable is one that counts memory
// from before its first tensor, or not.
const roleVariable = "LENSBENCH_TEST_ROLE"

var roles = map[string]func() error{"measure": measureAll, "count": func() error { return steps(true) }, "plain": func() error { return steps(false) }}

func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		torchtest.Main(m)
		return
	}
	if err := role(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// measured are two networks, one of them twice.
var measured = []Settings{
	{Model: model.Tiny, Pixels: 16, Batch: 4, Bands: 3, Steps: 3, Threads: 1, Seed: 1, Events: EventsOf(4)},
	{Model: model.Tiny, Pixels: 16, Batch: 4, Bands: 3, Steps: 3, Threads: 1, Seed: 1, Events: 100},
	{Model: "resnet18", Pixels: 32, Batch: 4, Bands: 1, Steps: 2, Threads: 2, Seed: 2},
}

// measureAll prints footprints without what does not repeat.
func measureAll() error {
	out := json.NewEncoder(os.Stdout)
	for _, s := range measured {
		f, err := Measure(s)
		if err != nil {
			return err
		}
		f.Load.RSS, f.First.RSS, f.Later.RSS = 0, 0, 0
		for i := range f.Trace.Events {
			f.Trace.Events[i].Seconds = float64(i)
		}
		if err := out.Encode(f); err != nil {
			return err
		}
	}
	if now, _ := torch.Memory(); now != 0 || torch.LiveTensors() != 0 {
		return fmt.Errorf("%d bytes in %d tensors are left", now, torch.LiveTensors())
	}
	return nil
}

// self is this test program in another role.
func self(role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GOMP_SPINCOUNT=30000")
	cmd.Stderr = os.Stderr
	return cmd
}

func TestFootprint(t *testing.T) {
	first, err := self("measure").Output()
	if err != nil {
		t.Fatal(err)
	}
	second, err := self("measure").Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != string(second) {
		t.Errorf("another process has counted otherwise:\n%s\n%s", first, second)
	}
	d := json.NewDecoder(bytesReader(first))
	var all []Footprint
	for range measured {
		var f Footprint
		if err := d.Decode(&f); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
		t.Run(f.Model, func(t *testing.T) { checkFootprint(t, f) })
	}
	if all[0].Later.Peaks != all[1].Later.Peaks || all[0].First.Peaks != all[1].First.Peaks {
		t.Errorf("the same again: %+v, then %+v", all[0], all[1])
	}
	if n := int64(len(all[0].Trace.Events)); all[0].Trace.Dropped != 0 || n != 100+all[1].Trace.Dropped {
		t.Errorf("%d events, %d dropped; with room for 100, %d were dropped", n, all[0].Trace.Dropped, all[1].Trace.Dropped)
	}
}

// checkFootprint checks what is known beforehand.
func checkFootprint(t *testing.T, f Footprint) {
	net, err := model.New(f.Model, f.Bands)
	if err != nil {
		t.Fatal(err)
	}
	state := 8*f.Trainable + 4*int64(len(net.Params.Trained())) // moments, and a count of steps for each weight
	inputs := int64(4 * f.Batch * (f.Bands*f.Pixels*f.Pixels + 1))
	if b := f.Load.All; b != (torch.Breakdown{torch.Weights: f.WeightBytes, torch.Optimiser: state, torch.Other: inputs}) {
		t.Errorf("load: %v of %d bytes of weights, %d of state, %d of input", b, f.WeightBytes, state, inputs)
	}
	for _, s := range []Stage{f.First, f.Later} {
		for _, b := range []torch.Breakdown{s.All, s.Forward, s.Backward, s.Update} {
			if b[torch.Weights] != f.WeightBytes || b[torch.Optimiser] != state || b.Total() > s.All.Total() {
				t.Errorf("%v of %d bytes of weights and %d of state, below %v", b, f.WeightBytes, state, s.All)
			}
		}
		if s.Forward[torch.Gradients] != 0 || s.Update[torch.Gradients] != 4*f.Trainable {
			t.Errorf("gradients: forward %d, update %d of %d bytes", s.Forward[torch.Gradients], s.Update[torch.Gradients], 4*f.Trainable)
		}
		if s.Activations < s.All[torch.Activations] || s.Activations < s.Forward[torch.Activations] || s.Activations == 0 {
			t.Errorf("activations: at most %d, at the peak %d", s.Activations, s.All[torch.Activations])
		}
	}
}

func TestMeasureComesFirst(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) { sc.Rand(1) })
	if _, err := Measure(measured[0]); !errors.Is(err, torch.ErrInvalid) {
		t.Errorf("error %v, want one of kind %v", err, torch.ErrInvalid)
	}
}
