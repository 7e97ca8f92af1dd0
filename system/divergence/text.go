package divergence

import (
	"fmt"
	"io"
	"math"
	"strings"

	"lensbench/system/train"
)

// shown is the number of tensors that are named.
const shown = 5

// Write says in words what a report found.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "A: %s\nB: %s\n", r.A, r.B)
	for _, s := range r.Settings {
		fmt.Fprintf(&b, "%s in B\n", s)
	}
	r.writeFirst(&b)
	if r.Journal != nil && r.First == nil {
		j := r.Journal
		fmt.Fprintf(&b, "journal: first differs within steps %d to %d: loss %.9g and %.9g, gradient norm %.9g and %.9g\n",
			j.After+1, j.Step, j.LossA, j.LossB, j.NormA, j.NormB)
	}
	r.writeWeights(&b)
	if r.Equal() {
		fmt.Fprintln(&b, "no difference")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeFirst(b *strings.Builder) {
	switch s := r.First; {
	case !r.Traced:
		fmt.Fprintf(b, "trace: not of both runs; lens train --trace writes one, which names the step and the parameter\n")
	case s == nil:
		fmt.Fprintf(b, "trace: equal in all %d steps that both runs have\n", r.Steps)
	case s.What == Loss:
		fmt.Fprintf(b, "trace: first differs at step %d, in its loss: %s and %s; gradients and weights before it are equal\n", s.Step, s.LossA, s.LossB)
	default:
		others := ""
		if s.Others > 0 {
			others = fmt.Sprintf(", and of %d others", s.Others)
		}
		fmt.Fprintf(b, "trace: first differs at step %d, in the %s of %s%s; the loss of the step is equal, %s\n", s.Step, s.What, s.Parameter, others, s.LossA)
	}
}

func (r *Report) writeWeights(b *strings.Builder) {
	name := strings.TrimSuffix(r.Weights, ".safetensors")
	switch {
	case r.Weights == "":
		fmt.Fprintf(b, "weights: neither %s nor %s is there in both runs\n", "weights.safetensors", train.LastName)
	case len(r.Different) == 0:
		fmt.Fprintf(b, "%s: all %d tensors are equal to the bit\n", name, r.Tensors)
	default:
		fmt.Fprintf(b, "%s: %d of %d tensors differ, most of all\n", name, len(r.Different), r.Tensors)
		for _, t := range r.Different[:min(shown, len(r.Different))] {
			largest := fmt.Sprintf("by up to %.3g", float64(t.Largest))
			if math.IsInf(float64(t.Largest), 0) {
				largest = "one of two values is not finite"
			}
			fmt.Fprintf(b, "  %s: %s, in %d of %d values\n", t.Name, largest, t.Values, t.Of)
		}
	}
}
