package record

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"lensbench/protocol"
)

// slack allows for the rounding of sums of clock differences, nothing more.
const slack = 1e-9

// Check says what contradicts itself in a sample of work that completes
// perIteration items an iteration, or nil. A sample that fails must not be
// stored: its worker is wrong or lies, and its status is Invalid.
//
// With items and wall consistent here, throughput × wall = items holds for
// whoever divides one by the other.
func (s Sample) Check(perIteration int) error {
	said := s.Said
	switch {
	case !positive(said.Wall):
		return fmt.Errorf("wall is %v s; want a positive time", said.Wall)
	case said.Wall > s.Wall:
		return fmt.Errorf("the worker says %v s, but its answer came after %v s", said.Wall, s.Wall)
	case len(said.Durations) != s.Iterations:
		return fmt.Errorf("%d durations for %d iterations", len(said.Durations), s.Iterations)
	case said.Items != s.Iterations*perIteration:
		return fmt.Errorf("%d items from %d iterations of %d items", said.Items, s.Iterations, perIteration)
	}
	if err := checkLatencies(said, s.Iterations); err != nil {
		return err
	}
	if err := checkExtra(said.Extra); err != nil {
		return err
	}
	if err := checkCounters(said); err != nil {
		return err
	}
	if said.Profile != nil {
		if err := checkProfile(*said.Profile, s.Wall); err != nil {
			return err
		}
	}
	return checkDurations(said)
}

// checkLatencies knows that a query arrives after the clock has started.
func checkLatencies(said protocol.Sample, iterations int) error {
	if n := len(said.Latencies); n != 0 && n != iterations {
		return fmt.Errorf("%d latencies for %d iterations", n, iterations)
	}
	for i, l := range said.Latencies {
		if !positive(l) || l > said.Wall*(1+slack)+slack {
			return fmt.Errorf("query %d took %v s; want a positive time, at most the wall time of %v s", i, l, said.Wall)
		}
	}
	return nil
}

func checkExtra(extra map[string]protocol.Number) error {
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if v := float64(extra[name]); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s is %v; want a finite number", name, v)
		}
	}
	return nil
}

func checkCounters(said protocol.Sample) error {
	if !(said.CPU >= 0) || math.IsInf(said.CPU, 0) {
		return fmt.Errorf("CPU time is %v s", said.CPU)
	}
	if min(said.TensorPeak, said.RSSPeak, said.Voluntary, said.Involuntary) < 0 {
		return fmt.Errorf("tensor_peak %d, rss_peak %d, voluntary %d, involuntary %d; none can be negative",
			said.TensorPeak, said.RSSPeak, said.Voluntary, said.Involuntary)
	}
	if said.Memory != nil {
		return checkMemory(*said.Memory, said.TensorPeak)
	}
	return nil
}

// checkMemory compares a breakdown with the peak of tensor bytes that it is of.
// The peaks of loading and of the warm-up are of other times and may be higher.
func checkMemory(m protocol.Memory, peak int64) error {
	b := m.AtPeak
	if min(b.Weights, b.Gradients, b.Optimiser, b.Activations, b.Other) < 0 {
		return fmt.Errorf("memory at the peak is %+v; nothing can be negative", b)
	}
	if b.Total() != peak {
		return fmt.Errorf("memory at the peak sums to %d bytes; tensor_peak is %d", b.Total(), peak)
	}
	if m.Load < 0 || m.WarmUp < 0 {
		return fmt.Errorf("peak is %d bytes while loading and %d in the warm-up; none can be negative", m.Load, m.WarmUp)
	}
	for _, part := range []struct {
		name  string
		bytes int64
	}{{"activations", m.ActivationPeak}, {"forward passes", m.Forward}, {"backward passes", m.Backward}, {"updates", m.Update}} {
		if part.bytes < 0 || part.bytes > peak {
			return fmt.Errorf("peak of %s is %d bytes; want 0 to tensor_peak, which is %d", part.name, part.bytes, peak)
		}
	}
	return nil
}

// slackOfProfile allows for clocks that tick in microseconds, once for each end of a call.
const slackOfProfile = 1e-3

