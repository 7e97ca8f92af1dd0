package verdict

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// familyDraws is how often StepDown relabels arms.
const familyDraws = 10000

// A FamilyMetric is one metric of a cell: values by arm, the control first,
// then by restart and block. Equal restarts and blocks are of the same moment;
// NaN, or nothing, stands where an arm has no sample.
type FamilyMetric [][][]float64

// A FamilyCell is what was measured in the same restarts.
type FamilyCell []FamilyMetric

// An Adjusted is the p of one variant's difference from its control in one
// metric, as a member of a family of tests.
type Adjusted struct {
	Cell, Metric, Arm int     // indices; arms count from 1, the control being 0
	P                 float64 // two-sided: largest level of the whole family at which it is not rejected
}

// StepDown tests all variants of all metrics together. If those whose P is at
// most α are called different, a false one is among them with probability α at
// most, however the metrics depend on each other.
//
// The statistic of a variant is that of Wilcoxon's signed ranks: restarts are
// ranked by how far the median log-ratio of their blocks is from 0, and
//
//	t = Σ sign · rank ÷ √Σ rank²
//
// Ranks make every metric's t alike, so a noisy metric cannot hide a quiet one
// as it would where medians themselves are compared.
//
// Under the hypothesis that some arms do not differ from the control, their
// labels may be exchanged within any restart. Labels are drawn anew in each of
// 10,000 draws, the same for all metrics of a cell and independently between
// cells, and the largest |t| of a draw is what an observed one is compared
// with: the maximum method of Westfall and Young (1993). Flipping the ratios of
// several variants to one control together would not be such an exchange. The
// hypothesis that is rejected most clearly is then left out, with its arm's
// labels, and the others are tested again: step-down.
//
// Draws are seeded with a hash of the data. No P is below 1/10,001.
func StepDown(cells []FamilyCell) []Adjusted {
	f := newFamily(cells)
	// From the weakest to the strongest, so that what is left at a step is what
	// was there at the one before, and one member more.
	out := make([]Adjusted, len(f.members))
	for i := len(f.members) - 1; i >= 0; i-- {
		m := f.members[i]
		f.add(m)
		out[i] = Adjusted{Cell: m.of.cell, Metric: m.of.metric, Arm: m.arm, P: f.share(m.t)}
	}
	for i := range out[min(1, len(out)):] {
		out[i+1].P = max(out[i+1].P, out[i].P)
	}
	slices.SortFunc(out, func(a, b Adjusted) int {
		return cmp.Or(a.Cell-b.Cell, a.Metric-b.Metric, a.Arm-b.Arm)
	})
	return out
}

// StandIn keeps the place of a metric in its family that was measured in fewer restarts
// than planned because it was found equivalent: a control and a variant, in so many
// restarts, that do not differ. Had it gone on, its statistic could still have come out
// large by chance, and that chance is part of the family's error. The distribution of
// signed ranks depends on nothing but the number of restarts, so that a stand-in, whose
// labels are drawn as all others' are, has the very one that was not waited for.
func StandIn(restarts int) FamilyMetric {
	control, variant := make([][]float64, restarts), make([][]float64, restarts)
	for r := range restarts {
		ratio := math.Exp(float64(r+1) / 1000)
		if r%4 == 1 || r%4 == 2 { // + − − +: signed ranks that cancel
			ratio = 1 / ratio
		}
		control[r], variant[r] = []float64{1}, []float64{ratio}
	}
	return FamilyMetric{control, variant}
}

// Holm adjusts p values for being one of several, by Holm's step-down method:
// valid whatever their dependence, and larger than need be.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	out, last := make([]float64, len(ps)), 0.0
	for rank, i := range order {
		last = max(last, min(1, ps[i]*float64(len(ps)-rank)))
		out[i] = last
	}
	return out
}

// A family is a set of tests to which members are added.
type family struct {
	members []familyMember  // by t, the largest first
	several []*familyMetric // metrics with more than one variant, that have a member
	most    []float64       // per draw, the largest t of the members of other metrics
}

// A familyMember is one variant in one metric.
type familyMember struct {
	of  *familyMetric
	arm int
	t   float64
}

