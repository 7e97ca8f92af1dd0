package calibration

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/verdict"
)

// A simulated calibration: pairs that drift together, restarts that scatter.
type simulation struct {
	restarts, blocks int
	effect           float64 // log-ratio of again ÷ control; 0 for twins
	between, within  float64 // standard deviations of log-ratios, per restart and per pair
	plant            float64 // per cent by which a third arm is slower
	others           float64 // share of the machine that others use
	seed             uint64
}

// scatter is that of the restarts of a planted arm, in standard deviations.
var scatter = []float64{0.3, -1.1, 0.8, -0.2, 1.4, -0.7, 0.1, -0.5, 1.0, -1.3, 0.5}

const perBlock = 0.1 // s

func (s simulation) run() (record.Run, []record.Entry) {
	arm := record.Arm{Name: "control", Worker: "lens", Settings: protocol.Settings{Kind: "inference", Model: "resnet18"}}
	again := arm
	again.Name = "again"
	run := record.Run{ID: "20260102T030405Z-00000" + string(rune('0'+s.seed%10)), Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Machine: record.Machine{CPUModel: "Example CPU", CPUs: 2},
		Cells: []record.Cell{{ID: "c", Scenario: "calibration", Arms: []record.Arm{arm, again}, Measure: []string{record.Throughput, record.Latency},
			Plan: record.Plan{Restarts: 1000, Blocks: s.blocks, SampleSeconds: 0.02, TimeLimit: 60, Seconds: 300}}}}
	if s.plant > 0 {
		slow := arm
		slow.Name, slow.Settings.Delay = "planted", s.plant
		run.Cells[0].Arms = append(run.Cells[0].Arms, slow)
	}
	rng := rand.New(rand.NewPCG(s.seed, 1))
	var entries []record.Entry
	now := 0.0
	for r := range s.restarts {
		for _, a := range run.Cells[0].Arms {
			entries = append(entries, record.Entry{Kind: record.KindWorker, Cell: "c", Time: now, Worker: &record.WorkerEntry{
				Arm: a.Name, Restart: r, Pass: protocol.PassTime, Facts: protocol.Facts{ItemsPerIteration: 1}}})
		}
		restart := s.effect + s.between*rng.NormFloat64()
		for b := range s.blocks {
			now += perBlock
			drift := math.Exp(0.2 * rng.NormFloat64())
			block := &record.BlockEntry{Restart: r, Block: b}
			for i, a := range run.Cells[0].Arms {
				d := 0.02 * drift * math.Exp(float64(i)*(restart+s.within*rng.NormFloat64()))
				if i == 2 { // its restarts scatter as those of the others do
					d = 0.02 * drift * (1 + s.plant/100) * math.Exp(s.between*scatter[r%len(scatter)]+s.within*rng.NormFloat64())
				}
				block.Samples = append(block.Samples, record.Sample{Arm: a.Name, Position: i, Wall: 2.1 * d, Iterations: 1,
					Said: protocol.Sample{Wall: d, Durations: []float64{d}, Items: 1}, Host: record.HostSample{Others: s.others * 2 * 2.1 * d}})
			}
			entries = append(entries, record.Entry{Kind: record.KindBlock, Cell: "c", Time: now, Block: block})
		}
	}
	return run, append(entries, record.Entry{Kind: record.KindEnd, Time: now})
}

// of makes statements of the fewest restarts.
func of(run record.Run, entries []record.Entry) (Calibration, error) {
	return Of(run, entries, verdict.MinRestarts)
}

