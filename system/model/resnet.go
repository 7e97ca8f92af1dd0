package model

import (
	"errors"
	"fmt"

	"lensbench/system/nn"
	"lensbench/torch"
)

// A trunk is a residual network without its pooling: a stem that shrinks
// images to a quarter, and stages of blocks, each after the first of which
// halves the map and doubles the channels.
type trunk struct {
	conv   *nn.Conv2D
	bn     *nn.BatchNorm
	blocks []*basicBlock
	chain  nn.Chain // of the blocks
}

// stemChannels is the width of the stem and of the first stage.
const stemChannels = 64

// newTrunk makes a trunk whose stem has that many channels, with blocks[i] blocks
// in stage i.
func newTrunk(b *nn.Builder, bands, channels int, blocks ...int) *trunk {
	return newTrunks(b, bands, 1, channels, blocks...)
}

// newTrunks makes that many trunks beside each other, which see the same images: one of
// as many times the channels, which do not mix.
func newTrunks(b *nn.Builder, bands, trunks, channels int, blocks ...int) *trunk {
	channels *= trunks
	t := &trunk{
		conv: b.Conv2D("conv1", nn.Conv2D{In: bands, Out: channels, Kernel: 7, Stride: 2, Padding: 3}),
		bn:   b.BatchNorm("bn1", channels),
	}
	in := channels
	for stage, n := range blocks {
		out := channels << stage
		var layers []nn.Layer
		for i := range n {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			part := b.In(fmt.Sprintf("layer%d.%d", stage+1, i))
			block := newBasicBlock(part, in, out, stride, trunks)
			t.blocks, layers = append(t.blocks, block), append(layers, block.forward)
			in = out
		}
		t.chain = append(t.chain, layers)
	}
	return t
}

// pooled is the side of a map of side n after the stem's 3×3 max-pooling of
// stride 2.
func pooled(n int) int { return (n+2-3)/2 + 1 }

// forward maps [N bands H W] to a map of the last stage's channels.
func (t *trunk) forward(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := t.stem(sc, x, mode)
	return t.chain.Next(sc, y, mode)
}

// stemPool halves the map.
var stemPool = torch.Pool{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: [2]int{1, 1}}

func (t *trunk) stem(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	if mode.Checkpoint != nn.KeepAll {
		return t.checkpointedStem(sc, x, mode)
	}
	y := t.conv.Forward(sc, x)
	y = nn.Next(y, t.bn.Forward(sc, y, mode))
	sc.ReLUInPlace(y)
	return nn.Next(y, sc.MaxPool2D(y, stemPool))
}

// stemParts is the number of parts that a checkpointed stem works on.
const stemParts = 4

// checkpointedStem is stem as one segment, whatever the policy. Its maps are four
// times as large as those of the first stage, and made again as they are they would
// be the peak of the whole pass: going back through BatchNorm alone, libtorch has four
// of them at once. So a part of the channels is normalised and pooled at a time, and
// ReLU comes after the pooling, where it works on a quarter. Outputs and gradients
// stay the same to the bit: channels do not mix here, and what is largest in a
// window is so after ReLU, or all there is 0 and its gradient, too.
func (t *trunk) checkpointedStem(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	mode.Checkpoint = nn.EveryBlock
	return nn.Chain{{t.stemByParts}}.Forward(sc, x, mode)
}

func (t *trunk) stemByParts(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := t.conv.Forward(sc, x)
	channels := t.conv.Out / stemParts
	parts := sc.Split(y, 1, int64(channels))
	for i, view := range parts {
		parts[i] = nn.Next(view, sc.Clone(view)) // dense, in y's layout: BatchNorm's kernel depends on both
	}
	y.Free()
	for i, z := range parts {
		z = nn.Next(z, t.bn.Channels(sc, z, mode, i*channels))
		z = nn.Next(z, sc.MaxPool2D(z, stemPool))
		parts[i] = sc.ReLUInPlace(z)
	}
	return sc.Cat(1, parts...)
}

