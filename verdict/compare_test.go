package verdict

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// arms makes two arms' samples whose ratio is known: control scatters and
// drifts, and variant follows it, times exp of noise around log(ratio).
func arms(rng *rand.Rand, restarts, blocks int, ratio, scatter float64) (control, variant [][]float64) {
	for _, row := range noise(rng, restarts, blocks, math.Log(ratio), scatter/4, scatter) {
		var c, v []float64
		drift := math.Exp(0.3 * rng.NormFloat64())
		for _, x := range row {
			base := 0.02 * drift * math.Exp(0.2*rng.NormFloat64())
			c, v = append(c, base), append(v, base*math.Exp(x))
		}
		control, variant = append(control, c), append(variant, v)
	}
	return control, variant
}

func TestOutcomes(t *testing.T) {
	for _, tc := range []struct {
		name             string
		restarts, blocks int
		ratio, scatter   float64
		want             Outcome
	}{
		{"a clear slowdown", 8, 10, 1.10, 0.02, Higher},
		{"a clear speed-up", 8, 10, 0.90, 0.02, Lower},
		{"no difference, seen sharply", 16, 40, 1, 0.01, Equivalent},
		{"a real difference too small to matter", 24, 40, 1.004, 0.002, Equivalent},
		{"no difference, seen dimly", 8, 5, 1, 0.3, Inconclusive},
		{"a clear slowdown in too few restarts", 7, 100, 2, 0.01, Insufficient},
		{"one restart", 1, 5, 2, 0.01, Insufficient},
		{"single blocks", 8, 1, 2, 0.01, Higher},
	} {
		t.Run(tc.name, func(t *testing.T) {
			control, variant := arms(rand.New(rand.NewPCG(4, 1)), tc.restarts, tc.blocks, tc.ratio, tc.scatter)
			s := mustCompare(t, control, variant)
			if s.Outcome != tc.want {
				t.Errorf("outcome %s, want %s\n%+v", s.Outcome, tc.want, s)
			}
			if s.Restarts != tc.restarts || s.Pairs != tc.restarts*tc.blocks {
				t.Errorf("rests on %d restarts and %d pairs, want %d and %d", s.Restarts, s.Pairs, tc.restarts, tc.restarts*tc.blocks)
			}
			if math.IsInf(s.MDE, 1) != (tc.want == Insufficient) {
				t.Errorf("minimum detectable effect %v for %s", s.MDE, s.Outcome)
			}
			if err := coherent(s); err != nil {
				t.Error(err)
			}
		})
	}
}

// coherent checks what must hold for every statement.
func coherent(s Statement) error {
	for name, v := range map[string]float64{"ratio": s.Ratio, "p": s.P, "equivalence": s.Equivalence, "check low": s.CheckLow, "check high": s.CheckHigh} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return errors.New(name + " is not a finite number ≥ 0")
		}
	}
	switch {
	case !(s.MDE >= 0):
		return errors.New("the detectable effect is not a number ≥ 0")
	case !(s.Low <= s.Ratio && s.Ratio <= s.High):
		return errors.New("the estimate lies outside its interval")
	case s.P > 1 || s.Equivalence > 1:
		return errors.New("a probability above 1")
	case s.Outcome != Insufficient && (s.P <= 1-s.Confidence) != (s.Low > 1 || s.High < 1):
		return errors.New("p and interval contradict each other")
	}
	return nil
}

func TestExchangedArmsGiveTheReciprocal(t *testing.T) {
	control, variant := arms(rand.New(rand.NewPCG(4, 2)), 9, 6, 1.03, 0.05)
	s, r := mustCompare(t, control, variant), mustCompare(t, variant, control)
	near := func(name string, a, b float64) {
		if math.Abs(a/b-1) > 1e-12 {
			t.Errorf("%s: %v and %v", name, a, b)
		}
	}
	near("ratio", s.Ratio, 1/r.Ratio)
	near("low", s.Low, 1/r.High)
	near("high", s.High, 1/r.Low)
	near("check low", s.CheckLow, 1/r.CheckHigh)
	if s.P != r.P || s.Equivalence != r.Equivalence || s.MDE != r.MDE {
		t.Errorf("p %v %v, equivalence %v %v, mde %v %v: want equal pairs", s.P, r.P, s.Equivalence, r.Equivalence, s.MDE, r.MDE)
	}
}

func TestUnitsDoNotMatter(t *testing.T) {
	control, variant := arms(rand.New(rand.NewPCG(4, 3)), 9, 6, 1.03, 0.05)
	s := mustCompare(t, control, variant)
	for _, rows := range [][][]float64{control, variant} {
		for _, row := range rows {
			for b := range row {
				row[b] *= 1000
			}
		}
	}
	r := mustCompare(t, control, variant)
	if math.Abs(s.Ratio-r.Ratio) > 1e-12 || math.Abs(s.Low-r.Low) > 1e-12 || math.Abs(s.High-r.High) > 1e-12 || s.P != r.P {
		t.Errorf("in seconds %+v\nin milliseconds %+v", s, r)
	}
}

func TestOrderOfBlocksDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	control, variant := arms(rng, 9, 6, 1.03, 0.05)
	s := mustCompare(t, control, variant)
	for r := range control {
		rng.Shuffle(len(control[r]), func(i, j int) {
			control[r][i], control[r][j] = control[r][j], control[r][i]
			variant[r][i], variant[r][j] = variant[r][j], variant[r][i]
		})
	}
	if r := mustCompare(t, control, variant); !reflect.DeepEqual(s, r) {
		t.Errorf("shuffled within restarts:\n%+v\n%+v", s, r)
	}
}

