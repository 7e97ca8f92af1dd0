package gate

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/record"
)

// A night is a run that a test makes up, and then spoils.
type night struct {
	factors map[string]float64 // arm → how much longer it takes than base; 0 is 1
	seed    uint64
	restart int // of each cell; 0 is 16
	memory  bool
	only    []string // cells, nil for all

	more    int // pieces of work beside the two
	looks   bool
	scatter float64 // from process to process; 0 is 0.2 %
}

const blocks = 4

// plan is the run of two pieces of work, and more.
func (n night) plan() record.Run {
	s := []record.Cell{
		{Scenario: "train", Arms: []record.Arm{{Name: "control", Worker: "lens", Settings: protocol.Settings{Kind: "train", Model: "resnet18"}}},
			Measure: []string{record.Throughput, record.Latency}, Plan: record.Plan{Restarts: 16, Blocks: blocks, SampleSeconds: 0.02, TimeLimit: 60}},
		{Scenario: "serve", Arms: []record.Arm{{Name: "control", Worker: "lens", Settings: protocol.Settings{Kind: "inference", Model: "resnet18"}}},
			Measure: []string{record.Throughput, record.Latency}, Plan: record.Plan{Restarts: 16, Blocks: blocks, SampleSeconds: 0.02, TimeLimit: 60}},
	}
	if n.memory {
		s[0].Measure = append(s[0].Measure, record.MemoryPeak)
	}
	for i := range n.more {
		c := s[1]
		c.Scenario, c.Measure = fmt.Sprintf("serve-%d", i), c.Measure[:1]
		c.Arms = []record.Arm{{Name: "control", Worker: "lens", Settings: protocol.Settings{Kind: "inference", Model: "resnet18", Batch: 2 + i}}}
		s = append(s, c)
	}
	cells, _ := Cells(s, Options{})
	return record.Run{Schema: record.Schema, ID: "night", Started: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC), Machine: record.Machine{CPUs: 2}, Cells: cells,
		Gate: &record.Gate{Delay: DefaultDelay, Builds: []record.Build{
			{Worker: HeadWorker, Given: "the work tree", Commit: strings.Repeat("b", 40), Sources: "s2", ID: "new", Program: "/bin/lens"},
			{Worker: BaseWorker, Given: "HEAD~1", Commit: strings.Repeat("a", 40), Sources: "s1", ID: "old", Built: true}}}}
}

// measured is the night as it went: 20 ms an iteration, with a scatter of 0.3 % from
// block to block and 0.2 % from process to process. Looks end its cells as the runner
// has them ended.
func (n night) measured() Measured {
	rng := rand.New(rand.NewPCG(n.seed+1, 7))
	m := Measured{Run: n.plan()}
	restarts := n.restart
	if restarts == 0 {
		restarts = 16
		if n.looks {
			restarts = Budget(0, len(m.Run.Cells))
		}
	}
	if n.only != nil {
		m.Run.Cells = Only(m.Run.Cells, n.only)
	}
	if n.scatter == 0 {
		n.scatter = 0.002
	}
	at := 0.0
	entry := func(e record.Entry) {
		at += 0.1
		e.Time = at
		m.Entries = append(m.Entries, e)
	}
	for ci := range m.Run.Cells {
		c := &m.Run.Cells[ci]
		c.Plan.Restarts = restarts
		if n.looks {
			c.Plan = Sequential(c.Plan, restarts)
		}
		first := len(m.Entries)
		for r := range restarts {
			process := map[string]float64{}
			for _, a := range c.Arms {
				process[a.Name] = 0.02 * n.factor(a) * math.Exp(n.scatter*rng.NormFloat64())
				b, _ := m.Run.Gate.Build(a.Worker)
				entry(record.Entry{Kind: record.KindWorker, Cell: c.ID, Worker: &record.WorkerEntry{Arm: a.Name, Restart: r, Pass: protocol.PassTime,
					Hello: protocol.Hello{Worker: "lens", Build: b.ID}, Facts: protocol.Facts{ItemsPerIteration: 1}, Iterations: 1}})
			}
			for b := range blocks {
				var samples []record.Sample
				machine := math.Exp(0.1 * rng.NormFloat64())
				for i, a := range c.Arms {
					d := process[a.Name] * machine * math.Exp(0.003*rng.NormFloat64())
					samples = append(samples, record.Sample{Arm: a.Name, Position: i, Wall: d + 0.001, Iterations: 1,
						Said: protocol.Sample{Wall: d, Durations: []float64{d}, Items: 1, RSSPeak: 1 << 20}})
				}
				entry(record.Entry{Kind: record.KindBlock, Cell: c.ID, Block: &record.BlockEntry{Restart: r, Block: b, Samples: samples}})
			}
			if c.Plan.LooksAfter(r + 1) {
				settled := Settled(m.Run.Machine, *c, m.Entries[first:], r+1)
				entry(record.Entry{Kind: record.KindLook, Cell: c.ID, Look: &record.LookEntry{Restarts: r + 1, Settled: settled}})
				if settled != nil {
					break
				}
			}
		}
		for r := range 2 {
			for _, a := range c.Arms {
				if n.memory {
					peak := int64(100<<20) * int64(max(1, n.factors["memory "+a.Name]))
					entry(record.Entry{Kind: record.KindMemory, Cell: c.ID, Memory: &record.MemoryEntry{Arm: a.Name, Restart: r, TensorPeak: peak}})
				}
			}
		}
	}
	entry(record.Entry{Kind: record.KindEnd})
	return m
}