// size is the side of the map made of images of side n.
func (t *trunk) size(n int) int {
	n = pooled(t.conv.Size(n))
	for _, block := range t.blocks {
		n = block.conv1.Size(n)
	}
	return n
}

func (t *trunk) macs(n int) int64 {
	sum := t.conv.MACs(n)
	n = pooled(t.conv.Size(n))
	for _, block := range t.blocks {
		sum += block.macs(n)
		n = block.conv1.Size(n)
	}
	return sum
}

// A basicBlock is two convolutions beside a shortcut.
type basicBlock struct {
	conv1, conv2 *nn.Conv2D
	bn1, bn2     *nn.BatchNorm
	shortcut     *nn.Conv2D // nil: the block's input itself
	shortcutNorm *nn.BatchNorm
}

func newBasicBlock(b *nn.Builder, in, out, stride, groups int) *basicBlock {
	l := &basicBlock{
		conv1: b.Conv2D("conv1", nn.Conv2D{In: in, Out: out, Kernel: 3, Stride: stride, Padding: 1, Groups: groups}),
		bn1:   b.BatchNorm("bn1", out),
		conv2: b.Conv2D("conv2", nn.Conv2D{In: out, Out: out, Kernel: 3, Stride: 1, Padding: 1, Groups: groups}),
		bn2:   b.BatchNorm("bn2", out),
	}
	if in != out || stride != 1 {
		l.shortcut = b.Conv2D("downsample.0", nn.Conv2D{In: in, Out: out, Kernel: 1, Stride: stride, Groups: groups})
		l.shortcutNorm = b.BatchNorm("downsample.1", out)
	}
	return l
}

func (l *basicBlock) forward(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := l.conv1.Forward(sc, x)
	y = nn.Next(y, l.bn1.Forward(sc, y, mode))
	sc.ReLUInPlace(y)
	y = nn.Next(y, l.conv2.Forward(sc, y))
	y = nn.Next(y, l.bn2.Forward(sc, y, mode))
	if l.shortcut == nil {
		return sc.ReLUInPlace(sc.AddInPlace(y, x))
	}
	identity := l.shortcut.Forward(sc, x)
	identity = nn.Next(identity, l.shortcutNorm.Forward(sc, identity, mode))
	sc.AddInPlace(y, identity)
	identity.Free()
	return sc.ReLUInPlace(y)
}

func (l *basicBlock) macs(n int) int64 {
	sum := l.conv1.MACs(n) + l.conv2.MACs(l.conv1.Size(n))
	if l.shortcut != nil {
		sum += l.shortcut.MACs(n)
	}
	return sum
}

// A residual is a trunk with global average pooling.
type residual struct{ *trunk }

// resnet returns the maker of a residual network whose stem has that many
// channels, with blocks[i] blocks in stage i.
func resnet(channels int, blocks ...int) func(b *nn.Builder, bands int) (backbone, int) {
	return func(b *nn.Builder, bands int) (backbone, int) {
		return resnets(channels, blocks...)(b, bands, 1)
	}
}

// resnets returns the maker of several such networks beside each other. The features of
// one follow those of the one before.
func resnets(channels int, blocks ...int) func(b *nn.Builder, bands, networks int) (backbone, int) {
	return func(b *nn.Builder, bands, networks int) (backbone, int) {
		return residual{newTrunks(b, bands, networks, channels, blocks...)}, channels << (len(blocks) - 1)
	}
}

func (r residual) forward(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := r.trunk.forward(sc, x, mode)
	y = nn.Next(y, sc.AdaptiveAvgPool2D(y, 1, 1))
	return nn.Next(y, sc.Flatten(y, 1, -1))
}

func (r residual) cost(pixels int) Cost { return Cost{Layers: r.macs(pixels)} }

func (residual) check(height, width int) error {
	if height < 1 || width < 1 {
		return errors.New("want at least 1×1")
	}
	return nil
}
