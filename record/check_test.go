package record_test

import (
	"fmt"
	"math"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
)

func TestSamplesThatCannotBeTrueAreFound(t *testing.T) {
	const perIteration = 8
	good := func() record.Sample {
		return record.Sample{Wall: 0.03, Iterations: 2, Said: protocol.Sample{
			Wall: 0.02, CPU: 0.019, Durations: []float64{0.011, 0.009}, Items: 16}}
	}
	if err := good().Check(perIteration); err != nil {
		t.Fatalf("a true sample: %v", err)
	}
	for name, lie := range map[string]func(*record.Sample){
		"more items than work":      func(s *record.Sample) { s.Said.Items = 17 },
		"fewer items than work":     func(s *record.Sample) { s.Said.Items = 8 },
		"longer than it was seen":   func(s *record.Sample) { s.Said.Wall = 0.031 },
		"no time":                   func(s *record.Sample) { s.Said.Wall = 0 },
		"negative time":             func(s *record.Sample) { s.Said.Wall = -1 },
		"no number":                 func(s *record.Sample) { s.Said.Wall = math.NaN() },
		"infinite CPU time":         func(s *record.Sample) { s.Said.CPU = math.Inf(1) },
		"negative CPU time":         func(s *record.Sample) { s.Said.CPU = -1e-9 },
		"too few durations":         func(s *record.Sample) { s.Said.Durations = s.Said.Durations[:1] },
		"too many durations":        func(s *record.Sample) { s.Said.Durations = append(s.Said.Durations, 1e-9) },
		"durations beyond the wall": func(s *record.Sample) { s.Said.Durations[0] = 0.012 },
		"a negative duration":       func(s *record.Sample) { s.Said.Durations[0] = -0.001 },
		"a duration of nothing":     func(s *record.Sample) { s.Said.Durations[0] = 0 },
		"a duration of NaN":         func(s *record.Sample) { s.Said.Durations[0] = math.NaN() },
		"too few latencies":         func(s *record.Sample) { s.Said.Latencies = []float64{0.001} },
		"a negative latency":        func(s *record.Sample) { s.Said.Latencies = []float64{0.001, -0.001} },
		"a latency of NaN":          func(s *record.Sample) { s.Said.Latencies = []float64{0.001, math.NaN()} },
		"a latency beyond the wall": func(s *record.Sample) { s.Said.Latencies = []float64{0.001, 0.021} },
		"negative tensors":          func(s *record.Sample) { s.Said.TensorPeak = -1 },
		"negative memory":           func(s *record.Sample) { s.Said.RSSPeak = -1 },
		"negative switches":         func(s *record.Sample) { s.Said.Involuntary = -1 },
		"a breakdown that does not sum to the peak": func(s *record.Sample) {
			s.Said.TensorPeak, s.Said.Memory = 8, &protocol.Memory{AtPeak: protocol.Bytes{Weights: 7}}
		},
		"a breakdown of no peak": func(s *record.Sample) { s.Said.Memory = &protocol.Memory{AtPeak: protocol.Bytes{Weights: 7}} },
		"a negative category": func(s *record.Sample) {
			s.Said.TensorPeak, s.Said.Memory = 8, &protocol.Memory{AtPeak: protocol.Bytes{Weights: 9, Other: -1}}
		},
		"more activations than bytes":    func(s *record.Sample) { counted(s).ActivationPeak = 9 },
		"a forward pass above the peak":  func(s *record.Sample) { counted(s).Forward = 9 },
		"a backward pass above the peak": func(s *record.Sample) { counted(s).Backward = 9 },
		"an update above the peak":       func(s *record.Sample) { counted(s).Update = 9 },
		"a negative update":              func(s *record.Sample) { counted(s).Update = -1 },
		"an extra number that is none": func(s *record.Sample) {
			s.Said.Extra = map[string]protocol.Number{"batch": protocol.Number(math.NaN())}
		},
		"an extra number without end": func(s *record.Sample) {
			s.Said.Extra = map[string]protocol.Number{"batch": protocol.Number(math.Inf(1))}
		},
		"a profile that took longer than it was seen": func(s *record.Sample) { profiled(s).Wall = 0.031 },
		"a profile of no time":                        func(s *record.Sample) { profiled(s).Wall = 0 },
		"a profile of NaN":                            func(s *record.Sample) { profiled(s).Wall = math.NaN() },
		"busy for longer than the profile":            func(s *record.Sample) { profiled(s).Busy = 0.03 },
		"busy for NaN":                                func(s *record.Sample) { profiled(s).Busy = math.NaN() },
		"a negative number of threads":                func(s *record.Sample) { profiled(s).Threads = -1 },
		"operators beyond all threads' time":          func(s *record.Sample) { profiled(s).Operators[0].Seconds = 0.03 },
		"operators of less than the busy time":        func(s *record.Sample) { profiled(s).Operators[0].Seconds = 0.004 },
		"an operator of negative time": func(s *record.Sample) {
			profiled(s).Operators[0].Seconds, s.Said.Profile.Operators[1].Seconds = 0.02, -0.005
		},
		"an operator of NaN":              func(s *record.Sample) { profiled(s).Operators[0].Seconds = math.NaN() },
		"an operator that takes for ever": func(s *record.Sample) { profiled(s).Operators[0].Seconds = math.Inf(1) },
		"an operator without calls":       func(s *record.Sample) { profiled(s).Operators[0].Calls = 0 },
		"an operator without a name":      func(s *record.Sample) { profiled(s).Operators[0].Name = "" },
		"an operator twice":               func(s *record.Sample) { profiled(s).Operators[0].Name = "aten::relu" },
		"others without calls":            func(s *record.Sample) { profiled(s).Other.Calls = 0 },
		"too many operators": func(s *record.Sample) {
			p := profiled(s)
			for i := range protocol.MostOperators {
				p.Operators = append(p.Operators, protocol.OperatorTime{Name: fmt.Sprint(i), Calls: 1})
			}
		},
		"a negative load": func(s *record.Sample) { counted(s).Load = -1 },
	} {
		s := good()
		lie(&s)
		if s.Check(perIteration) == nil {
			t.Errorf("%s: found nothing wrong with %+v", name, s)
		}
	}
}