func (n night) factor(a record.Arm) float64 {
	if f := n.factors[a.Name]; f > 0 {
		return f
	}
	if a.Name == Canary {
		f := 1 + a.Settings.Delay/100
		if h := n.factors[Head]; h > 0 {
			f *= h
		}
		return f
	}
	return 1
}

// again is the replication of a night.
func (n night) again(of Measured) *Measured {
	n.seed += 100
	if v := Judge(of, nil); n.only == nil {
		n.only = v.ToConfirm()
	}
	m := n.measured()
	m.Run.ID, m.Run.Gate.Replicates = "again", of.Run.ID
	return &m
}

func TestNights(t *testing.T) {
	slow := night{factors: map[string]float64{Head: 1.03}}
	for name, tt := range map[string]struct {
		first       night
		replication *night
		want        string
		says        string // in a reason
	}{
		"quiet":                             {first: night{}, want: Passed},
		"faster":                            {first: night{factors: map[string]float64{Head: 0.96}}, want: Passed},
		"slower, to confirm":                {first: slow, want: Flagged, says: "train arm=control: throughput flagged: head/base = 0.97"},
		"slower":                            {first: slow, replication: &slow, want: Regressed, says: "train arm=control: throughput regressed: head/base = 0.97"},
		"not confirmed":                     {first: slow, replication: &night{}, want: Passed},
		"slower, and less":                  {first: night{factors: map[string]float64{Head: 1.006}}, want: Passed}, // than θ
		"more memory":                       {first: night{memory: true, factors: map[string]float64{"memory head": 2}}, replication: &night{memory: true, factors: map[string]float64{"memory head": 2}}, want: Regressed, says: "train arm=control: memory_peak regressed: 200 MiB against 100 MiB"},
		"few restarts":                      {first: night{restart: 5}, want: Invalid, says: "insufficient: 5 restarts; a verdict needs 8"},
		"base apart":                        {first: night{factors: map[string]float64{Again: 1.03}}, want: Invalid, says: "base is told apart from itself in throughput"},
		"base apart, faster":                {first: night{factors: map[string]float64{Again: 0.97}}, want: Invalid, says: "base is told apart from itself in throughput"},
		"canary does nothing":               {first: night{factors: map[string]float64{Canary: 1}}, want: Invalid, says: "the canary was missed: head with 3 % of delay is not found slower than head"},
		"canary is faster":                  {first: night{factors: map[string]float64{Canary: 0.97}}, want: Invalid, says: "the canary was missed"},
		"canary hides behind a faster head": {first: night{factors: map[string]float64{Head: 0.97, Canary: 0.97 * 1.03}}, want: Passed},
		"canary as fast as a slower head":   {first: night{factors: map[string]float64{Head: 1.03, Canary: 1.03}}, want: Invalid, says: "the canary was missed"},
		"base with a memory of its own":     {first: night{memory: true, factors: map[string]float64{"memory base-again": 2}}, want: Invalid, says: "base is told apart from itself in memory_peak"},
	} {
		t.Run(name, func(t *testing.T) {
			first := tt.first.measured()
			var replication *Measured
			if tt.replication != nil {
				replication = tt.replication.again(first)
				if len(replication.Run.Cells) == 0 {
					t.Fatal("nothing was flagged")
				}
			}
			v := Judge(first, replication)
			if v.Outcome != tt.want || !strings.Contains(strings.Join(v.Reasons, "\n"), tt.says) {
				t.Errorf("%s: %q; want %s: …%s…", v.Outcome, v.Reasons, tt.want, tt.says)
			}
			if _, err := json.Marshal(v); err != nil {
				t.Error(err)
			}
		})
	}
}

