package script

import (
	"fmt"

	"lensbench/system/fusion"
	"lensbench/torch"
)

// Fusion by operators, as package fusion does it by numbers: of samples [M K N], the
// logits of N images by M members in K > 1 passes with dropout, and temperatures [M].
// Each member's logit is the mean over its passes, with their variance (with K−1), both
// over its temperature; and the weights are the inverse variances.

// NewFusion returns the fusion as a script of the function forward, from samples and
// temperatures to logits [N] and their variances [N]. The caller frees it.
func NewFusion() (*torch.Script, error) {
	s, err := torch.NewScript("Fusion")
	if err != nil {
		return nil, err
	}
	if err := s.Define(fmt.Sprintf(fusionSource, float(fusion.Floor))); err != nil {
		s.Free()
		return nil, err
	}
	return s, nil
}

const fusionSource = `
def forward(self, samples, temperatures):
    t = torch.unsqueeze(temperatures, 1)
    mean = torch.div(torch.mean(samples, [1]), t)
    variance = torch.div(torch.var(samples, [1], unbiased=True), torch.mul(t, t))
    weight = torch.reciprocal(torch.clamp_min(variance, %s))
    total = torch.sum(weight, [0])
    logit = torch.div(torch.sum(torch.mul(weight, mean), [0]), total)
    return logit, torch.reciprocal(total)
`

// Operators of the fusion.
var (
	opDiv        = torch.Named("aten::div", "Tensor")
	opVariance   = torch.Named("aten::var", "dim")
	opReciprocal = torch.Named("aten::reciprocal", "")
	opClampMin   = torch.Named("aten::clamp_min", "")
	opSum        = torch.Named("aten::sum", "dim_IntList")
)

// Fuse is the fusion operator by operator.
func Fuse(sc *torch.Scope, samples, temperatures *torch.Tensor) (logit, variance *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		t := sc.Unsqueeze(temperatures, 1)
		mean := sc.Call(opDiv, sc.Mean(samples, 1), t)
		spread := sc.Call(opDiv, sc.Call(opVariance, samples, []int{1}, true), sc.Mul(t, t))
		weight := sc.Call(opReciprocal, sc.Call(opClampMin, spread, fusion.Floor))
		total := sc.Call(opSum, weight, []int{0})
		logit = sc.Keep(sc.Call(opDiv, sc.Call(opSum, sc.Mul(weight, mean), []int{0}), total))
		variance = sc.Keep(sc.Call(opReciprocal, total))
	})
	return logit, variance
}
