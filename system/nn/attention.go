package nn

import "lensbench/torch"

// An Attention is multi-head self-attention with one projection for queries,
// keys and values together.
type Attention struct {
	heads, dim int
	in, out    *Linear
}

// Attention adds a layer named as in networks that write their own: in.weight,
// in.bias, out.weight, out.bias.
func (b *Builder) Attention(in, out string, dim, heads int) *Attention {
	return &Attention{heads: heads, dim: dim, in: b.Linear(in, dim, 3*dim), out: b.Linear(out, dim, dim)}
}

// MultiheadAttention adds a layer named as PyTorch's nn.MultiheadAttention:
// in_proj_weight, in_proj_bias, out_proj.weight, out_proj.bias.
func (b *Builder) MultiheadAttention(name string, dim, heads int) *Attention {
	b = b.In(name)
	return &Attention{heads: heads, dim: dim, in: b.linear("in_proj_", dim, 3*dim), out: b.Linear("out_proj", dim, dim)}
}

// Forward maps [N L dim] to the same shape.
func (a *Attention) Forward(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	y := a.in.Forward(sc, x)
	y = Next(y, a.Mix(sc, y))
	return Next(y, a.out.Forward(sc, y))
}

// In returns the projection to queries, keys and values.
func (a *Attention) In() *Linear { return a.in }

// Out returns the projection of what Mix returns.
func (a *Attention) Out() *Linear { return a.out }

// Heads returns the number of heads.
func (a *Attention) Heads() int { return a.heads }

// Mix attends: [N L 3·dim], with queries, keys and values one after another and
// heads within each, to [N L dim].
func (a *Attention) Mix(sc *torch.Scope, qkv *torch.Tensor) (y *torch.Tensor) {
	shape := qkv.Shape()
	n, l := shape[0], shape[1]
	sc.Scoped(func(sc *torch.Scope) {
		parts := sc.Permute(sc.View(qkv, n, l, 3, int64(a.heads), int64(a.dim/a.heads)), 2, 0, 3, 1, 4)
		y = sc.ScaledDotProductAttention(sc.Select(parts, 0, 0), sc.Select(parts, 0, 1), sc.Select(parts, 0, 2))
		y = sc.Keep(sc.Reshape(sc.Transpose(y, 1, 2), n, l, int64(a.dim)))
	})
	return y
}

// MACs returns the multiply-adds for a sequence of n vectors in the projections,
// and in the two products of attention itself.
func (a *Attention) MACs(n int) (projections, products int64) {
	return a.in.MACs(n) + a.out.MACs(n), 2 * int64(n) * int64(n) * int64(a.dim)
}

// Dim returns the number of features of a vector.
func (a *Attention) Dim() int { return a.dim }