// Each sabotage is of a quiet night, or of one in which head is slower, and must not
// leave it believed.
func TestSabotage(t *testing.T) {
	cellOf := func(m *Measured, i int) *record.Cell { return &m.Run.Cells[i] }
	drop := func(m *Measured, leave func(record.Entry) bool) {
		m.Entries = slices.DeleteFunc(m.Entries, func(e record.Entry) bool { return !leave(e) })
	}
	said := func(m *Measured, arm string, change func(*protocol.Sample)) {
		for i := range m.Entries {
			if b := m.Entries[i].Block; b != nil {
				for j := range b.Samples {
					if b.Samples[j].Arm == arm {
						change(&b.Samples[j].Said)
					}
				}
			}
		}
	}
	built := func(m *Measured, arm string, restart int, build string) {
		for i := range m.Entries {
			if w := m.Entries[i].Worker; w != nil && w.Arm == arm && w.Restart >= restart {
				w.Hello.Build = build
			}
		}
	}
	for name, tt := range map[string]struct {
		spoil func(m *Measured)
		says  string
	}{
		"base and head swapped": {func(m *Measured) {
			for i := range m.Entries {
				if w := m.Entries[i].Worker; w != nil {
					w.Hello.Build = map[string]string{"old": "new", "new": "old"}[w.Hello.Build]
				}
			}
		}, "lens ran as build [old]; it was build new (the work tree (bbbbbbbbbbbb)) when the run began"},
		"base-again is another program": {func(m *Measured) { built(m, Again, 0, "older") }, "base-again is not the program that base is: base is build old, and base-again is build older"},
		"canary is another program":     {func(m *Measured) { built(m, Canary, 0, "newer") }, "the canary is not the program that head is"},
		"head replaced meanwhile":       {func(m *Measured) { built(m, Head, 9, "newer") }, "arm head was 2 programs, builds new, newer"},
		"an old program for new sources": {func(m *Measured) {
			m.Run.Gate.Builds[0].ID = "old"
			built(m, Head, 0, "old")
			built(m, Canary, 0, "old")
		}, "head and base are the same program, build old, though their sources differ: /bin/lens was not built from what is there now; run make build"},
		"canary without a delay": {func(m *Measured) {
			for i := range m.Run.Cells {
				cellOf(m, i).Arms[3].Settings.Delay = 0
			}
		}, "the canary has no delay"},
		"a delay in base": {func(m *Measured) { cellOf(m, 0).Arms[0].Settings.Delay = 3 }, "arm base has a delay of 3 %, which is the canary's"},
		"no canary":       {func(m *Measured) { cellOf(m, 1).Arms = cellOf(m, 1).Arms[:3] }, "serve arm=control: invalid: the cell has no arm canary"},
		"no base-again": {func(m *Measured) {
			cellOf(m, 1).Arms = slices.Delete(cellOf(m, 1).Arms, 2, 3)
		}, "serve arm=control: invalid: the cell has no arm base-again"},
		"no head": {func(m *Measured) { cellOf(m, 1).Arms = slices.Delete(cellOf(m, 1).Arms, 1, 2) }, "serve arm=control: invalid: the cell has no arm head"},
		"a cell that head has not measured": {func(m *Measured) {
			id := cellOf(m, 1).ID
			for i := range m.Entries {
				if b := m.Entries[i].Block; b != nil && m.Entries[i].Cell == id {
					b.Samples = slices.DeleteFunc(b.Samples, func(s record.Sample) bool { return s.Arm == Head })
				}
			}
		}, "serve arm=control: insufficient: arm head: not measured"},
		"a cell that nobody has measured": {func(m *Measured) {
			id := cellOf(m, 1).ID
			drop(m, func(e record.Entry) bool { return e.Cell != id })
		}, "serve arm=control: insufficient: arm base: not measured"},
		"a metric of another name": {func(m *Measured) { cellOf(m, 0).Measure = []string{"throughputs"} }, "the canary was missed: head with 3 % of delay is not found slower than head: throughputs"},
		"no metric of time":        {func(m *Measured) { cellOf(m, 0).Measure = []string{record.MemoryPeak} }, "the canary was missed"},
		"a journal that is cut":    {func(m *Measured) { m.Entries = m.Entries[:len(m.Entries)-1] }, "night: the run is not complete; go on with: bench run --resume night"},
		"a journal that is empty":  {func(m *Measured) { m.Entries = nil }, "insufficient: arm base: not measured"},
		"times that are not numbers": {func(m *Measured) {
			said(m, Head, func(s *protocol.Sample) { s.Wall, s.Durations[0] = math.NaN(), math.NaN() })
		}, "invalid: arm head: restart 0, block 0: wall is NaN s"},
		"times of zero": {func(m *Measured) {
			said(m, Base, func(s *protocol.Sample) { s.Wall, s.Durations[0] = 0, 0 })
		}, "invalid: arm base: restart 0, block 0: wall is 0 s"},
		"more items than there were": {func(m *Measured) { said(m, Head, func(s *protocol.Sample) { s.Items = 2 }) }, "invalid: arm head: restart 0, block 0: 2 items from 1 iterations of 1 items"},
		"every sample the same": {func(m *Measured) {
			for _, arm := range []string{Base, Head, Again, Canary} {
				said(m, arm, func(s *protocol.Sample) { s.Wall, s.Durations[0] = 0.001, 0.001 })
			}
		}, "they were not measured"},
		"head crashed": {func(m *Measured) {
			m.Entries = append(m.Entries, record.Entry{Kind: record.KindStatus, Cell: cellOf(m, 0).ID, Status: &record.StatusEntry{Arm: Head, Status: record.Crash, Reason: "segmentation fault"}})
		}, "train arm=control: crash: arm head: segmentation fault"},
		"head computes something else": {func(m *Measured) {
			m.Entries = append(m.Entries, record.Entry{Kind: record.KindOutputs, Cell: cellOf(m, 0).ID, Outputs: &record.OutputEntry{Arm: Head, When: "after", Why: "logits differ"}})
		}, "train arm=control: quality_fail: arm head: logits differ"},
		"canary does not know its delay": {func(m *Measured) {
			m.Entries = append(m.Entries, record.Entry{Kind: record.KindStatus, Cell: cellOf(m, 0).ID, Status: &record.StatusEntry{Arm: Canary, Status: record.Incomparable, Reason: `setting "delay" is not known`}})
		}, `train arm=control: not-comparable: arm canary: setting "delay" is not known`},
		"everything skipped": {func(m *Measured) {
			for _, c := range m.Run.Cells {
				m.Entries = append(m.Entries, record.Entry{Kind: record.KindStatus, Cell: c.ID, Status: &record.StatusEntry{Arm: Base, Status: record.Skipped, Reason: "needs cuda"}},
					record.Entry{Kind: record.KindStatus, Cell: c.ID, Status: &record.StatusEntry{Status: record.Skipped, Reason: "control base: needs cuda"}})
			}
		}, "nothing was measured: all work is skipped on this machine"},
		"ended by a look that settles nothing": {func(m *Measured) {
			c := cellOf(m, 0)
			c.Plan = Sequential(c.Plan, 16)
			drop(m, func(e record.Entry) bool { return e.Cell != c.ID || restartOf(e) < 3 })
			m.Entries = slices.Insert(m.Entries, len(m.Entries)-1, record.Entry{Kind: record.KindLook, Cell: c.ID, Look: &record.LookEntry{Restarts: 8, Settled: []string{Head, Again, Canary}}})
		}, "measuring ended after 8 of 16 restarts, though not all was equivalent and the canary seen"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, head := range []float64{1, 1.03} {
				m := night{factors: map[string]float64{Head: head}}.measured()
				tt.spoil(&m)
				v := Judge(m, nil)
				if all := strings.Join(v.Reasons, "\n"); v.Outcome != Invalid || !strings.Contains(all, tt.says) {
					t.Errorf("head ×%v: %s: %q; want invalid: …%s…", head, v.Outcome, v.Reasons, tt.says)
				}
			}
		})
	}
}

