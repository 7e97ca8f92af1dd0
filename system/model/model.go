package model

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/nearest"
	"lensbench/system/graph"
	"lensbench/system/nn"
	"lensbench/torch"
)

// A backbone turns images into one vector each.
type backbone interface {
	// forward maps [N bands H W] to [N d] and leaves x to the caller.
	forward(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor
	// graph adds its operations on the images x and returns the node of [N d].
	graph(g *graph.Graph, x *graph.Node) *graph.Node
	// cost counts the operations for one square image of that side.
	cost(pixels int) Cost
	// activations estimates the bytes that one square image of that side leaves.
	activations(pixels int) int64
	// check says whether images of that size can be scored.
	check(height, width int) error
}

// kind is how a network is made.
type kind struct {
	name   string
	pixels int        // side of the images that it is meant for
	drop   nn.Dropout // before the head's linear layer
	within bool       // whether the backbone drops, too
	build  func(b *nn.Builder, bands int) (net backbone, features int)
	stack  func(b *nn.Builder, bands, networks int) (net backbone, features int) // several beside each other; nil: cannot be
}

var kinds = []kind{
	{"resnet18", 64, 0.5, false, resnet(stemChannels, 2, 2, 2, 2), resnets(stemChannels, 2, 2, 2, 2)},
	{"resnet34", 64, 0.5, false, resnet(stemChannels, 3, 4, 6, 3), resnets(stemChannels, 3, 4, 6, 3)},
	{"vit_b_16", vitPixels, 0.5, false, newViT, nil},
	{"light_transformer", 112, lightDrop, true, newLight, nil},
	{Tiny, 16, 0.5, false, resnet(4, 1, 1), resnets(4, 1, 1)},
}

// Tiny is a residual network of some 1,500 parameters, for tests of what is
// done with networks. It is not among Names.
const Tiny = "tiny"

// Names returns the networks that users choose from.
func Names() []string {
	var names []string
	for _, k := range kinds {
		if k.name != Tiny {
			names = append(names, k.name)
		}
	}
	return names
}

// A Model is a classifier.
type Model struct {
	Name   string
	Bands  int
	Pixels int // side of the images that it is meant for; others may work, see CheckSize
	Params *nn.Params

	kind     kind
	backbone backbone
	head     *nn.Linear
}

// New describes a network for images of that many bands. It has no weights
// until [nn.Params.Load].
func New(name string, bands int) (*Model, error) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return nil, unknown(name)
	}
	if bands < 1 {
		return nil, fmt.Errorf("%s for images of %d bands; want 1 or more", name, bands)
	}
	k, b := kinds[i], nn.NewBuilder()
	m := &Model{Name: name, Bands: bands, Pixels: k.pixels, Params: b.Params(), kind: k}
	var features int
	m.backbone, features = k.build(b.In("backbone"), bands)
	m.head = b.Linear("head.1", features, 1)
	return m, nil
}

func unknown(name string) error {
	hint := ""
	if near := nearest.Name(name, Names()); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return fmt.Errorf("unknown model %q, %sthere are %s", name, hint, strings.Join(Names(), ", "))
}

// Forward maps images [N bands H W] to logits [N] in evaluation mode. It frees
// its intermediate results and leaves x to the caller, as the others do.
func (m *Model) Forward(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return m.ForwardMode(sc, x, nn.Evaluation)
}

// ForwardMode maps images [N bands H W] to logits [N].
func (m *Model) ForwardMode(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := m.Features(sc, x, mode)
	return nn.Next(y, m.Head(sc, y, mode))
}

// Features maps images [N bands H W] to what the head sees of them, [N d].
func (m *Model) Features(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) (y *torch.Tensor) {
	sc.Tagged(torch.Activations, func() { y = m.backbone.forward(sc, x, mode) })
	return y
}

// Head maps features [N d] to logits [N].
func (m *Model) Head(sc *torch.Scope, features *torch.Tensor, mode nn.Mode) (y *torch.Tensor) {
	sc.Tagged(torch.Activations, func() { y = m.classify(sc, features, mode) })
	return y
}

func (m *Model) classify(sc *torch.Scope, features *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := m.kind.drop.Forward(sc, features, mode)
	if y == features {
		y = m.head.Forward(sc, features)
	} else {
		y = nn.Next(y, m.head.Forward(sc, y))
	}
	return nn.Next(y, sc.Squeeze(y, 1))
}

// Graph returns what Forward computes, as a graph. It needs no weights.
func (m *Model) Graph() *graph.Graph {
	g, x := graph.New()
	y := m.backbone.graph(g, x)
	y = g.Add(graph.Linear{Layer: m.head}, y)
	g.Add(graph.Logit{}, y)
	return g
}

// BackboneGraph returns what Features computes without dropout, as a graph.
func (m *Model) BackboneGraph() *graph.Graph {
	g, x := graph.New()
	m.backbone.graph(g, x)
	return g
}

// DropoutOnlyInHead says whether the features of an image are the same in every
// pass with dropout, as long as BatchNorm's statistics stay.
func (m *Model) DropoutOnlyInHead() bool { return !m.kind.within }

// CheckSize says whether images of that size can be scored.
func (m *Model) CheckSize(height, width int) error {
	if err := m.backbone.check(height, width); err != nil {
		return fmt.Errorf("%s: images of %d×%d pixels: %w", m.Name, height, width, err)
	}
	return nil
}

// A Cost is the multiply-adds for one image.
type Cost struct {
	Layers    int64 // convolutions and linear layers
	Attention int64 // the two matrix products of each attention
}

func (c Cost) plus(d Cost) Cost { return Cost{c.Layers + d.Layers, c.Attention + d.Attention} }

// FLOP returns the floating-point operations, two for a multiply-add.
func (c Cost) FLOP() float64 { return 2 * float64(c.Layers+c.Attention) }

// Cost counts the operations for one square image of that side, which
// CheckSize accepts.
func (m *Model) Cost(pixels int) Cost { return m.backbone.cost(pixels).plus(m.HeadCost()) }

// HeadCost counts those of the head alone.
func (m *Model) HeadCost() Cost { return Cost{Layers: m.head.MACs(1)} }