// TestSizeOfStatements: longer statements are fewer, and find more.
func TestSizeOfStatements(t *testing.T) {
	run, entries := simulation{restarts: 192, blocks: 10, plant: 2, between: 0.015, within: 0.01, seed: 8}.run()
	found := map[int]float64{}
	for size, sets := range map[int]int{8: 24, 16: 12, 24: 8} {
		c, err := Of(run, entries, size)
		if err != nil || c.Size != size || c.Sets != sets || c.Metrics[0].Rate.Of != sets {
			t.Fatalf("statements of %d restarts: %+v, %v; want %d", size, c, err, sets)
		}
		found[size] = float64(c.Metrics[0].Found.Seen) / float64(sets)
	}
	if !(found[8] < 0.8 && found[24] > 0.8) {
		t.Errorf("a plant of 2 %% is found in %v of statements, by their restarts", found)
	}
	if _, err := Of(run, entries, 7); err == nil || !strings.Contains(err.Error(), "a verdict needs 8") {
		t.Errorf("statements of 7 restarts: %v", err)
	}
	var short *TooShort
	if _, err := Of(run, entries, 200); !errors.As(err, &short) || short.Size != 200 {
		t.Errorf("a statement of 200 restarts: %v", err)
	}
}

func TestTwins(t *testing.T) {
	c, err := of(simulation{restarts: 75, blocks: 10, between: 0.005, within: 0.02, seed: 1}.run())
	if err != nil {
		t.Fatal(err)
	}
	if c.Restarts != 75 || c.Sets != 9 || c.Unfit != 0 || math.Abs(c.Seconds-75) > 1e-6 || len(c.Metrics) != 2 {
		t.Fatalf("%+v", c)
	}
	for _, m := range c.Metrics {
		if m.Rate.Of != 9 || m.Rate.Seen > 1 || m.Rate.Low > 0.01 || !(m.Rate.High > 0.3) {
			t.Errorf("%s: %+v", m.Metric, m.Rate)
		}
		for i, e := range m.Detectable {
			if e.Minutes != Minutes[i] || e.Restarts != int(60*Minutes[i]) || e.Effect == nil {
				t.Fatalf("%s: %+v", m.Metric, e)
			}
		}
	}
	if err := c.Alarming(); err != nil {
		t.Error(err)
	}
}

// TestDetectable: the effect follows from the scatter. With a known standard
// deviation per restart a test at 1 % finds, with 95 % power, 4.2 standard errors.
func TestDetectable(t *testing.T) {
	const between = 0.01
	c, err := of(simulation{restarts: 96, blocks: 10, between: between, within: 0.001, seed: 2}.run())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Metrics[0].Detectable {
		// The pooled median of restarts that scatter is that of their medians: its
		// standard error is √(π/2) times that of a mean.
		want := math.Sqrt(math.Pi/2) * between / math.Sqrt(float64(e.Restarts)) * 4.22
		if got := *e.Effect; got < 0.75*want || got > 1.35*want {
			t.Errorf("%g min: %.5f; want about %.5f", e.Minutes, got, want)
		}
	}
}

func TestArmsThatDifferAlarm(t *testing.T) {
	c, err := of(simulation{restarts: 40, blocks: 10, effect: 0.05, between: 0.002, within: 0.01, seed: 3}.run())
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Metrics[0].Rate; r.Seen != 5 || r.Of != 5 {
		t.Errorf("%+v", r)
	}
	if err := c.Alarming(); err == nil || !strings.Contains(err.Error(), "5 of 5 statements on throughput") {
		t.Error(err)
	}
}

// A slowdown that is planted is found, beside equal arms that are not told apart.
func TestAPlantIsFound(t *testing.T) {
	c, err := of(simulation{restarts: 80, blocks: 10, plant: 2, between: 0.002, within: 0.01, seed: 7}.run())
	if err != nil {
		t.Fatal(err)
	}
	m := c.Metrics[0]
	if c.Plant != 2 || m.Found == nil || m.Found.Seen < 8 || m.Found.Of != 10 || m.Rate.Seen > 1 {
		t.Errorf("%+v: found %+v", c, m.Found)
	}
	if e := m.Detectable[0]; e.Restarts != 90 {
		t.Errorf("%d restarts in a minute; want 90, those of two arms of three", e.Restarts)
	}
}