// What was cut short by a limit of time is inconclusive, if anything could be seen in
// another cell.
func TestTimeThatIsUp(t *testing.T) {
	short := func(restarts int, all bool) Measured {
		m := night{}.measured()
		for i := range m.Run.Cells {
			m.Run.Cells[i].Plan.Seconds = 60
		}
		m.Entries = slices.DeleteFunc(m.Entries, func(e record.Entry) bool {
			cut := all || e.Cell == m.Run.Cells[0].ID
			return cut && (e.Block != nil && e.Block.Restart >= restarts || e.Worker != nil && e.Worker.Restart >= restarts)
		})
		return m
	}
	for _, tt := range []struct {
		restarts int
		all      bool
		want     string
	}{{5, false, Inconclusive}, {5, true, Invalid}, {16, true, Passed}} {
		v := Judge(short(tt.restarts, tt.all), nil)
		if v.Outcome != tt.want {
			t.Errorf("%d restarts, of all cells %v: %s, %q; want %s", tt.restarts, tt.all, v.Outcome, v.Reasons, tt.want)
		}
	}
}

// So must a replication be one: of this run, by the same programs.
func TestSabotagedReplication(t *testing.T) {
	slow := night{factors: map[string]float64{Head: 1.03}}
	first := slow.measured()
	for name, tt := range map[string]struct {
		spoil func(m *Measured)
		says  string
	}{
		"of another run": {func(m *Measured) { m.Run.Gate.Replicates = "other" }, "again: is no replication of night"},
		"of other programs": {func(m *Measured) {
			for i := range m.Entries {
				if w := m.Entries[i].Worker; w != nil && w.Arm == Base {
					w.Hello.Build = "older"
				}
			}
		}, "the replication ran lens-base as build [older old], the first run as [old]"},
		"cut": {func(m *Measured) { m.Entries = m.Entries[:len(m.Entries)-1] }, "again: the run is not complete"},
		"crashed": {func(m *Measured) {
			m.Entries = append(m.Entries, record.Entry{Kind: record.KindStatus, Cell: m.Run.Cells[0].ID, Status: &record.StatusEntry{Arm: Head, Status: record.Crash, Reason: "gone"}})
		}, "the replication is crash: arm head: gone"},
	} {
		r := slow.again(first)
		tt.spoil(r)
		v := Judge(first, r)
		if all := strings.Join(v.Reasons, "\n"); v.Outcome != Invalid || !strings.Contains(all, tt.says) {
			t.Errorf("%s: %s: %q; want invalid: …%s…", name, v.Outcome, v.Reasons, tt.says)
		}
	}
}

