package verdict

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// familyOf makes cells of one metric and one variant whose log-ratios lie around
// the centres.
func familyOf(rng *rand.Rand, restarts, blocks int, between, within float64, centres ...float64) []FamilyCell {
	var cells []FamilyCell
	for _, centre := range centres {
		cells = append(cells, FamilyCell{metricOf(noise(rng, restarts, blocks, centre, between, within))})
	}
	return cells
}

// metricOf gives log-ratios to a variant of a control that is always 1.
func metricOf(rows [][]float64) FamilyMetric {
	var control, variant [][]float64
	for _, row := range rows {
		c, v := make([]float64, len(row)), make([]float64, len(row))
		for b, x := range row {
			c[b], v[b] = 1, math.Exp(x)
		}
		control, variant = append(control, c), append(variant, v)
	}
	return FamilyMetric{control, variant}
}

func TestHolm(t *testing.T) {
	// Worked example: sorted 0.01, 0.02, 0.03, 0.5 are multiplied by 4, 3, 2, 1
	// and never fall.
	got := Holm([]float64{0.02, 0.5, 0.01, 0.03})
	for i, want := range []float64{0.06, 0.5, 0.04, 0.06} {
		if math.Abs(got[i]-want) > 1e-15 {
			t.Errorf("%v, want 0.06 0.5 0.04 0.06", got)
			break
		}
	}
	if got := Holm([]float64{0.9, 0.8}); got[0] != 1 || got[1] != 1 {
		t.Errorf("%v, want both 1", got)
	}
	if len(Holm(nil)) != 0 {
		t.Error("Holm of nothing is something")
	}
}

// TestOneMemberIsTheSignedRankTest compares with the exact distribution, by
// going through all flips.
func TestOneMemberIsTheSignedRankTest(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for range 5 {
		rows := noise(rng, 10, 1, 0.6, 0, 1)
		size := make([]float64, len(rows))
		for r, row := range rows {
			size[r] = math.Abs(row[0])
		}
		sorted := slices.Sorted(slices.Values(size))
		observed, ranks := 0.0, make([]float64, len(rows))
		for r := range rows {
			ranks[r] = float64(slices.Index(sorted, size[r]) + 1)
			observed += math.Copysign(ranks[r], rows[r][0])
		}
		reached := 0
		for flips := range 1 << len(rows) {
			sum := 0.0
			for r, rank := range ranks {
				sum += rank * float64(1-2*(flips>>r&1))
			}
			if math.Abs(sum) >= math.Abs(observed) {
				reached++
			}
		}
		want := float64(reached) / float64(int(1)<<len(rows))
		got := StepDown([]FamilyCell{{metricOf(rows)}})[0].P
		if math.Abs(got-want) > 4*math.Sqrt(want/familyDraws)+1e-4 {
			t.Errorf("p %v from draws, %v exactly", got, want)
		}
	}
}

// TestAQuietCellIsNotHiddenByNoisyOnes: one of 50 metrics has a small but clear
// difference; the others scatter a hundred times as much.
func TestAQuietCellIsNotHiddenByNoisyOnes(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	cells := familyOf(rng, 24, 10, 0.1, 0.3, make([]float64, 49)...)
	cells = append(cells, familyOf(rng, 24, 10, 0.001, 0.003, 0.003)...)
	for _, a := range StepDown(cells) {
		if found := a.P < 0.01; found != (a.Cell == 49) {
			t.Errorf("cell %d: p %v", a.Cell, a.P)
		}
	}
}

// TestStepDownGoesOn: what is rejected no longer burdens the others, so two
// differences are found where a single step would find one, and p never falls.
func TestStepDownGoesOn(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 3))
	stepped, single := 0, 0
	for range 40 {
		out := StepDown(familyOf(rng, 12, 5, 0.01, 0.02, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.012))
		alone := StepDown(familyOf(rng, 12, 5, 0.01, 0.02, 0.012))[0].P
		if out[6].P < 0.05 {
			stepped++
		}
		if alone < 0.05 {
			single++
		}
	}
	if stepped < single/2 || single < 10 {
		t.Errorf("found %d times beside six clear ones, %d times alone", stepped, single)
	}
}

