package replay

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// trace is twelve minutes of real timings from a shared virtual machine.
const trace = "../verdict/testdata/trace-uncontrolled.csv.gz"

func mustRead(t testing.TB, path string) Recording {
	t.Helper()
	rec, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestTheTraceCertifies: in sets of 24 restarts of 40 pairs, equal code never
// alarms and +2 % is found in at least 95 %, with both kernels. benchstat does
// neither.
func TestTheTraceCertifies(t *testing.T) {
	result, err := Run(mustRead(t, trace), Procedures(), Options{Draws: 100})
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Unfit(); err != nil {
		t.Error(err)
	}
	certified := 0
	for _, r := range result.Rates {
		t.Logf("%-45s %-24s windows %d/%d  draws %d/%d (%.3f–%.3f)", r.Pair, r.Procedure, r.Windows.Seen, r.Windows.Of, r.Draws.Seen, r.Draws.Of, r.Draws.Low, r.Draws.High)
		ours := strings.HasPrefix(r.Procedure, "paired")
		switch {
		case r.Windows.Of != 4 || r.Draws.Of != 100:
			t.Errorf("%d windows and %d draws, want 4 and 100", r.Windows.Of, r.Draws.Of)
		case ours && r.Same:
			certified++
			if r.Windows.Seen+r.Draws.Seen > 0 {
				t.Errorf("%s, %s: %d and %d false alarms", r.Pair, r.Procedure, r.Windows.Seen, r.Draws.Seen)
			}
		case ours && strings.Contains(r.Pair, "+2 %"):
			certified++
			if r.Draws.Seen < 95 || r.Windows.Seen < r.Windows.Of && r.Procedure == "paired" {
				t.Errorf("%s, %s: found in %d of 4 windows and %d of 100 draws", r.Pair, r.Procedure, r.Windows.Seen, r.Draws.Seen)
			}
		case r.Procedure == "benchstat, interleaved" && strings.Contains(r.Pair, "+2 %") && r.Draws.Seen > 50:
			t.Errorf("%s: found in %d of 100 by unpaired samples; the recording is not what it was", r.Pair, r.Draws.Seen)
		}
	}
	if certified != 8 {
		t.Errorf("%d rates were certified, want 8: 2 procedures of 2 pairs of 2 kernels", certified)
	}
}

// TestProceduresSeePlainDifferences: without any noise to speak of, all
// procedures find a difference of a tenth, and none finds one between equals;
// one that comes with time is found only by who compares before with after.
func TestProceduresSeePlainDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	arm := func(ratio, drift float64) (rows [][]float64) {
		for r := range 24 {
			var row []float64
			for range 10 {
				row = append(row, ratio*(1+drift*float64(r))*(1+0.001*rng.NormFloat64()))
			}
			rows = append(rows, row)
		}
		return rows
	}
	for _, p := range Procedures() {
		for _, tc := range []struct {
			ratio, drift float64
			want         bool
		}{{1.1, 0, true}, {0.9, 0, true}, {1, 0.01, p.Name == "benchstat, base first"}} {
			got, err := p.Alarm(arm(1, tc.drift), arm(tc.ratio, tc.drift))
			if err != nil || got != tc.want {
				t.Errorf("%s: ratio %v, drift %v: %v, %v, want %v", p.Name, tc.ratio, tc.drift, got, err, tc.want)
			}
		}
	}
}

func TestReplayRepeats(t *testing.T) {
	rec := mustRead(t, trace)
	rec.Pairs = rec.Pairs[:1]
	o := Options{Draws: 10, Restarts: 12, Blocks: 5, Seed: 7}
	a, err := Run(rec, Procedures(), o)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := Run(rec, Procedures(), o)
	if !reflect.DeepEqual(a, b) {
		t.Error("one seed gave two results")
	}
}

// TestTracesThatCannotBeRead name the line and what is wrong with it.
func TestTracesThatCannotBeRead(t *testing.T) {
	const head = "restart,block,pos,variant,kernel,t_ms,ns\n"
	for name, tc := range map[string]struct{ text, want string }{
		"empty":            {"", ":1: empty; want the columns restart,block,"},
		"other columns":    {"a,b\n1,2\n", `:1: columns are "a,b"; want restart,block,`},
		"no samples":       {head, ":1: no variant beside the control"},
		"no control":       {head + "0,0,0,1,0,5,100\n", ":1: kernel 0 has no sample of variant 0"},
		"only the control": {head + "0,0,0,0,0,5,100\n", ":1: no variant beside the control"},
		"text":             {head + "0,0,0,0,0,5,100\n0,0,1,1,0,6,fast\n", `:3: ns is "fast"`},
		"a negative time":  {head + "0,0,0,0,0,5,-100\n", `:2: ns is "-100"`},
		"no time":          {head + "0,0,0,0,0,5,0\n", ":2: ns is 0"},
		"not a number":     {head + "0,0,0,0,0,5,NaN\n", `:2: ns is "NaN"`},
		"a missing field":  {head + "0,0,0,0,0,5\n", ":2: wrong number of fields"},
		"twice":            {head + "0,0,0,0,0,5,100\n0,0,1,0,0,6,100\n", ":3: a second sample of variant 0, kernel 0 in restart 0, block 0"},
	} {
		path := filepath.Join(t.TempDir(), "trace.csv")
		if err := os.WriteFile(path, []byte(tc.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path+tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	for _, path := range []string{"none.csv", "replay.go", t.TempDir()} {
		if _, err := Read(path); err == nil {
			t.Errorf("%s is read as a recording", path)
		}
	}
	gz := filepath.Join(t.TempDir(), "cut.csv.gz")
	whole, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(gz, whole[:len(whole)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(gz); err == nil {
		t.Error("half a file is read as a whole one")
	}
}

// TestTooLittleIsSaid: what cannot make a set is named.
func TestTooLittleIsSaid(t *testing.T) {
	rec := mustRead(t, trace)
	if _, err := Run(rec, Procedures(), Options{Restarts: 200}); err == nil || !strings.Contains(err.Error(), "no pair of arms has 200 restarts with 40 blocks") {
		t.Errorf("%v", err)
	}
	if _, err := Run(rec, Procedures(), Options{Restarts: 4}); err == nil {
		t.Error("sets of 4 restarts are accepted")
	}
	if _, err := Run(Recording{}, Procedures(), Options{}); err == nil {
		t.Error("nothing is replayed")
	}
}

// TestUnfit: a procedure of this project that alarms on equal arms is found.
func TestUnfit(t *testing.T) {
	always := Procedures()[0]
	always.Alarm = func(_, _ [][]float64) (bool, error) { return true, nil }
	rec := mustRead(t, trace)
	r, err := Run(rec, []Procedure{always}, Options{Draws: 5, Blocks: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Unfit() == nil {
		t.Error("alarms on equal arms are fit")
	}
}
