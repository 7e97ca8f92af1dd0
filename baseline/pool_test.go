package baseline

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"lensbench/record"
	"lensbench/verdict"
)

// storedNights are runs of one arm, of which each night is faster or slower as a
// whole.
func storedNights(n int) []Night {
	rng := rand.New(rand.NewPCG(1, 1))
	machine := record.Machine{CPUModel: "Example CPU", CPUs: 2, Memory: 8 << 30, Libtorch: "2.11.0", Governor: "none"}
	var out []Night
	for i := range n {
		night := Night{Label: fmt.Sprintf("night-%d", i+1), Run: fmt.Sprintf("run-%d", i+1), Machine: machine}
		effect := 0.05 * rng.NormFloat64()
		for range 8 {
			night.Results.Lines = append(night.Results.Lines, Line{"Train/control", 1, []Value{
				{UnitTime, 0.02 * math.Exp(effect+0.01*rng.NormFloat64())}, {UnitTensors, 1 << 20}}})
		}
		out = append(out, night)
	}
	return out
}

func TestNightsPool(t *testing.T) {
	nights := storedNights(7)
	pool, err := PoolNights(nights[:6])
	if err != nil {
		t.Fatal(err)
	}
	if len(pool) != 2 || pool[0].Name != "Train/control" || pool[0].Unit != UnitTime || pool[0].Nights != 6 || pool[0].Between < 0.02 {
		t.Errorf("%+v", pool)
	}
	if p := pool[1]; p.Low != p.High || math.Abs(p.Value-1<<20) > 1e-6*(1<<20) {
		t.Errorf("bytes that repeat: %+v", p)
	}
	slow := nights[6]
	slow.Results.Lines = nil
	for _, l := range nights[6].Results.Lines {
		slow.Results.Lines = append(slow.Results.Lines, Line{l.Name, 1, []Value{{UnitTime, 2 * l.Values[0].Value}}})
	}
	for _, tc := range []struct {
		night Night
		want  verdict.Outcome
	}{{nights[6], verdict.Inconclusive}, {slow, verdict.Higher}} {
		placed, err := Place(pool, nights[0], tc.night)
		if err != nil || placed[0].Outcome != tc.want {
			t.Errorf("%v, %v; want %s", placed, err, tc.want)
		}
	}
	if placed, _ := Place(pool, nights[0], slow); placed[1].Outcome != "" || placed[1].Night != 0 {
		t.Errorf("a measurement that the night lacks: %+v", placed[1])
	}
}

// TestPoolsThatAreRefused name what is wrong.
func TestPoolsThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(n []Night) []Night
		want  string
	}{
		"too few":    {func(n []Night) []Night { return n[:4] }, "4 nights are stored; a baseline needs 5"},
		"one twice":  {func(n []Night) []Night { return append(n, n[0]) }, "night-1 and night-1 are the same run, run-1"},
		"no results": {func(n []Night) []Night { n[2].Results = Results{}; return n }, "no measurement is in 5 nights"},
		"another machine": {func(n []Night) []Night { n[3].Machine.CPUs, n[3].Machine.Libtorch = 4, "2.12.0"; return n },
			"night-4 and night-1 are not comparable: the machines differ in cpus 4, not 2; libtorch 2.12.0, not 2.11.0"},
		"a time of 0": {func(n []Night) []Night { n[1].Results.Lines[3].Values[0].Value = 0; return n }, "Train/control, sec/op: night 2: restart 4: 0"},
	} {
		if _, err := PoolNights(tc.spoil(storedNights(5))); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	nights := storedNights(6)
	pool, err := PoolNights(nights[:5])
	if err != nil {
		t.Fatal(err)
	}
	nights[5].Machine.GPU = "NVIDIA H100"
	var other *MachineError
	if _, err := Place(pool, nights[0], nights[5]); !errors.As(err, &other) || len(other.Fields) != 1 || other.Fields[0] != "gpu NVIDIA H100, not none" {
		t.Errorf("%v, want the field named", err)
	}
}