// TestMetricsOfACellMoveTogether: 20 copies of one metric in one cell are as
// one, while Holm pays for twenty; in cells of their own they are twenty.
func TestMetricsOfACellMoveTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 4))
	m := metricOf(noise(rng, 24, 5, 0.008, 0.01, 0.02))
	alone := StepDown([]FamilyCell{{m}})[0].P
	together := StepDown([]FamilyCell{slices.Repeat(FamilyCell{m}, 20)})
	apart := StepDown(slices.Repeat([]FamilyCell{{m}}, 20))
	if alone < 0.001 || alone > 0.3 {
		t.Fatalf("p %v alone: the test tests nothing", alone)
	}
	if math.Abs(together[7].P-alone) > 4*math.Sqrt(alone/familyDraws) {
		t.Errorf("p %v of 20 copies in one cell, %v alone", together[7].P, alone)
	}
	if want := 1 - math.Pow(1-alone, 20); math.Abs(apart[0].P-want) > 0.1 {
		t.Errorf("p %v in 20 cells of their own, want about %v", apart[0].P, want)
	}
}

// TestSeveralVariants: of three variants of one control, the one that differs is
// found and the others are not, although they share the control's samples.
func TestSeveralVariants(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 5))
	for range 20 {
		out := StepDown([]FamilyCell{{manyArms(rng, 16, 4, 0, 0.5, 0)}})
		if len(out) != 3 || out[0].P < 0.01 || out[1].P > 0.01 || out[2].P < 0.01 {
			t.Errorf("%+v, want the second variant alone below 0.01", out)
		}
	}
}

// manyArms makes a control and variants around the centres of log-ratios.
func manyArms(rng *rand.Rand, restarts, blocks int, centres ...float64) FamilyMetric {
	m := make(FamilyMetric, len(centres)+1)
	for range restarts {
		for a := range m {
			centre := 0.0
			if a > 0 {
				centre = centres[a-1]
			}
			offset := centre + 0.02*rng.NormFloat64()
			var row []float64
			for range blocks {
				row = append(row, math.Exp(offset+0.02*rng.NormFloat64()))
			}
			m[a] = append(m[a], row)
		}
	}
	return m
}