// Statements that nobody would believe are no trials.
func TestDisturbedSetsDoNotCount(t *testing.T) {
	c, err := of(simulation{restarts: 16, blocks: 10, between: 0.002, within: 0.01, others: 0.5, seed: 4}.run())
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Metrics[0].Rate; c.Sets != 2 || c.Unfit != 2 || r.Of != 0 || r.Low != 0 || r.High != 1 {
		t.Errorf("%+v, %+v", c, r)
	}
}

// Beside what is there on purpose, contaminated statements are what is asked about.
func TestSetsDisturbedOnPurposeCount(t *testing.T) {
	run, entries := simulation{restarts: 16, blocks: 10, between: 0.002, within: 0.01, others: 0.5, seed: 4}.run()
	run.Context.Beside = "a busy process"
	c, err := of(run, entries)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Metrics[0].Rate; c.Sets != 2 || c.Unfit != 0 || c.Busy != 2 || r.Of != 2 || r.Seen != 0 {
		t.Errorf("%+v, %+v", c, r)
	}
}

func TestWhatIsNoCalibration(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		change     func(*record.Run, *[]record.Entry)
	}{
		{"other settings", "arms control and again are not the same", func(r *record.Run, _ *[]record.Entry) { r.Cells[0].Arms[1].Settings.Batch = 2 }},
		{"a third arm that is not slowed down", "arm control differs from control in more than a delay", func(r *record.Run, _ *[]record.Entry) {
			r.Cells[0].Arms = append(r.Cells[0].Arms, r.Cells[0].Arms[0])
		}},
		{"one arm", "want one cell of two equal arms", func(r *record.Run, _ *[]record.Entry) { r.Cells[0].Arms = r.Cells[0].Arms[:1] }},
		{"a crash", "arm again: crash: signal: killed", func(_ *record.Run, e *[]record.Entry) {
			*e = append(*e, record.Entry{Kind: record.KindStatus, Cell: "c", Status: &record.StatusEntry{Arm: "again", Status: record.Crash, Reason: "signal: killed"}})
		}},
		{"cut after 7 restarts", "7 restarts in", func(_ *record.Run, e *[]record.Entry) { *e = (*e)[:8*12-1] }},
	} {
		run, entries := simulation{restarts: 16, blocks: 10, between: 0.01, within: 0.01, seed: 5}.run()
		tt.change(&run, &entries)
		_, err := of(run, entries)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v; want %q in it", tt.name, err, tt.says)
		}
		var short *TooShort
		if errors.As(err, &short) != (tt.name == "cut after 7 restarts") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Time between a kill and a resumption is not one of measuring.
func TestPausesAreNotMeasuring(t *testing.T) {
	run, entries := simulation{restarts: 16, blocks: 10, between: 0.01, within: 0.01, seed: 6}.run()
	half := len(entries) / 2
	var paused []record.Entry
	for i, e := range entries {
		if i == half {
			paused = append(paused, record.Entry{Kind: record.KindResume, Time: e.Time + 1000})
		}
		if i >= half {
			e.Time += 1000
		}
		paused = append(paused, e)
	}
	c, err := of(run, paused)
	if err != nil || math.Abs(c.Seconds-16) > 0.2 {
		t.Errorf("%v s, %v; want 16", c.Seconds, err)
	}
}