// counted gives a sample 8 bytes of weights at the peak.
func counted(s *record.Sample) *protocol.Memory {
	s.Said.TensorPeak = 8
	s.Said.Memory = &protocol.Memory{AtPeak: protocol.Bytes{Weights: 8}, Load: 16}
	return s.Said.Memory
}

// profiled gives a sample a profile of 15 ms in operators, on up to two threads.
func profiled(s *record.Sample) *protocol.Profile {
	s.Said.Profile = &protocol.Profile{Wall: 0.02, Busy: 0.012, Threads: 2, Other: &protocol.OperatorTime{Calls: 9, Seconds: 0.001},
		Operators: []protocol.OperatorTime{{Name: "aten::mm", Calls: 2, Seconds: 0.01}, {Name: "aten::relu", Calls: 1, Seconds: 0.004}}}
	return s.Said.Profile
}

func TestAProfiledSampleIsTrue(t *testing.T) {
	s := record.Sample{Wall: 0.03, Iterations: 1, Said: protocol.Sample{Wall: 0.02, Durations: []float64{0.02}, Items: 1}}
	profiled(&s)
	if err := s.Check(1); err != nil {
		t.Error(err)
	}
	s.Said.Profile = &protocol.Profile{Wall: 0.02} // of work without operators
	if err := s.Check(1); err != nil {
		t.Error(err)
	}
}

func TestACountedSampleIsTrue(t *testing.T) {
	s := record.Sample{Wall: 0.03, Iterations: 1, Said: protocol.Sample{Wall: 0.02, Durations: []float64{0.02}, Items: 1}}
	counted(&s).Forward = 8
	if err := s.Check(1); err != nil {
		t.Error(err)
	}
}

func TestFactsThatCannotBeTrueAreFound(t *testing.T) {
	inference := protocol.Settings{Kind: "inference", Batch: 8}
	ensemble := protocol.Settings{Kind: "ensemble", Batch: 2, Images: 4}
	budget := protocol.Settings{Kind: "train", Batch: 32, Images: 256, Budget: 1024}
	for _, tt := range []struct {
		name     string
		facts    protocol.Facts
		settings protocol.Settings
		ok       bool
	}{
		{"a batch an iteration", protocol.Facts{ItemsPerIteration: 8}, inference, true},
		{"half a batch", protocol.Facts{ItemsPerIteration: 4}, inference, false},
		{"all images an iteration", protocol.Facts{ItemsPerIteration: 4}, ensemble, true},
		{"a batch of an ensemble's images", protocol.Facts{ItemsPerIteration: 2}, ensemble, false},
		{"a portion of images an iteration", protocol.Facts{ItemsPerIteration: 256}, budget, true},
		{"a step of a portion", protocol.Facts{ItemsPerIteration: 32}, budget, false},
		{"an image a query", protocol.Facts{ItemsPerIteration: 1}, protocol.Settings{Kind: "inference", Mode: "server", Batch: 32, Images: 64}, true},
		{"a batch a query of one image", protocol.Facts{ItemsPerIteration: 32}, protocol.Settings{Kind: "inference", Mode: "server", Batch: 32, Images: 64}, false},
		{"a batch a query", protocol.Facts{ItemsPerIteration: 8}, protocol.Settings{Kind: "ensemble", Mode: "multi-stream", Batch: 8, Images: 64}, true},
		{"a batch of a query of all images", protocol.Facts{ItemsPerIteration: 8}, protocol.Settings{Kind: "ensemble", Mode: "offline", Batch: 8, Images: 64}, false},
		{"all images a query", protocol.Facts{ItemsPerIteration: 64}, protocol.Settings{Kind: "inference", Mode: "offline", Batch: 8, Images: 64}, true},
		{"null work", protocol.Facts{ItemsPerIteration: 1}, protocol.Settings{Kind: "null"}, true},
		{"no items", protocol.Facts{}, protocol.Settings{Kind: "null"}, false},
		{"negative weights", protocol.Facts{ItemsPerIteration: 8, WeightBytes: -1}, inference, false},
		{"FLOP that are no number", protocol.Facts{ItemsPerIteration: 8, FLOPPerItem: math.NaN()}, inference, false},
	} {
		if err := record.CheckFacts(tt.facts, tt.settings); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