// Work that base does not know is new: it is no harm, and it is said.
func TestNewWork(t *testing.T) {
	m := night{}.measured()
	id := m.Run.Cells[0].ID
	m.Entries = append(m.Entries, record.Entry{Kind: record.KindStatus, Cell: id, Status: &record.StatusEntry{Arm: Base, Status: record.Incomparable, Reason: "setting x is not known"}},
		record.Entry{Kind: record.KindStatus, Cell: id, Status: &record.StatusEntry{Status: record.Incomparable, Reason: "control base: setting x is not known"}})
	v := Judge(m, nil)
	if v.Outcome != Passed || v.Cells[0].Outcome != Skipped || !slices.Contains(v.Notes, "train arm=control: skipped: control base: setting x is not known") {
		t.Errorf("%s, %+v, %q", v.Outcome, v.Cells[0].Outcome, v.Notes)
	}
}

// One cell of nights that are alike is flagged as rarely as the level says.
func TestFalseAlarms(t *testing.T) {
	nights, alarms, missed := 60, 0, 0
	for i := range nights {
		v := Judge(night{seed: uint64(1000 + i), restart: 12}.measured(), nil)
		if v.Outcome == Flagged {
			alarms++
		}
		if v.Outcome == Invalid {
			missed++
		}
	}
	if alarms > 3 || missed > 3 { // 3 or more of 60 at 1 %: 2 %
		t.Errorf("%d of %d quiet nights are flagged and %d are invalid", alarms, nights, missed)
	}
}

