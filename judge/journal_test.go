package judge_test

import (
	"math"
	"math/rand/v2"
	"time"

	"lensbench/protocol"
	"lensbench/record"
)

// A fixture is a run that is being written, entry by entry, as the runner
// would.
type fixture struct {
	run     record.Run
	entries []record.Entry
	rng     *rand.Rand
	now     float64
}

const items = 4 // completed by one iteration of every worker here

func newFixture(cells ...record.Cell) *fixture {
	return &fixture{
		run: record.Run{
			Schema:  record.Schema,
			ID:      "20260102T030405-0001",
			Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Machine: record.Machine{CPUModel: "Example CPU", CPUs: 2, Memory: 8 << 30, Libtorch: "2.11.0", Governor: "none"},
			Cells:   cells,
		},
		rng: rand.New(rand.NewPCG(1, 1)),
	}
}

// ensemble is a cell whose claim threads decides.
func ensemble() record.Cell {
	return record.Cell{
		ID: "c0ffee", Scenario: "ensemble-parallel", Title: "Ensemble inference",
		Arms: []record.Arm{
			{Name: "sequential", Worker: "lens", Settings: protocol.Settings{Kind: "ensemble", Schedule: "sequential"}},
			{Name: "threads", Worker: "lens", Settings: protocol.Settings{Kind: "ensemble", Schedule: "threads"}},
		},
		Claim:   &record.Claim{ID: "ensemble-parallel", Says: "+40–60 % throughput"},
		Decides: "threads",
		Expect:  []record.Expect{{Metric: record.Throughput, Op: ">=", Ratio: 1.4}},
		Equal:   &record.Equal{Output: "logits", Tolerance: 1e-5},
		Measure: []string{record.Throughput},
		Plan:    record.Plan{Restarts: 8, Blocks: 3, Warmup: 1, SampleSeconds: 0.02, TimeLimit: 60},
	}
}

func (f *fixture) add(e record.Entry) *fixture {
	f.now++
	e.Time = f.now
	f.entries = append(f.entries, e)
	return f
}

// A pace is how an arm's samples go.
type pace struct {
	seconds float64 // an iteration
	scatter float64 // standard deviation of its logarithm
	others  float64 // share of the machine that other processes use
}

// measure writes restarts from first to last, exclusive, of a cell: its workers
// and blocks. Arms without a pace are left out.
func (f *fixture) measure(c record.Cell, first, last, iterations int, paces map[string]pace) *fixture {
	for r := first; r < last; r++ {
		for _, a := range c.Arms {
			if _, runs := paces[a.Name]; runs {
				f.worker(c, a.Name, r, iterations)
			}
		}
		for b := range c.Plan.Blocks {
			f.block(c, r, b, iterations, paces)
		}
	}
	return f
}

func (f *fixture) worker(c record.Cell, arm string, restart, iterations int) {
	f.add(record.Entry{Kind: record.KindWorker, Cell: c.ID, Worker: &record.WorkerEntry{
		Arm: arm, Restart: restart, Pass: protocol.PassTime, Iterations: iterations,
		Facts: protocol.Facts{Parameters: 1000, ItemsPerIteration: items, Threads: 2},
		Start: 0.1 + 0.01*float64(restart), First: 0.2,
	}})
}

// block makes samples whose machine is slower in some blocks than in others.
func (f *fixture) block(c record.Cell, restart, block, iterations int, paces map[string]pace) {
	drift := math.Exp(0.2 * f.rng.NormFloat64())
	entry := &record.BlockEntry{Restart: restart, Block: block}
	for i, a := range c.Arms {
		if p, runs := paces[a.Name]; runs {
			entry.Samples = append(entry.Samples, f.sample(a.Name, i, iterations, drift, p))
		}
	}
	f.add(record.Entry{Kind: record.KindBlock, Cell: c.ID, Block: entry})
}

func (f *fixture) sample(arm string, position, iterations int, drift float64, p pace) record.Sample {
	s := record.Sample{Arm: arm, Position: position, Start: f.now, Iterations: iterations}
	for range iterations {
		d := p.seconds * drift * math.Exp(p.scatter*f.rng.NormFloat64())
		s.Said.Durations = append(s.Said.Durations, d)
		s.Said.Wall += d
	}
	s.Said.CPU = 2 * s.Said.Wall
	s.Said.Items = items * iterations
	s.Said.RSSPeak = 500 << 20
	s.Wall = s.Said.Wall*float64(iterations+1)/float64(iterations) + 0.0001
	s.Host.Others = p.others * 2 * s.Wall
	s.Host.Steal = 0.01 * s.Wall
	return s
}

func (f *fixture) outputs(c record.Cell, arm string, worst float64) *fixture {
	return f.add(record.Entry{Kind: record.KindOutputs, Cell: c.ID, Outputs: &record.OutputEntry{
		Arm: arm, When: "before", Shape: []int{4}, Worst: protocol.Number(worst), Pass: worst <= c.Equal.Tolerance}})
}

func (f *fixture) memory(c record.Cell, arm string, peaks ...int64) *fixture {
	for r, peak := range peaks {
		f.add(record.Entry{Kind: record.KindMemory, Cell: c.ID, Memory: &record.MemoryEntry{
			Arm: arm, Restart: r, TensorPeak: peak, RSSPeak: peak + 200<<20}})
	}
	return f
}

// activations writes memory passes of an arm that has 100 MiB of weights beside
// its activations.
func (f *fixture) activations(c record.Cell, arm string, peaks ...int64) *fixture {
	for r, peak := range peaks {
		m := &protocol.Memory{AtPeak: protocol.Bytes{Weights: 100 << 20, Activations: peak}, ActivationPeak: peak}
		f.add(record.Entry{Kind: record.KindMemory, Cell: c.ID, Memory: &record.MemoryEntry{
			Arm: arm, Restart: r, TensorPeak: m.AtPeak.Total(), RSSPeak: peak + 300<<20, Memory: m}})
	}
	return f
}

func (f *fixture) status(c record.Cell, arm, status, reason string) *fixture {
	return f.add(record.Entry{Kind: record.KindStatus, Cell: c.ID,
		Status: &record.StatusEntry{Arm: arm, Status: status, Reason: reason}})
}

func (f *fixture) end() *fixture { return f.add(record.Entry{Kind: record.KindEnd}) }
