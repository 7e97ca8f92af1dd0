package model

// What a forward pass leaves for the backward pass. It is an estimate, for plans
// that are made before anything is computed: a test holds it against the exact count.

const floatBytes = 4

// ActivationBytes estimates the bytes that a training pass in float32 keeps for one
// square image of that side, which CheckSize accepts, until its backward pass.
func (m *Model) ActivationBytes(pixels int) int64 {
	return m.backbone.activations(pixels)
}

// activations: a convolution keeps its input, which is another's output, a
// normalisation too; ReLU in place its output; pooling where its maxima were.
func (t *trunk) activations(n int) int64 {
	const indexBytes = 8
	channels := int64(t.conv.Out)
	n = t.conv.Size(n)
	sum := 2 * floatBytes * channels * area(n)
	n = pooled(n)
	sum += (floatBytes + indexBytes) * channels * area(n)
	for _, l := range t.blocks {
		n = l.conv1.Size(n)
		maps := int64(4)
		if l.shortcut != nil {
			maps++
		}
		sum += maps * floatBytes * int64(l.conv1.Out) * area(n)
	}
	return sum
}

func area(n int) int64 { return int64(n) * int64(n) }

func (r residual) activations(n int) int64 { return r.trunk.activations(n) }

// activations for a sequence of n vectors: both normalisations keep what goes in and
// what comes out, attention its three inputs and its output in two orders, the
// perceptron both sides of its activation.
func (l *block) activations(n int) int64 {
	dim, hidden := int64(l.attention.Dim()), int64(l.expand.Features())
	floats := 8*dim + 2*hidden
	bytes := floatBytes * floats
	if l.drop > 0 { // results, and a byte for each to say what was dropped
		bytes += (floatBytes+1)*(dim+hidden) + dim + floatBytes*dim
	}
	return int64(n) * bytes
}

func (l *light) activations(pixels int) int64 {
	tokens := l.side(pixels) * l.side(pixels)
	sum := l.trunk.activations(pixels) + 4*floatBytes*lightDim*int64(tokens)
	for _, b := range l.blocks {
		sum += b.activations(tokens)
	}
	return sum
}

func (v *vit) activations(int) int64 {
	sum := int64(3 * floatBytes * vitDim * vitTokens)
	for _, l := range v.layers {
		sum += l.activations(vitTokens)
	}
	return sum
}