func TestKept(t *testing.T) {
	m := record.Machine{CPUModel: "Example CPU", CPUs: 2}
	file, store := InCache(t.TempDir(), m), InStore(t.TempDir(), m)
	none, err := Load(m, store, file)
	if err != nil || none.Line() != None {
		t.Errorf("%q, %v", none.Line(), err)
	}
	for seed := range uint64(3) {
		c, err := of(simulation{restarts: 16, blocks: 10, between: 0.01, within: 0.01, seed: seed}.run())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the same run twice counts once
			if err := Add(file, m, c); err != nil {
				t.Fatal(err)
			}
		}
		if seed == 0 { // in both places, too
			if err := Add(store, m, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, err := Load(m, store, file)
	if r := all.Alarms(record.Throughput); err != nil || len(all.Calibrations) != 3 || r.Of != 6 {
		t.Errorf("%d calibrations, %+v, %v", len(all.Calibrations), r, err)
	}
	for _, want := range []string{"of 6 statements on equal arms were false alarms (95 % interval ", "found in 1 min: ", "5 min: ", "(throughput of calibration, 2026-01-02)"} {
		if !strings.Contains(all.Line(), want) {
			t.Errorf("%q lacks %q", all.Line(), want)
		}
	}
	if other := (record.Machine{CPUModel: "Other CPU", CPUs: 2}); InStore("s", other) == InStore("s", m) || InCache("c", other) == InCache("c", m) {
		t.Errorf("another machine has the same file")
	}
	if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if rest, err := Load(m, store, file); err == nil || !strings.Contains(err.Error(), filepath.Base(file)) || len(rest.Calibrations) != 1 {
		t.Errorf("a damaged file: %d calibrations, %v", len(rest.Calibrations), err)
	}
}

func TestPublished(t *testing.T) {
	store := t.TempDir()
	if none, err := Published(filepath.Join(store, "none")); none != nil || err != nil {
		t.Errorf("no store: %v, %v", none, err)
	}
	a, b := record.Machine{CPUModel: "Example CPU", CPUs: 2}, record.Machine{CPUModel: "Other CPU", CPUs: 2}
	for _, m := range []record.Machine{a, b} {
		if err := Add(InStore(store, m), m, Calibration{Run: "r"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(store, "0123abcd", "a-run"), 0o755); err != nil { // a machine with baselines alone
		t.Fatal(err)
	}
	if all, err := Published(store); len(all) != 2 || err != nil {
		t.Errorf("%d machines, %v; want 2", len(all), err)
	}
	if err := os.WriteFile(InStore(store, b), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if all, err := Published(store); len(all) != 1 || all[0].Machine != a || err == nil || !strings.Contains(err.Error(), b.ID()) {
		t.Errorf("one of two files is empty: %d machines, %v", len(all), err)
	}
}

// Calibrations that asked the same are one row; others are rows of their own.
func TestKinds(t *testing.T) {
	one := func(run string, size int, seen, of int, plant float64, found int) Calibration {
		c := Calibration{Run: run, Scenario: "step", Size: size, Sets: of + 1, Unfit: 1, Busy: 2, Restarts: size * (of + 1), Seconds: 10 * float64(of+1), Plant: plant}
		m := Metric{Metric: record.Throughput, Rate: Rate{Seen: seen, Of: of}}
		if plant > 0 {
			m.Found = &Rate{Seen: found, Of: of}
		}
		c.Metrics = []Metric{m}
		return c
	}
	m := Machine{Calibrations: []Calibration{one("a", 24, 0, 12, 2, 11), one("b", 24, 1, 20, 0, 0), one("c", 8, 0, 9, 0, 0), one("d", 24, 0, 8, 2, 8), one("e", 24, 0, 4, 1, 2)}}
	kinds := m.Kinds()
	if len(kinds) != 2 {
		t.Fatalf("%d kinds; want 2: %+v", len(kinds), kinds)
	}
	k := kinds[0]
	if k.Size != 24 || !slices.Equal(k.Runs, []string{"a", "b", "d", "e"}) || k.Sets != 48 || k.Unfit != 4 || k.Busy != 8 || math.Abs(k.Seconds-10) > 1e-9 {
		t.Errorf("%+v", k)
	}
	if got := k.Alarms.String(); got != "1 of 44 (0.1–12.0 %)" {
		t.Errorf("false alarms: %s", got)
	}
	if len(k.Found) != 2 || k.Found[0].Percent != 1 || k.Found[1].Percent != 2 || k.Found[1].Rate.String() != "19 of 20 (75.1–99.9 %)" {
		t.Errorf("found: %v", k.Found)
	}
	if k := kinds[1]; k.Size != 8 || k.Alarms.String() != "0 of 9 (0–33.6 %)" || k.Found != nil {
		t.Errorf("%+v", k)
	}
}
