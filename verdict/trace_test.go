package verdict

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Variants of the recorded trace: resident processes that ran side by side.
const (
	armA    = iota
	armSame // the same code as A
	armTwo  // +2 % work
	armOne  // +1 % work
	armCount
)

var kernels = []string{"matrix product", "memory stream"}

// A trace holds seconds by kernel, variant, restart and block.
type trace [2][armCount][][]float64

// readTrace reads twelve minutes of real timings from a shared virtual machine
// with two cores.
func readTrace(t testing.TB) *trace {
	t.Helper()
	f, err := os.Open("testdata/trace-uncontrolled.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trace{}
	lines := bufio.NewScanner(z)
	lines.Scan() // restart,block,pos,variant,kernel,t_ms,ns
	for lines.Scan() {
		if err := tr.add(lines.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return tr
}

func (tr *trace) add(line string) error {
	fields := strings.Split(line, ",")
	if len(fields) != 7 {
		return fmt.Errorf("line %q: want 7 fields", line)
	}
	var n [7]int
	for i, f := range fields {
		v, err := strconv.Atoi(f)
		if err != nil {
			return err
		}
		n[i] = v
	}
	restart, block, arm, kernel := n[0], n[1], n[3], n[4]
	rows := &tr[kernel][arm]
	for len(*rows) <= restart {
		*rows = append(*rows, nil)
	}
	if len((*rows)[restart]) != block {
		return fmt.Errorf("line %q: want block %d", line, len((*rows)[restart]))
	}
	(*rows)[restart] = append((*rows)[restart], float64(n[6])*1e-9)
	return nil
}

// window returns 24 restarts of an arm. The last restart of the recording was
// cut short and is left out.
func window(rows [][]float64, start int) [][]float64 { return rows[start : start+24] }

const (
	windowStep  = 8
	lastWindow  = 103 - 24
	proofLevel  = 0.01
	restartsAll = 103
)

// TestTraceCertifies replays what the project measures itself by: 24 restarts
// of 40 pairs on a machine whose single samples scatter by 33–48 %. Windows
// overlap, so the rates are those of one recording, not of independent runs.
func TestTraceCertifies(t *testing.T) {
	tr := readTrace(t)
	for _, tc := range []struct {
		name     string
		variant  int
		truth    float64 // the ratio in work; memory and matrix time follow it to 0.5 %
		minAlarm float64 // share of windows in which a difference must be proven
		maxAlarm float64
	}{
		{"same code", armSame, 1.00, 0, 0},
		{"one per cent more work", armOne, 1.01, 0.80, 1},
		{"two per cent more work", armTwo, 1.02, 0.95, 1},
	} {
		for k, kernel := range kernels {
			t.Run(tc.name+"/"+kernel, func(t *testing.T) {
				alarms, windows := 0, 0
				for start := 0; start <= lastWindow; start += windowStep {
					s := mustCompare(t, window(tr[k][armA], start), window(tr[k][tc.variant], start))
					windows++
					if s.P < proofLevel {
						alarms++
					}
					if s.Outcome == Lower {
						t.Errorf("restarts from %d: %s, and the variant does at least as much work", start, s.Outcome)
					}
					if tc.truth < s.Low-0.005 || tc.truth > s.High+0.005 {
						t.Errorf("restarts from %d: interval %.4f–%.4f is far from %v", start, s.Low, s.High, tc.truth)
					}
				}
				if rate := float64(alarms) / float64(windows); rate < tc.minAlarm || rate > tc.maxAlarm {
					t.Errorf("a difference was proven in %d of %d windows, want a share of %v–%v", alarms, windows, tc.minAlarm, tc.maxAlarm)
				}
			})
		}
	}
}

// TestTraceSaysEquivalent: identical code is usually proven to be within ±1 %,
// not merely left open.
func TestTraceSaysEquivalent(t *testing.T) {
	tr := readTrace(t)
	equivalent, windows := 0, 0
	for k := range kernels {
		for start := 0; start <= lastWindow; start += windowStep {
			windows++
			if mustCompare(t, window(tr[k][armA], start), window(tr[k][armSame], start)).Outcome == Equivalent {
				equivalent++
			}
		}
	}
	if equivalent*10 < windows*8 {
		t.Errorf("equivalent in %d of %d windows, want at least 80 %%", equivalent, windows)
	}
}

// TestTraceSize estimates the false-alarm rate of the test itself on real
// noise. Which of A and A′ is called control is drawn anew for each restart,
// so that the null hypothesis holds exactly, bursts and drift included.
func TestTraceSize(t *testing.T) {
	const draws = 1500
	tr := readTrace(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, restarts := range []int{8, 12, 24} {
		for k, kernel := range kernels {
			alarms := 0
			for range draws {
				c := relabelled(t, rng, tr[k][armA][:restartsAll], tr[k][armSame][:restartsAll], restarts)
				if p := min(newFlipTest(c).p(0), newFlipTest(c.mirrored()).p(0)); 2*p < proofLevel {
					alarms++
				}
			}
			// 1 % of 1500 is 15; above 27 lies 0.1 % of what a test at its level does.
			if alarms > 27 {
				t.Errorf("%s, %d restarts: %d false alarms in %d draws at level %v", kernel, restarts, alarms, draws, proofLevel)
			}
		}
	}
}

// relabelled draws restarts without replacement and exchanges the arms of some.
func relabelled(t *testing.T, rng *rand.Rand, a, b [][]float64, restarts int) clusters {
	var control, variant [][]float64
	for _, r := range rng.Perm(len(a))[:restarts] {
		x, y := a[r], b[r]
		if rng.IntN(2) == 1 {
			x, y = y, x
		}
		control, variant = append(control, x), append(variant, y)
	}
	c, err := logRatios(control, variant)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustCompare(t testing.TB, control, variant [][]float64) Statement {
	t.Helper()
	s, err := Compare(control, variant, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTracePower finds the +2 % variant in random sets of restarts, at levels
// that 8, 12 and 24 restarts allow.
func TestTracePower(t *testing.T) {
	const draws = 200
	tr := readTrace(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, tc := range []struct {
		restarts int
		minFound int // of draws
	}{
		{8, 50}, {12, 130}, {24, 190},
	} {
		for k, kernel := range kernels {
			found := 0
			for range draws {
				var control, variant [][]float64
				for _, r := range rng.Perm(restartsAll)[:tc.restarts] {
					control, variant = append(control, tr[k][armA][r]), append(variant, tr[k][armTwo][r])
				}
				c, err := logRatios(control, variant)
				if err != nil {
					t.Fatal(err)
				}
				if newFlipTest(c).bound(proofLevel/2) > 0 {
					found++
				}
			}
			t.Logf("%s, %d restarts: +2 %% found in %d of %d", kernel, tc.restarts, found, draws)
			if found < tc.minFound {
				t.Errorf("%s, %d restarts: +2 %% found in %d of %d draws, want %d", kernel, tc.restarts, found, draws, tc.minFound)
			}
		}
	}
}
