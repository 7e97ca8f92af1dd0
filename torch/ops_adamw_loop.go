package torch

var (
	opPowOfScalar = operator("aten::pow", "Scalar")
	opSqrt        = operator("aten::sqrt", "")
	opMulScalarIn = operator("aten::mul_", "Scalar")
	opLerpIn      = operator("aten::lerp_", "Scalar")
	opAddcmulIn   = operator("aten::addcmul_", "")
	opAddcdivIn   = operator("aten::addcdiv_", "")
)

// LoopAdamW makes the step of [Scope.FusedAdamW] weight by weight, by operators on
// whole tensors: what the fused kernel is compared with. It goes through the memory of
// each weight's four tensors several times where the kernel does so once. The results
// differ by rounding.
//
// GradScale and FoundInf are the kernel's alone: without it, only reading FoundInf
// back could skip a step.
func (sc *Scope) LoopAdamW(weights, grads, first, second, steps []*Tensor, o AdamW) {
	for _, list := range [][]*Tensor{grads, first, second} {
		checkAlike(weights, list)
	}
	checkSteps(weights, steps)
	if o.GradScale != nil || o.FoundInf != nil {
		panic(&Error{Op: "AdamW by a loop", Kind: ErrInvalid, Message: "scaled gradients; only " + opFusedAdamW.name + " can skip a step that overflows"})
	}
	sc.NoGrad(func() {
		for i := range weights {
			sc.Scoped(func(sc *Scope) { sc.adamW(weights[i], grads[i], first[i], second[i], steps[i], o) })
		}
	})
}

// adamW changes one weight w by its gradient g, with moments m and v, at step t:
//
//	w ← w − rate·decay·w − rate · (m/c₁) / (√(v/c₂) + ε),  cₖ = 1 − βₖᵗ
//
// The last quotient is m / (√v · c₁/√c₂ + ε·c₁), so that corrections cost scalars and no
// further pass. They are in float64: 1 − 0.999ᵗ loses half of float32's digits.
func (sc *Scope) adamW(w, g, m, v, t *Tensor, o AdamW) {
	sc.begin(opAddScalarIn).tensor(t).float(1).do()
	c1, c2 := sc.correction(o.Beta1, t), sc.correction(o.Beta2, t)
	factor := sc.Div(c1, sc.begin(opSqrt).tensor(c2).one())
	if o.Decay != 0 {
		sc.begin(opMulScalarIn).tensor(w).float(1 - o.Rate*o.Decay).do()
	}
	sc.begin(opLerpIn).tensor(m).tensor(g).float(1 - o.Beta1).do()
	sc.begin(opMulScalarIn).tensor(v).float(o.Beta2).do()
	sc.begin(opAddcmulIn).tensor(v).tensor(g).tensor(g).float(1 - o.Beta2).do()
	d := sc.MulInPlace(sc.begin(opSqrt).tensor(v).one(), factor)
	sc.AddInPlace(d, sc.MulScalar(c1, o.Epsilon))
	sc.begin(opAddcdivIn).tensor(w).tensor(m).tensor(d).float(-o.Rate).do()
}

// correction is 1 − βᵗ, a float64 scalar.
func (sc *Scope) correction(beta float64, t *Tensor) *Tensor {
	t = sc.To(t, Float64)
	power := sc.begin(opPowOfScalar).float(beta).tensor(t).one()
	return sc.AddScalar(sc.MulScalar(power, -1), 1)
}
