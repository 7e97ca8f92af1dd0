package ensemble

import (
	"errors"

	"lensbench/system/nn"
	"lensbench/torch"
)

// Ways to make mean and variance of the logits of all members and passes, as
// [Ensemble.Fuse] does.
const (
	Keep   = "keep"   // all logits are kept until the last is there
	Stream = "stream" // each goes into running means and is forgotten
)

// Aggregates are the ways.
var Aggregates = []string{Keep, Stream}

// ErrNoAggregate says that an ensemble was opened without a way to fuse.
var ErrNoAggregate = errors.New("the ensemble was opened without an aggregate")

// Fuse scores the images and returns, image by image, mean and variance (with n−1) over
// the n logits that all members' passes have for it: those of the ensemble as a mixture
// of equal weights (Lakshminarayanan et al. 2017). With Config.Passes each member makes
// so many with dropout, whose masks depend on seed, member and batch alone.
func (e *Ensemble) Fuse() (mean, variance []float32, err error) {
	s, ok := e.execution.(*station)
	if !ok || e.config.Aggregate == "" {
		return nil, nil, ErrNoAggregate
	}
	return s.fuse(e.config)
}

func (s *station) fuse(c Config) (mean, variance []float32, err error) {
	mean, variance = make([]float32, c.Images), make([]float32, c.Images)
	err = s.lane.Do(func(sc *torch.Scope) error {
		a := newAggregate(sc, c)
		err := s.pass(sc, func(sc *torch.Scope, m int, images []int, x *torch.Tensor) error {
			a.add(sc, m, images[0], s.samples(sc, c, m, images[0]/c.Batch, x))
			return nil
		})
		if err != nil {
			return err
		}
		mu, v := a.moments(sc)
		return errors.Join(mu.CopyFloat32(mean), v.CopyFloat32(variance))
	})
	return mean, variance, err
}

// samples returns what a member says of a batch, [K N].
func (s *station) samples(sc *torch.Scope, c Config, m, batch int, x *torch.Tensor) *torch.Tensor {
	if c.Passes == 0 {
		return sc.Unsqueeze(s.forward(sc, m, x), 0)
	}
	sc.Seed(nn.SubSeed(nn.SubSeed(c.Seed, m), batch))
	net := s.members[m]
	return net.Samples(sc, resize(sc, x, net.input), c.Passes)
}

// An aggregate takes logits and makes their moments.
type aggregate interface {
	// add takes the logits [K N] of a member, of images from one on.
	add(sc *torch.Scope, member, first int, y *torch.Tensor)
	// moments returns mean and variance of all images, [images].
	moments(sc *torch.Scope) (mean, variance *torch.Tensor)
}

// newAggregate returns one whose tensors are sc's.
func newAggregate(sc *torch.Scope, c Config) aggregate {
	if c.Aggregate == Keep {
		return &kept{scope: sc, logits: make([][]*torch.Tensor, len(c.Members))}
	}
	n := int64(c.Images)
	return &streamed{mean: sc.Zeros(torch.Float64, n), squares: sc.Zeros(torch.Float64, n), counts: map[int]float64{}}
}

// A kept aggregate has all logits.
type kept struct {
	scope  *torch.Scope
	logits [][]*torch.Tensor // by member and batch, [K N]
}

func (k *kept) add(_ *torch.Scope, member, _ int, y *torch.Tensor) {
	k.logits[member] = append(k.logits[member], k.scope.Own(y))
}

func (k *kept) moments(sc *torch.Scope) (mean, variance *torch.Tensor) {
	rows := make([]*torch.Tensor, len(k.logits))
	for m, parts := range k.logits {
		rows[m] = sc.Cat(1, parts...)
		for _, p := range parts {
			p.Free()
		}
	}
	all := sc.Cat(0, rows...)
	return sc.Mean(all, 0), sc.Variance(all, 0, 1)
}

// A streamed aggregate has the moments of the logits so far: those of a batch are put
// together with them by the formula of Chan, Golub and LeVeque (1979), which for one
// number is Welford's.
type streamed struct {
	mean    *torch.Tensor   // [images]
	squares *torch.Tensor   // [images], sums of squared differences to the mean
	counts  map[int]float64 // logits so far, by the first image of a batch
}

func (s *streamed) add(sc *torch.Scope, _, first int, y *torch.Tensor) {
	y = sc.To(y, torch.Float64)
	before, more, images := s.counts[first], float64(y.Shape()[0]), y.Shape()[1]
	after := before + more
	s.counts[first] = after
	mean, squares := sc.Narrow(s.mean, 0, int64(first), images), sc.Narrow(s.squares, 0, int64(first), images)
	d := sc.Sub(sc.Mean(y, 0), mean)
	sc.AddInPlace(mean, sc.MulScalar(d, more/after))
	sc.AddInPlace(squares, sc.MulScalar(sc.Variance(y, 0, 0), more))
	sc.AddInPlace(squares, sc.MulScalar(sc.Mul(d, d), before*more/after))
}

func (s *streamed) moments(sc *torch.Scope) (mean, variance *torch.Tensor) {
	return sc.To(s.mean, torch.Float32), sc.To(sc.MulScalar(s.squares, 1/(s.counts[0]-1)), torch.Float32)
}
