package verdict

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
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

const (
	proofLevel   = 0.01
	restartsAll  = 103 // the recording's last restart was cut short and is left out
	windowLength = 24
)

// TestTraceStatements makes the statements on the recording's four windows of
// 24 restarts of 40 pairs, on a machine whose single samples scatter by
// 33–48 %.
func TestTraceStatements(t *testing.T) {
	tr := readTrace(t)
	for _, tc := range []struct {
		name     string
		variant  int
		truth    float64 // the ratio in work, which time follows to 0.5 %
		outcomes []Outcome
	}{
		{"same code", armSame, 1.00, []Outcome{Equivalent, Inconclusive}},
		{"one per cent more work", armOne, 1.01, []Outcome{Higher, Inconclusive}},
		{"two per cent more work", armTwo, 1.02, []Outcome{Higher}},
	} {
		for k, kernel := range kernels {
			t.Run(tc.name+"/"+kernel, func(t *testing.T) {
				seen := map[Outcome]int{}
				for start := 0; start+windowLength <= restartsAll; start += windowLength {
					s := mustCompare(t, tr[k][armA][start:start+windowLength], tr[k][tc.variant][start:start+windowLength])
					seen[s.Outcome]++
					if !slices.Contains(tc.outcomes, s.Outcome) {
						t.Errorf("restarts from %d: %s, want one of %v\n%+v", start, s.Outcome, tc.outcomes, s)
					}
					if tc.truth < s.Low-0.005 || tc.truth > s.High+0.005 {
						t.Errorf("restarts from %d: interval %.4f–%.4f is far from %v", start, s.Low, s.High, tc.truth)
					}
				}
				if seen[tc.outcomes[0]] < 3 {
					t.Errorf("%v, want %s in at least 3 of 4 windows", seen, tc.outcomes[0])
				}
			})
		}
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
	return mustLogRatios(t, control, variant)
}

func mustLogRatios(t *testing.T, control, variant [][]float64) clusters {
	t.Helper()
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

// TestTracePower counts how often a difference is proven in random sets of
// restarts: for the same code hardly ever, for 2 % more work nearly always with
// 24 restarts, and less often with fewer.
func TestTracePower(t *testing.T) {
	const draws = 200
	tr := readTrace(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, tc := range []struct {
		variant, restarts int
		atLeast, atMost   int // of draws
	}{
		{armSame, 24, 0, 7}, // 2 are expected; more than 7 have probability 0.1 %
		{armOne, 24, 150, 200},
		{armTwo, 8, 50, 200},
		{armTwo, 12, 130, 200},
		{armTwo, 24, 190, 200},
	} {
		for k, kernel := range kernels {
			proven := 0
			for range draws {
				var control, variant [][]float64
				for _, r := range rng.Perm(restartsAll)[:tc.restarts] {
					control, variant = append(control, tr[k][armA][r]), append(variant, tr[k][tc.variant][r])
				}
				c := mustLogRatios(t, control, variant)
				if newFlipTest(c).bound(proofLevel/2) > 0 || newFlipTest(c.mirrored()).bound(proofLevel/2) > 0 {
					proven++
				}
			}
			t.Logf("%s, variant %d, %d restarts: proven in %d of %d", kernel, tc.variant, tc.restarts, proven, draws)
			if proven < tc.atLeast || proven > tc.atMost {
				t.Errorf("%s, variant %d, %d restarts: a difference was proven in %d of %d draws, want %d to %d",
					kernel, tc.variant, tc.restarts, proven, draws, tc.atLeast, tc.atMost)
			}
		}
	}
}