// restartOf is that of a process or block, −1 of anything else.
func restartOf(e record.Entry) int {
	switch {
	case e.Worker != nil:
		return e.Worker.Restart
	case e.Block != nil:
		return e.Block.Restart
	}
	return -1
}

// slow says whether nights are simulated in hundreds.
func slow() bool { return os.Getenv("LENSBENCH_SLOW") != "" }

// Looks end quiet cells after half of their restarts or fewer, and change neither how often a
// night is flagged by mistake nor what is found.
func TestLooks(t *testing.T) {
	for _, tt := range []struct {
		name         string
		night        night
		nights, slow int
		wrong        []string // outcomes
		most         [2]int   // of these; where they are slow
		saved, saves float64  // shares of the restarts that are left out, at least and at most
	}{
		{"quiet", night{}, 60, 400, []string{Flagged, Invalid}, [2]int{3, 11}, 0.5, 2. / 3},
		{"quiet, of 16", night{restart: 16}, 60, 400, []string{Flagged, Invalid}, [2]int{3, 11}, 0.4, 0.5},
		{"noisy", night{restart: 24, scatter: 0.007}, 60, 400, []string{Flagged}, [2]int{3, 11}, 0, 0.4},
		{"slower by 2 %", night{factors: map[string]float64{Head: 1.02}}, 40, 200, []string{Passed, Invalid, Inconclusive}, [2]int{2, 10}, 0, 0.001},
		{"slower by 2 %, of 16", night{restart: 16, factors: map[string]float64{Head: 1.02}}, 40, 200, []string{Passed, Invalid, Inconclusive}, [2]int{2, 10}, 0, 0.001},
	} {
		left, planned, wrong := 0, 0, 0
		nights, most := tt.nights, tt.most[0] // more are rarer than 1 in 1,000 at the level of 1 %
		if slow() {
			nights, most = tt.slow, tt.most[1]
		}
		for i := range nights {
			n := tt.night
			n.looks, n.seed = true, uint64(5000+i)
			m := n.measured()
			v := Judge(m, nil)
			for c := range v.Cells {
				planned += m.Run.Cells[c].Plan.Restarts
				if v.Cells[c].Ended > 0 {
					left += m.Run.Cells[c].Plan.Restarts - v.Cells[c].Ended
				}
			}
			if slices.Contains(tt.wrong, v.Outcome) {
				wrong++
				t.Logf("%s: night %d: %s: %q", tt.name, i, v.Outcome, v.Reasons)
			}
		}
		saved := float64(left) / float64(planned)
		t.Logf("%s: %d of %d nights came out %v; %.0f %% of the restarts were left out", tt.name, wrong, nights, tt.wrong, 100*saved)
		if wrong > most || saved < tt.saved || saved > tt.saves {
			t.Errorf("%s: want %d nights at most, and %.0f to %.0f %%", tt.name, most, 100*tt.saved, 100*tt.saves)
		}
	}
}

// Looks leave the gate able to flag something in as few restarts as it may have.
func TestFewestRestartsWithLooks(t *testing.T) {
	for _, more := range []int{0, 4, 16, 40} {
		n := night{looks: true, more: more, seed: uint64(more), factors: map[string]float64{Head: 1.05}}
		n.restart = FewestRestarts(Comparisons(n.plan().Cells))
		if v := Judge(n.measured(), nil); v.Outcome != Flagged || len(v.ToConfirm()) != 2+more {
			t.Errorf("%d cells of %d restarts: %s, %d flagged", 2+more, n.restart, v.Outcome, len(v.ToConfirm()))
		}
	}
}