func TestSameSamplesSameBits(t *testing.T) {
	control, variant := arms(rand.New(rand.NewPCG(4, 5)), 10, 8, 1.01, 0.05)
	before := slices.Clone(control[0])
	s := mustCompare(t, control, variant)
	if r := mustCompare(t, control, variant); !reflect.DeepEqual(s, r) {
		t.Errorf("twice the same samples:\n%+v\n%+v", s, r)
	}
	if !slices.Equal(before, control[0]) {
		t.Error("Compare changed its input")
	}
}

func TestIdenticalSamples(t *testing.T) {
	rows := make([][]float64, 24)
	for r := range rows {
		rows[r] = []float64{1, 2, 3}
	}
	s := mustCompare(t, rows, rows)
	if s.Outcome != Equivalent || s.Ratio != 1 || s.Low != 1 || s.High != 1 || s.P != 1 {
		t.Errorf("an arm against itself: %+v", s)
	}
}

func TestUnusableSamples(t *testing.T) {
	good := [][]float64{{1, 1}, {1, 1}}
	for _, tc := range []struct {
		name             string
		control, variant [][]float64
		options          Options
		want             string
	}{
		{"nothing", nil, nil, Options{}, "no pairs"},
		{"empty restarts", [][]float64{{}, {}}, [][]float64{{}, {}}, Options{}, "no pairs"},
		{"restarts missing", good, good[:1], Options{}, "control has 2 restarts, variant has 1"},
		{"blocks missing", good, [][]float64{{1, 1}, {1}}, Options{}, "restart 1: control has 2 blocks, variant has 1"},
		{"zero", good, [][]float64{{1, 1}, {1, 0}}, Options{}, "restart 1, block 1: control 1, variant 0"},
		{"negative", [][]float64{{-1, 1}, {1, 1}}, good, Options{}, "restart 0, block 0: control -1"},
		{"both negative", [][]float64{{-1}}, [][]float64{{-1}}, Options{}, "restart 0, block 0"},
		{"NaN", [][]float64{{1, math.NaN()}, {1, 1}}, good, Options{}, "restart 0, block 1: control NaN"},
		{"infinite", good, [][]float64{{1, 1}, {math.Inf(1), 1}}, Options{}, "variant +Inf"},
		{"ratio out of range", [][]float64{{1e-300}}, [][]float64{{1e300}}, Options{}, "finite ratio"},
		{"confidence", good, good, Options{Confidence: 1}, "confidence 1"},
		{"confidence NaN", good, good, Options{Confidence: math.NaN()}, "confidence NaN"},
		{"theta", good, good, Options{Theta: -0.1}, "theta -0.1"},
		{"too many restarts", make1s(1001), make1s(1001), Options{}, "1001 restarts"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Compare(tc.control, tc.variant, tc.options)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func make1s(restarts int) [][]float64 {
	rows := make([][]float64, restarts)
	for r := range rows {
		rows[r] = []float64{1}
	}
	return rows
}

func TestEmptyRestartsAreCounted(t *testing.T) {
	control, variant := arms(rand.New(rand.NewPCG(4, 6)), 9, 6, 1.1, 0.01)
	control[3], variant[3] = nil, nil
	s := mustCompare(t, control, variant)
	var w EmptyRestartsWarning
	if s.Restarts != 8 || len(s.Warnings) != 1 || !errors.As(s.Warnings[0], &w) || w != 1 {
		t.Errorf("%d restarts, warnings %v: want 8 and one empty", s.Restarts, s.Warnings)
	}
}

// TestUnequalRestarts: an interrupted run ends with a short restart, which
// still leaves a finite interval.
func TestUnequalRestarts(t *testing.T) {
	control, variant := arms(rand.New(rand.NewPCG(4, 7)), 8, 20, 1.1, 0.05)
	control[7], variant[7] = control[7][:1], variant[7][:1]
	s := mustCompare(t, control, variant)
	if math.IsInf(s.High, 1) || s.Low == 0 || s.Pairs != 141 {
		t.Errorf("%+v", s)
	}
}

// FuzzCompare reads arms from bytes: whatever comes, an error or a coherent
// statement. Bytes are coarse values, so that ties abound.
func FuzzCompare(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, []byte{4, 3, 2, 1}, uint8(1))
	f.Add([]byte("restarts of several blocks each"), []byte("which another arm mirrors, and more"), uint8(3))
	f.Add([]byte{0, 255, 128}, []byte{255, 0, 128}, uint8(0))
	f.Fuzz(func(t *testing.T, a, b []byte, blocks uint8) {
		s, err := Compare(rowsOf(a, int(blocks%16)), rowsOf(b, int(blocks%16)), Options{})
		if err != nil {
			return
		}
		if err := coherent(s); err != nil {
			t.Errorf("%v: %+v", err, s)
		}
	})
}

// rowsOf cuts at most 400 bytes into restarts; 0 and 255 stand for values that
// no clock returns.
func rowsOf(data []byte, blocks int) (rows [][]float64) {
	for i, v := range data[:min(len(data), 400)] {
		if blocks == 0 || i%blocks == 0 {
			rows = append(rows, nil)
		}
		x := float64(v) / 64
		if v == 255 {
			x = math.NaN()
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], x)
	}
	return rows
}
