package ensemble

import (
	"errors"
	"math"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"

	"gonum.org/v1/gonum/stat"
)

// fused is an ensemble whose last batch is not full, and of whose members one drops
// within its backbone.
func fused(t *testing.T, schedule Schedule, aggregate string, passes int) (mean, variance []float32) {
	t.Helper()
	c := small(t, schedule)
	c.Aggregate, c.Passes = aggregate, passes
	mean, variance, err := open(t, c).Fuse()
	if err != nil {
		t.Fatal(err)
	}
	return mean, variance
}

// Whether logits are kept or streamed, and in whichever order they come, mean and
// variance are the same: to within the rounding of float32 logits of about 1.
func TestAggregatesAgree(t *testing.T) {
	const tolerance = 1e-6
	for _, passes := range []int{0, 3} {
		mean, variance := fused(t, Sequential, Keep, passes)
		for i := range mean {
			if !(variance[i] > 0) {
				t.Errorf("%d passes, image %d: variance %v", passes, i, variance[i])
			}
		}
		for _, schedule := range []Schedule{Sequential, BatchMajor} {
			m, v := fused(t, schedule, Stream, passes)
			if far(m, mean) > tolerance || far(v, variance) > tolerance {
				t.Errorf("%s, %d passes: mean %v, variance %v; of all that was kept %v, %v", schedule, passes, m, v, mean, variance)
			}
		}
	}
}

// far is the largest difference relative to max(1, |b|).
func far(a, b []float32) float64 {
	worst := 0.0
	for i := range b {
		worst = max(worst, math.Abs(float64(a[i]-b[i]))/max(1, math.Abs(float64(b[i]))))
	}
	return worst
}

// Without passes the logits are those of Score.
func TestFuseIsOfScores(t *testing.T) {
	c := small(t, BatchMajor)
	c.Aggregate = Stream
	e := open(t, c)
	mean, variance, err := e.Fuse()
	if err != nil {
		t.Fatal(err)
	}
	logits, err := e.Score()
	if err != nil {
		t.Fatal(err)
	}
	for i := range mean {
		m, v := stat.MeanVariance([]float64{float64(logits[0][i]), float64(logits[1][i])}, nil)
		if math.Abs(float64(mean[i])-m) > 1e-6 || math.Abs(float64(variance[i])-v) > 1e-6 {
			t.Errorf("image %d: %v, %v; logits have %v, %v", i, mean[i], variance[i], m, v)
		}
	}
}

// Numbers with a common offset, of which Σx² − (Σx)²/n has no digits, in parts of
// different sizes.
func TestStreamedMoments(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		a := newAggregate(sc, Config{Images: 2, Aggregate: Stream})
		var all [2][]float64
		for _, part := range [][]float32{{5000, 5002, 5004, 5001}, {5001, 4999}, {5007, 5000, 4990, 5003, 5002, 5001}} {
			for i, v := range part {
				all[i%2] = append(all[i%2], float64(v))
			}
			sc.Scoped(func(sc *torch.Scope) { a.add(sc, 0, 0, sc.FromFloat32(part, int64(len(part)/2), 2)) })
		}
		mean, variance := a.moments(sc)
		got := [2][]float32{make([]float32, 2), make([]float32, 2)}
		if err := errors.Join(mean.CopyFloat32(got[0]), variance.CopyFloat32(got[1])); err != nil {
			t.Fatal(err)
		}
		for i := range all {
			m, v := stat.MeanVariance(all[i], nil)
			if math.Abs(float64(got[0][i])/m-1) > 1e-7 || math.Abs(float64(got[1][i])/v-1) > 1e-6 {
				t.Errorf("column %d: %v, %v; want %v, %v", i, got[0][i], got[1][i], m, v)
			}
		}
	})
}

// A forgetful aggregate counts a member's logits but not by how much they move the
// mean, as a stream of variances of members would.
type forgetful struct{ *streamed }

func (f forgetful) add(sc *torch.Scope, member, first int, y *torch.Tensor) {
	before := f.counts[first]
	f.counts[first] = 0
	f.streamed.add(sc, member, first, y)
	f.counts[first] += before
}

// What the check of fused outputs is for.
func TestForgetfulIsFound(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		var got [2][]float32
		for i, a := range []aggregate{newAggregate(sc, Config{Images: 1}), forgetful{newAggregate(sc, Config{Images: 1}).(*streamed)}} {
			for _, v := range []float32{1, 2, 4} {
				a.add(sc, 0, 0, sc.FromFloat32([]float32{v}, 1, 1))
			}
			_, variance := a.moments(sc)
			got[i] = make([]float32, 1)
			if err := variance.CopyFloat32(got[i]); err != nil {
				t.Fatal(err)
			}
		}
		if far(got[1], got[0]) < 0.1 {
			t.Errorf("variances %v", got)
		}
	})
}
