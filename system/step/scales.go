package step

import (
	"lensbench/system/trained"
	"lensbench/torch"
)

// A piece is some images of a micro-batch at one scale: what passes through the
// network at once.
type piece struct {
	side          int
	from, to      int     // images
	weight        float64 // of their mean loss in that of the micro-batch
	checkpointing string
}

// A batch is a micro-batch that is gone through at several scales.
type batch struct {
	images, labels *torch.Tensor
	target         *torch.Tensor // logits at the first scale of the images so far, apart from the graph; nil before, and if nobody compares
}

// addScales adds the gradients of all scales.
func (s *Stepper) addScales(sc *torch.Scope, images, labels *torch.Tensor, share float64) (total *torch.Tensor) {
	b := batch{images: images, labels: labels}
	groups := s.groups(int(images.Shape()[0]))
	for i, group := range groups {
		var loss *torch.Tensor
		s.forward(i == len(groups)-1)
		sc.Scoped(func(sc *torch.Scope) {
			var sum *torch.Tensor
			sc.InPhase(torch.PhaseForward, func() { sum = weigh(sc, s.groupLoss(sc, &b, group), share) })
			s.backward(sc, sum)
			loss = sc.Keep(sc.Detach(sum))
		})
		total = plus(sc, total, loss)
	}
	return total
}

// groupLoss is the sum of the losses of pieces that are gone back from at once.
func (s *Stepper) groupLoss(sc *torch.Scope, b *batch, group []piece) (sum *torch.Tensor) {
	for _, p := range group {
		sum = plus(sc, sum, sc.MulScalar(s.pieceLoss(sc, b, p), p.weight))
	}
	return sum
}

// pieceLoss is the mean loss of a piece, and notes what later ones are compared with.
func (s *Stepper) pieceLoss(sc *torch.Scope, b *batch, p piece) *torch.Tensor {
	n := int64(p.to - p.from)
	images := sc.Narrow(b.images, 0, int64(p.from), n)
	labels := sc.Narrow(b.labels, 0, int64(p.from), n)
	logits := s.logits(sc, trained.Resize(sc, images, p.side), p.checkpointing)
	loss := sc.BCEWithLogits(logits, labels)
	m := s.Settings.Multi
	switch {
	case m.Consistency == 0:
	case p.side == m.Scales[0]:
		b.target = sc.Keep(joined(sc, b.target, sc.Detach(logits)))
	default:
		kl := bernoulliKL(sc, sc.Narrow(b.target, 0, int64(p.from), n), logits)
		// The mean over the other scales, in a loss that is a mean over all.
		others, all := float64(len(m.Scales)-1), float64(len(m.Scales))
		loss = sc.Add(loss, sc.MulScalar(kl, m.Consistency*all/others))
	}
	return loss
}

// joined is a vector that may be nil, and more behind it.
func joined(sc *torch.Scope, v, more *torch.Tensor) *torch.Tensor {
	if v == nil {
		return more
	}
	return sc.Cat(0, v, more)
}

// bernoulliKL is the mean of KL(σ(a) ‖ σ(b)) over logits a, from which no gradient
// comes, and b: the cross-entropy of b with σ(a) as its target, less that of a.
func bernoulliKL(sc *torch.Scope, a, b *torch.Tensor) *torch.Tensor {
	p := sc.Sigmoid(a)
	return sc.Sub(sc.BCEWithLogits(b, p), sc.BCEWithLogits(a, p))
}

// plus adds b to a sum that may be nil.
func plus(sc *torch.Scope, sum, b *torch.Tensor) *torch.Tensor {
	if sum == nil {
		return b
	}
	return sc.Add(sum, b)
}
