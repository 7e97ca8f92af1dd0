package trivial

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"lensbench/system/survey"
)

// A Baseline is a fitted classifier of images of one shape.
type Baseline struct {
	bands, height, width int
	mean, deviation      []float64 // of the features of its training images
	weight               []float64 // of standardised features; the last is the constant
}

// Fit fits a classifier to images, all of them labelled, with both labels among
// them. The result does not depend on the number of cores.
func Fit(ctx context.Context, train survey.Images) (*Baseline, error) {
	labels, err := labelsOf(train)
	if err != nil {
		return nil, fmt.Errorf("trivial baseline: %w", err)
	}
	x, err := measure(ctx, train)
	if err != nil {
		return nil, fmt.Errorf("trivial baseline: %w", err)
	}
	b := &Baseline{}
	b.bands, b.height, b.width = train.Shape()
	b.standardise(x)
	if b.weight, err = fit(b.apply(x), labels); err != nil {
		return nil, fmt.Errorf("trivial baseline: %w", err)
	}
	return b, nil
}

// Scores returns a logit for each image.
func (b *Baseline) Scores(ctx context.Context, images survey.Images) ([]float64, error) {
	if bands, height, width := images.Shape(); bands != b.bands || height != b.height || width != b.width {
		return nil, fmt.Errorf("trivial baseline: images [%d, %d, %d], fitted to [%d, %d, %d]", bands, height, width, b.bands, b.height, b.width)
	}
	x, err := measure(ctx, images)
	if err != nil {
		return nil, fmt.Errorf("trivial baseline: %w", err)
	}
	scores := mat.NewVecDense(images.Len(), nil)
	scores.MulVec(b.apply(x), mat.NewVecDense(len(b.weight), b.weight))
	return scores.RawVector().Data, nil
}

func labelsOf(images survey.Images) ([]float64, error) {
	labels := make([]float64, images.Len())
	var found [2]int
	for i := range labels {
		l := images.Label(i)
		if l != 0 && l != 1 {
			return nil, fmt.Errorf("%s has no label", images.Name(i))
		}
		labels[i] = float64(l)
		found[l]++
	}
	if found[0] == 0 || found[1] == 0 {
		return nil, fmt.Errorf("%d lenses and %d others to fit to; it takes both", found[1], found[0])
	}
	return labels, nil
}

// measure returns the features of all images, one row an image.
func measure(ctx context.Context, images survey.Images) (*mat.Dense, error) {
	bands, height, width := images.Shape()
	f := newFrame(bands, height, width)
	n, columns := images.Len(), count(bands)
	x := mat.NewDense(n, columns, nil)
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		g.Go(func() error {
			buf := make([]float32, bands*height*width)
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := images.Read(i, buf); err != nil {
					return err
				}
				f.features(buf, x.RawRowView(i)[:0])
			}
			return nil
		})
	}
	return x, g.Wait()
}

func (b *Baseline) standardise(x *mat.Dense) {
	n, columns := x.Dims()
	b.mean, b.deviation = make([]float64, columns), make([]float64, columns)
	column := make([]float64, n)
	for k := range columns {
		mat.Col(column, k, x)
		b.mean[k], b.deviation[k] = stat.PopMeanStdDev(column, nil)
		if !(b.deviation[k] > 1e-12*math.Abs(b.mean[k])) { // all alike: it says nothing
			b.deviation[k] = 1
		}
	}
}

// apply returns standardised features and a last column of ones.
func (b *Baseline) apply(x *mat.Dense) *mat.Dense {
	n, columns := x.Dims()
	out := mat.NewDense(n, columns+1, nil)
	for i := range n {
		row := out.RawRowView(i)
		for k, v := range x.RawRowView(i) {
			row[k] = (v - b.mean[k]) / b.deviation[k]
		}
		row[columns] = 1
	}
	return out
}

const (
	penalty   = 1    // on ½|w|² without the constant
	mostSteps = 100  // steps of Newton's method
	closeTo   = 1e-9 // largest change of a weight at the end
)

// fit returns the weights of a logistic regression, see the package comment.
func fit(x *mat.Dense, labels []float64) ([]float64, error) {
	n, p := x.Dims()
	w := mat.NewVecDense(p, nil)
	logits, residual := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	scaled := mat.NewDense(n, p, nil)
	var gradient, step mat.VecDense
	var chol mat.Cholesky
	hessian := mat.NewSymDense(p, nil)
	loss := math.Inf(1)
	for range mostSteps {
		logits.MulVec(x, w)
		for i := range n {
			q := 1 / (1 + math.Exp(-logits.AtVec(i)))
			residual.SetVec(i, q-labels[i])
			copyScaled(scaled.RawRowView(i), x.RawRowView(i), math.Sqrt(q*(1-q)))
		}
		hessian.SymOuterK(1, scaled.T())
		gradient.MulVec(x.T(), residual)
		for k := range p {
			hessian.SetSym(k, k, hessian.At(k, k)+1e-9)
			if k < p-1 {
				hessian.SetSym(k, k, hessian.At(k, k)+penalty)
				gradient.SetVec(k, gradient.AtVec(k)+penalty*w.AtVec(k))
			}
		}
		if !chol.Factorize(hessian) {
			return nil, errors.New("the fit has no minimum: features are not finite")
		}
		if err := chol.SolveVecTo(&step, &gradient); err != nil {
			return nil, err
		}
		loss = descend(x, labels, w, &step, loss)
		if mat.Norm(&step, math.Inf(1)) < closeTo {
			break
		}
	}
	return w.RawVector().Data, nil
}

func copyScaled(dst, src []float64, by float64) {
	for k, v := range src {
		dst[k] = v * by
	}
}

// descend goes along step from w, half of the way again and again while that does
// not make the loss smaller, and returns the loss there.
func descend(x *mat.Dense, labels []float64, w, step *mat.VecDense, before float64) float64 {
	from := mat.VecDenseCopyOf(w)
	for range 40 {
		w.SubVec(from, step)
		if now := lossOf(x, labels, w); now <= before {
			return now
		}
		step.ScaleVec(0.5, step)
	}
	w.CopyVec(from)
	return before
}

// lossOf is the penalised negative log likelihood.
func lossOf(x *mat.Dense, labels []float64, w *mat.VecDense) float64 {
	n, p := x.Dims()
	var logits mat.VecDense
	logits.MulVec(x, w)
	sum := 0.0
	for k := range p - 1 {
		sum += penalty * w.AtVec(k) * w.AtVec(k) / 2
	}
	for i := range n {
		z := logits.AtVec(i)
		sum += max(z, 0) - z*labels[i] + math.Log1p(math.Exp(-math.Abs(z)))
	}
	return sum
}