// A familyMetric is a metric with those of its arms that are members.
type familyMetric struct {
	cell, metric int
	seed         uint64        // of its cell
	scores       [][][]float64 // restart, arm, arm: signed rank of the first ÷ the second; antisymmetric, NaN if there is none
	active       []int         // the control and its members, ascending
	drawn        []float64     // per draw, the largest t of its members
}

func newFamily(cells []FamilyCell) *family {
	f := &family{most: make([]float64, familyDraws)}
	for c, cell := range cells {
		var own []*familyMetric
		restarts := cell.restarts()
		for m, metric := range cell {
			if len(metric) > 1 {
				own = append(own, &familyMetric{cell: c, metric: m, scores: signedRanks(metric, restarts), active: []int{0}})
			}
		}
		seed := familySeed(c, own)
		for _, fm := range own {
			fm.seed = seed
			for arm := 1; arm < len(cell[fm.metric]); arm++ {
				if fm.tested(arm) {
					f.members = append(f.members, familyMember{fm, arm, fm.observed(arm)})
				}
			}
		}
	}
	slices.SortStableFunc(f.members, func(a, b familyMember) int { return cmp.Compare(b.t, a.t) })
	return f
}

// add makes one more variant a member. Labels of a metric's members are
// exchanged among themselves and the control, so that its draws change with
// them.
func (f *family) add(m familyMember) {
	m.of.active = append(m.of.active, m.arm)
	slices.Sort(m.of.active)
	if m.of.isPair() {
		m.of.drawPair()
		for d, v := range m.of.drawn {
			f.most[d] = max(f.most[d], v)
		}
		m.of.drawn = nil
		return
	}
	m.of.draw()
	if !slices.Contains(f.several, m.of) {
		f.several = append(f.several, m.of)
	}
}

// share is that of the draws whose largest statistic reaches t. The data as
// they are count as one more draw.
func (f *family) share(t float64) float64 {
	reached := 1
	for d, v := range f.most {
		for _, m := range f.several {
			v = max(v, m.drawn[d])
		}
		if v >= t-1e-9 { // sums of the same ranks in another order may differ in the last bits
			reached++
		}
	}
	return float64(reached) / float64(familyDraws+1)
}

// restarts is how many the cell has, in whatever metric or arm.
func (c FamilyCell) restarts() (n int) {
	for _, metric := range c {
		for _, arm := range metric {
			n = max(n, len(arm))
		}
	}
	return n
}

// signedRanks are the scores of a metric. Ranks are over all restarts and all
// pairs of arms, equal ones sharing the mean of theirs, so that exchanging
// labels moves scores and makes no new ones.
func signedRanks(metric FamilyMetric, restarts int) [][][]float64 {
	type place struct {
		r, a, b int
		size    float64
	}
	var places []place
	scores := make([][][]float64, restarts)
	for r := range scores {
		scores[r] = make([][]float64, len(metric))
		for a := range metric {
			scores[r][a] = make([]float64, len(metric))
		}
		for a := range metric {
			for b := range a {
				x := medianRatio(metric[a], metric[b], r)
				scores[r][a][b], scores[r][b][a] = x, -x
				if !math.IsNaN(x) {
					places = append(places, place{r, a, b, math.Abs(x)})
				}
			}
		}
	}
	slices.SortStableFunc(places, func(p, q place) int { return cmp.Compare(p.size, q.size) })
	for i := 0; i < len(places); {
		j := i
		for j < len(places) && places[j].size == places[i].size {
			j++
		}
		rank := float64(i+1+j) / 2
		for _, p := range places[i:j] {
			s := math.Copysign(rank, scores[p.r][p.a][p.b])
			if p.size == 0 {
				s = 0
			}
			scores[p.r][p.a][p.b], scores[p.r][p.b][p.a] = s, -s
		}
		i = j
	}
	return scores
}

// medianRatio is the median over the blocks of restart r of the log-ratio of a
// to b; NaN without a pair.
func medianRatio(a, b [][]float64, r int) float64 {
	if r >= len(a) || r >= len(b) {
		return math.NaN()
	}
	var ratios []float64
	for i := range min(len(a[r]), len(b[r])) {
		if !bad(a[r][i]) && !bad(b[r][i]) {
			ratios = append(ratios, math.Log(a[r][i])-math.Log(b[r][i]))
		}
	}
	if len(ratios) == 0 {
		return math.NaN()
	}
	slices.Sort(ratios)
	return mid(ratios[(len(ratios)-1)/2], ratios[len(ratios)/2])
}