// TestArmsThatEndEarlier: an arm with fewer restarts is tested on those it has,
// one without any is no member.
func TestArmsThatEndEarlier(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 6))
	m := manyArms(rng, 16, 4, 0.5, 0, 0)
	m[1], m[3] = m[1][:12], nil
	m[2][3][1] = math.NaN()
	out := StepDown([]FamilyCell{{m}})
	if len(out) != 2 || out[0].Arm != 1 || out[0].P > 0.01 || out[1].Arm != 2 || out[1].P < 0.01 {
		t.Errorf("%+v, want variant 1 found and variant 2 not", out)
	}
	if got := StepDown([]FamilyCell{{}, {FamilyMetric{}}, {FamilyMetric{nil, nil}}}); len(got) != 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestStepDownIsDeterministic(t *testing.T) {
	family := func() []FamilyCell {
		rng := rand.New(rand.NewPCG(8, 7))
		return append(familyOf(rng, 12, 5, 0.01, 0.02, 0, 0.01), FamilyCell{manyArms(rng, 12, 5, 0, 0.01)})
	}
	if a, b := StepDown(family()), StepDown(family()); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// TestFamilyError: 50 metrics without any difference, some sharing restarts and
// some noisy, have one below 1 % in at most 1 % of runs.
func TestFamilyError(t *testing.T) {
	runs, most := 60, 4 // 0.6 are expected; above lies 0.05 %
	if slow() {
		runs, most = 1000, 20 // 10 are expected; above lies 0.15 %
	}
	rng := rand.New(rand.NewPCG(8, 8))
	alarms := 0
	for range runs {
		var cells []FamilyCell
		for c := range 18 {
			within := 0.003 * math.Pow(1.3, float64(c))
			cells = append(cells, FamilyCell{metricOf(noise(rng, 16, 5, 0, within/3, within))})
		}
		for range 8 { // four metrics each, which share half of their noise
			shared := noise(rng, 16, 5, 0, 0.01, 0.02)
			var cell FamilyCell
			for range 4 {
				own := noise(rng, 16, 5, 0, 0.01, 0.02)
				for r := range own {
					for b := range own[r] {
						own[r][b] += shared[r][b]
					}
				}
				cell = append(cell, metricOf(own))
			}
			cells = append(cells, cell)
		}
		if slices.ContainsFunc(StepDown(cells), func(a Adjusted) bool { return a.P < 0.01 }) {
			alarms++
		}
	}
	t.Logf("%d of %d runs of 50 metrics alarm", alarms, runs)
	if alarms > most {
		t.Errorf("%d of %d runs of 50 metrics alarm, want 1 %%", alarms, runs)
	}
}

// TestFamilyErrorOverLooks: the error of the family, too, is spent over the
// looks, and one that is large enough is found at the first that can.
func TestFamilyErrorOverLooks(t *testing.T) {
	runs, most := 10, 2 // 0.1 are expected; above lies 0.02 %
	if slow() {
		runs, most = 400, 12 // 4 are expected; above lies 0.03 %
	}
	rng := rand.New(rand.NewPCG(8, 9))
	looks := mustSpend(t, 0.99, Looks(36)...)
	alarms, found := 0, 0
	for range runs {
		rows := make([][][]float64, 50)
		for c := range rows {
			rows[c] = noise(rng, 36, 5, 0, 0.01, 0.02)
		}
		if first, any := familyAlarm(rows, looks); any {
			alarms++
			t.Logf("alarm after %d restarts", first)
		}
		rows[7] = noise(rng, 36, 5, 0.05, 0.01, 0.02)
		if first, any := familyAlarm(rows, looks); any && first < 36 {
			found++
		}
	}
	if alarms > most {
		t.Errorf("%d of %d runs of 50 metrics alarm at some look, want 1 %%", alarms, runs)
	}
	if found < runs*9/10 {
		t.Errorf("a difference of five standard deviations is found before the last look in %d of %d runs", found, runs)
	}
}

// familyAlarm is the first look at which a family of single metrics alarms.
func familyAlarm(rows [][][]float64, looks []Look) (restarts int, any bool) {
	for _, l := range looks {
		var cells []FamilyCell
		for _, r := range rows {
			cells = append(cells, FamilyCell{metricOf(r[:l.Restarts])})
		}
		if slices.ContainsFunc(StepDown(cells), func(a Adjusted) bool { return l.Overall(a.P) < 0.01 }) {
			return l.Restarts, true
		}
	}
	return 0, false
}

// everything50 makes all statements on 50 metrics of 1,000 pairs in 25 restarts
// each, and tests them together with 10,000 flips.
func everything50(data []FamilyCell) ([]Statement, []Adjusted, error) {
	var out []Statement
	for _, c := range data {
		s, err := Compare(c[0][0], c[0][1], Options{})
		if err != nil {
			return nil, nil, err
		}
		out = append(out, s)
	}
	return out, StepDown(data), nil
}

func data50() []FamilyCell {
	return familyOf(rand.New(rand.NewPCG(9, 9)), 25, 40, 0.005, 0.3, append(make([]float64, 49), 0.05)...)
}

// TestStatisticsRepeat: the same samples give the same statements to the bit.
func TestStatisticsRepeat(t *testing.T) {
	data := data50()
	if !slow() {
		data = data[44:]
	}
	began := time.Now()
	s, a, err := everything50(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d metrics took %v", len(data), time.Since(began))
	s2, a2, err := everything50(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s, s2) || !reflect.DeepEqual(a, a2) {
		t.Error("the same samples gave two results")
	}
}

// A stand-in counts in a family as a metric of as many restarts does in which nothing
// differs, whatever that scatters like.
func TestStandIn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const restarts, others = 16, 30
	pair := func(effect float64) FamilyMetric {
		m := FamilyMetric{make([][]float64, restarts), make([][]float64, restarts)}
		for r := range restarts {
			m[0][r], m[1][r] = []float64{1}, []float64{math.Exp(effect + 0.01*rng.NormFloat64())}
		}
		return m
	}
	adjusted := func(of FamilyMetric, beside func() FamilyMetric) float64 {
		family := []FamilyCell{{of}}
		for range others {
			family = append(family, FamilyCell{beside()})
		}
		return StepDown(family)[0].P
	}
	for _, effect := range []float64{0.004, 0.006, 0.008} {
		of := pair(effect)
		alone := StepDown([]FamilyCell{{of}})[0].P
		quiet := adjusted(of, func() FamilyMetric { return pair(0) })
		standIns := adjusted(of, func() FamilyMetric { return StandIn(restarts) })
		if !(standIns > alone) || math.Abs(standIns-quiet) > 0.03 {
			t.Errorf("effect %v: p %.4f alone, %.4f beside quiet metrics, %.4f beside stand-ins", effect, alone, quiet, standIns)
		}
	}
	for r := 8; r <= 64; r++ {
		if p := StepDown([]FamilyCell{{StandIn(r)}})[0].P; p < 0.6 {
			t.Errorf("a stand-in of %d restarts has p %v", r, p)
		}
	}
}