// checkProfile compares the parts of a profile with their whole, and that with what was
// seen from outside, in seconds. Nothing of it is about the sample's other times.
func checkProfile(p protocol.Profile, seen float64) error {
	switch {
	case !positive(p.Wall) || p.Wall > seen:
		return fmt.Errorf("profile of %v s, but the answer came after %v s", p.Wall, seen)
	case !(p.Busy >= 0) || p.Busy > p.Wall*(1+slackOfProfile):
		return fmt.Errorf("%v s of a profile of %v s were in operators", p.Busy, p.Wall)
	case p.Threads < 0 || p.Threads > mostThreads:
		return fmt.Errorf("operators on %d threads; want 0 to %d", p.Threads, mostThreads)
	case len(p.Operators) > protocol.MostOperators:
		return fmt.Errorf("%d operators are listed; want at most %d, and the others together", len(p.Operators), protocol.MostOperators)
	}
	sum, err := operatorSum(p)
	if err != nil {
		return err
	}
	if most := p.Busy * float64(p.Threads); sum > most*(1+slackOfProfile)+slack || p.Busy > sum*(1+slackOfProfile)+slack {
		return fmt.Errorf("operators took %v s together; want %v s, in which threads were in one, to %v s, for %d threads", sum, p.Busy, most, p.Threads)
	}
	return nil
}

// mostThreads is more than any machine has.
const mostThreads = 1 << 16

// operatorSum adds up the seconds of all operators.
func operatorSum(p protocol.Profile) (sum float64, err error) {
	names := map[string]bool{}
	for _, o := range p.Operators {
		if o.Name == "" || len(o.Name) > 500 || names[o.Name] {
			return 0, fmt.Errorf("operator %.80q has no name, or a very long one, or is there twice", o.Name)
		}
		names[o.Name] = true
	}
	all := p.Operators
	if p.Other != nil {
		all = append(slices.Clone(all), *p.Other)
	}
	for _, o := range all {
		if o.Calls < 1 || !(o.Seconds >= 0) || math.IsInf(o.Seconds, 0) {
			return 0, fmt.Errorf("operator %q: %d calls took %v s; want at least 1 and a time that is not negative", o.Name, o.Calls, o.Seconds)
		}
		sum += o.Seconds
	}
	return sum, nil
}

func checkDurations(said protocol.Sample) error {
	sum := 0.0
	for i, d := range said.Durations {
		if !positive(d) {
			return fmt.Errorf("iteration %d took %v s; want a positive time", i, d)
		}
		sum += d
	}
	if sum > said.Wall*(1+slack)+slack {
		return fmt.Errorf("iterations sum to %v s, more than the wall time of %v s", sum, said.Wall)
	}
	return nil
}

// CheckFacts says what contradicts the settings, or itself, in the facts of a
// prepared worker, or nil.
func CheckFacts(f protocol.Facts, s protocol.Settings) error {
	if want := imagesOfQuery(s); s.Mode != "" && want > 0 && f.ItemsPerIteration != want {
		return fmt.Errorf("%d items per iteration for queries of %d images, mode = %s", f.ItemsPerIteration, want, s.Mode)
	}
	if want := s.Images; s.Kind == "ensemble" && s.Mode == "" && want > 0 && f.ItemsPerIteration != want {
		return fmt.Errorf("%d items per iteration for images = %d", f.ItemsPerIteration, want)
	}
	if want := s.Images; s.Kind == "train" && s.Budget > 0 && want > 0 && f.ItemsPerIteration != want {
		return fmt.Errorf("%d items per iteration for images = %d", f.ItemsPerIteration, want)
	}
	if want := s.Batch; s.Kind == "inference" && s.Mode == "" && want > 0 && f.ItemsPerIteration != want {
		return fmt.Errorf("%d items per iteration for batch = %d", f.ItemsPerIteration, want)
	}
	switch {
	case f.ItemsPerIteration < 1:
		return fmt.Errorf("%d items per iteration; want at least 1", f.ItemsPerIteration)
	case f.Parameters < 0 || f.WeightBytes < 0 || f.Threads < 0:
		return fmt.Errorf("%d parameters, %d bytes of weights, %d threads; none can be negative", f.Parameters, f.WeightBytes, f.Threads)
	case !(f.FLOPPerItem >= 0) || !(f.LoadSeconds >= 0) || !(f.PrepareSeconds >= 0):
		return fmt.Errorf("%v FLOP per item, %v s to load, %v s to prepare; none can be negative", f.FLOPPerItem, f.LoadSeconds, f.PrepareSeconds)
	}
	return nil
}

// imagesOfQuery are those that the settings ask for, 0 if they do not say.
func imagesOfQuery(s protocol.Settings) int {
	switch s.Mode {
	case "multi-stream":
		return s.Batch
	case "offline":
		return s.Images
	}
	return 1
}

func positive(v float64) bool { return v > 0 && !math.IsInf(v, 1) }