// tested says whether an arm has any pair with the control.
func (m *familyMetric) tested(arm int) bool {
	return slices.ContainsFunc(m.scores, func(s [][]float64) bool { return !math.IsNaN(s[arm][0]) })
}

// familySeed depends on the data of a cell alone, and on its place: cells with
// the same numbers must not be relabelled alike.
func familySeed(cell int, metrics []*familyMetric) uint64 {
	h := fnv.New64a()
	var word [8]byte
	put := func(v uint64) {
		binary.LittleEndian.PutUint64(word[:], v)
		h.Write(word[:])
	}
	put(uint64(cell))
	for _, m := range metrics {
		for _, s := range m.scores {
			for a := range s {
				for b := range a {
					put(math.Float64bits(math.Abs(s[a][b])))
				}
			}
		}
	}
	return h.Sum64()
}

// observed is the statistic of an arm as it is labelled.
func (m *familyMetric) observed(arm int) float64 {
	var sum, squares float64
	for _, s := range m.scores {
		if x := s[arm][0]; !math.IsNaN(x) {
			sum += x
			squares += x * x
		}
	}
	return studentised(sum, squares)
}

func studentised(sum, squares float64) float64 {
	if squares == 0 {
		return 0
	}
	return math.Abs(sum) / math.Sqrt(squares)
}

// isPair says whether the metric has one variant.
func (m *familyMetric) isPair() bool { return len(m.scores[0]) == 2 }

// draw fills drawn for the arms that are active.
func (m *familyMetric) draw() {
	if m.drawn == nil {
		m.drawn = make([]float64, familyDraws)
	}
	rng := rand.New(rand.NewPCG(m.seed, 1))
	arms := len(m.scores[0])
	keys := make([]uint64, arms)
	present := m.present()
	order := make([]int, 0, arms)
	sums, squares := make([]float64, arms), make([]float64, arms)
	for d := range m.drawn {
		clear(sums)
		clear(squares)
		for r, s := range m.scores {
			for a := range keys { // of all arms, so that every metric has the same
				keys[a] = rng.Uint64()
			}
			// The arm at a place of present bears the label of the one there in order.
			order = append(order[:0], present[r]...)
			slices.SortFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
			for i, a := range present[r][1:] {
				if x := s[order[i+1]][order[0]]; !math.IsNaN(x) {
					sums[a] += x
					squares[a] += x * x
				}
			}
		}
		m.drawn[d] = 0
		for _, a := range m.active[1:] {
			m.drawn[d] = max(m.drawn[d], studentised(sums[a], squares[a]))
		}
	}
}

// present are, by restart, the active arms that have a pair with the control,
// the control first.
func (m *familyMetric) present() [][]int {
	out := make([][]int, len(m.scores))
	for r, s := range m.scores {
		for _, a := range m.active {
			if a == 0 || !math.IsNaN(s[a][0]) {
				out[r] = append(out[r], a)
			}
		}
	}
	return out
}

// drawPair is draw for one variant and its control, where to relabel is to
// change signs. Bits are drawn 64 at a time.
func (m *familyMetric) drawPair() {
	m.drawn = make([]float64, familyDraws)
	rng := rand.New(rand.NewPCG(m.seed, 2))
	var xs []float64
	var squares float64
	for _, s := range m.scores {
		x := s[1][0]
		if math.IsNaN(x) {
			x = 0 // its bit is drawn all the same: other metrics have the restart
		}
		xs = append(xs, x)
		squares += x * x
	}
	for d := range m.drawn {
		var sum float64
		var bits uint64
		for r, x := range xs {
			if r%64 == 0 {
				bits = rng.Uint64()
			}
			// The sign bit of x, without a branch that no processor can predict.
			sum += math.Float64frombits(math.Float64bits(x) ^ bits<<63)
			bits >>= 1
		}
		m.drawn[d] = studentised(sum, squares)
	}
}