// What a look ended is equivalent, and does not make it easier to flag anything else.
func TestEndedCellsKeepTheirPlaceInTheFamily(t *testing.T) {
	n := night{looks: true, seed: 3, factors: map[string]float64{Head: 1.004}, scatter: 0.0005, restart: 12}
	m := n.measured()
	v := Judge(m, nil)
	for _, c := range v.Cells {
		if c.Ended == 0 || !c.Seen || c.Outcome != Passed {
			t.Fatalf("%s ended after %d restarts: %s, %q", c.Name, c.Ended, c.Outcome, c.Reasons)
		}
		for _, f := range c.Findings {
			if k := f.First; k.Outcome != record.Equivalent || k.Restarts != c.Ended || k.Family.Size != 4 || k.Family.Adjusted < 0.5 {
				t.Errorf("%s: %s after %d restarts, %+v", f.Metric, k.Outcome, k.Restarts, k.Family)
			}
		}
	}
	history := m.Against(Base) // as if base were the anchor
	for _, k := range history.Cells[0].Comparisons {
		if !(k.Low > 0) || math.IsInf(k.High, 1) {
			t.Errorf("the history has no interval: %+v", k)
		}
	}
}

func TestCells(t *testing.T) {
	plan := record.Plan{Restarts: 8, Blocks: 4, Looks: []int{8, 12}}
	cells, leftOut := Cells([]record.Cell{
		{Scenario: "a", Point: map[string]string{"batch": "1"}, Measure: []string{record.Throughput, record.Efficiency}, Plan: plan, Claim: &record.Claim{ID: "c"}, Decides: "v", Expect: []record.Expect{{}}, Equal: &record.Equal{Output: "logits"},
			Arms: []record.Arm{{Name: "control", Worker: "lens", Settings: protocol.Settings{Kind: "train"}}, {Name: "v", Worker: "lens", Settings: protocol.Settings{Kind: "train", Batch: 2}, Needs: []string{"cuda"}, Single: "control"},
				{Name: "p", Worker: "pytorch", Settings: protocol.Settings{Kind: "train"}}}},
		{Scenario: "b", Measure: []string{record.Efficiency}, Equal: &record.Equal{Rule: record.RuleSeedBand}, Arms: []record.Arm{{Name: "control", Worker: "lens", Settings: protocol.Settings{Kind: "train"}}, {Name: "n", Worker: "lens", Settings: protocol.Settings{Kind: "null"}},
			{Name: "w", Worker: "lens", Settings: protocol.Settings{Kind: "train", Seed: 9}}}},
	}, Options{Delay: 5, Anchor: true})
	var got []string
	for _, c := range cells {
		for _, a := range c.Arms {
			got = append(got, fmt.Sprintf("%s %s %s %v %v", record.Name(c.Scenario, c.Point), a.Name, a.Worker, a.Settings.Delay, a.Needs))
		}
		if slices.Contains(c.Measure, record.Efficiency) || len(c.Measure) == 0 || slices.ContainsFunc(c.Arms, func(a record.Arm) bool { return a.Single != "" }) {
			t.Errorf("%s measures %v, of arms that it does not have", c.Scenario, c.Measure)
		}
		if c.Claim != nil || c.Decides != "" || c.Expect != nil || c.Plan.Looks != nil {
			t.Errorf("%s has a claim or looks: %+v", c.Scenario, c)
		}
	}
	want := []string{}
	for _, at := range []struct{ name, needs string }{{"a arm=control batch=1", "[]"}, {"a arm=v batch=1", "[cuda]"}, {"b arm=w", "[]"}} {
		for _, arm := range []string{"base lens-base 0", "head lens 0", "base-again lens-base 0", "canary lens 5", "anchor lens-anchor 0"} {
			want = append(want, at.name+" "+arm+" "+at.needs)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if cells[0].Equal == nil || cells[2].Equal != nil {
		t.Errorf("checks: %v, %v", cells[0].Equal, cells[2].Equal)
	}
	if len(leftOut) != 3 {
		t.Errorf("%q", leftOut)
	}
	without, _ := Cells([]record.Cell{{Scenario: "a", Point: map[string]string{"batch": "1"}, Arms: []record.Arm{{Name: "control", Worker: "lens", Settings: protocol.Settings{Kind: "train"}}}}}, Options{})
	if without[0].ID != cells[0].ID {
		t.Error("a night without an anchor, or with another delay, is of another cell")
	}
	if n := FewestRestarts(1); n != 9 {
		t.Errorf("one comparison needs %d restarts", n)
	}
	if a, b := FewestRestarts(4), FewestRestarts(100); a != 11 || b != 16 {
		t.Errorf("4 comparisons need %d restarts, 100 %d", a, b)
	}
}
