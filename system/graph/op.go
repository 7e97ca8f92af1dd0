package graph

import (
	"lensbench/system/nn"
	"lensbench/torch"
)

// Operations. N is the batch, C channels, H and W height and width, L the length of
// a sequence, D features.
type (
	// Input is the images [N C H W].
	Input struct{}
	// Conv is a convolution, of [N C H W].
	Conv struct{ Layer *nn.Conv2D }
	// BatchNorm normalises channels, of [N C H W].
	BatchNorm struct{ Layer *nn.BatchNorm }
	// ReLU is max(x, 0).
	ReLU struct{}
	// GELU is x Φ(x).
	GELU struct{}
	// Add is the sum of two results of one shape.
	Add struct{}
	// MaxPool takes the largest of each window, of [N C H W].
	MaxPool struct{ Pool torch.Pool }
	// Average is the mean over the map: [N C H W] to [N C].
	Average struct{}
	// Sequence makes tokens of pixels: [N C H W] to [N H·W C].
	Sequence struct{}
	// Prefix puts a learned token before a sequence: [N L D] to [N L+1 D].
	Prefix struct{ Token *nn.Param }
	// Positions adds a learned array [1 L D] to a sequence [N L D].
	Positions struct{ Array *nn.Param }
	// GridPositions adds a learned grid [1 Side² D], row-major, to a sequence
	// [N L D] whose tokens are the pixels of the second operand [N D H W]: the grid
	// is resized to it.
	GridPositions struct {
		Array *nn.Param
		Side  int
	}
	// LayerNorm normalises vectors, of [N L D] or [N D].
	LayerNorm struct{ Layer *nn.LayerNorm }
	// Linear is a fully connected layer, of [N L D] or [N D].
	Linear struct{ Layer *nn.Linear }
	// Attend is attention of queries, keys and values [N L 3·D] in heads, to [N L D].
	Attend struct{ Layer *nn.Attention }
	// First is the first token: [N L D] to [N D].
	First struct{}
	// Mean is the mean over tokens: [N L D] to [N D].
	Mean struct{}
	// Logit drops the last dimension: [N 1] to [N].
	Logit struct{}
)

func (Input) operands() int         { return 0 }
func (Conv) operands() int          { return 1 }
func (BatchNorm) operands() int     { return 1 }
func (ReLU) operands() int          { return 1 }
func (GELU) operands() int          { return 1 }
func (Add) operands() int           { return 2 }
func (MaxPool) operands() int       { return 1 }
func (Average) operands() int       { return 1 }
func (Sequence) operands() int      { return 1 }
func (Prefix) operands() int        { return 1 }
func (Positions) operands() int     { return 1 }
func (GridPositions) operands() int { return 2 }
func (LayerNorm) operands() int     { return 1 }
func (Linear) operands() int        { return 1 }
func (Attend) operands() int        { return 1 }
func (First) operands() int         { return 1 }
func (Mean) operands() int          { return 1 }
func (Logit) operands() int         { return 1 }

func (Input) String() string           { return "input" }
func (o Conv) String() string          { return "conv " + o.Layer.Name() }
func (o BatchNorm) String() string     { return "batchnorm " + o.Layer.Name() }
func (ReLU) String() string            { return "relu" }
func (GELU) String() string            { return "gelu" }
func (Add) String() string             { return "add" }
func (MaxPool) String() string         { return "maxpool" }
func (Average) String() string         { return "average" }
func (Sequence) String() string        { return "sequence" }
func (o Prefix) String() string        { return "prefix " + o.Token.Name }
func (o Positions) String() string     { return "positions " + o.Array.Name }
func (o GridPositions) String() string { return "positions " + o.Array.Name }
func (o LayerNorm) String() string     { return "layernorm " + o.Layer.Name() }
func (o Linear) String() string        { return "linear " + o.Layer.Name() }
func (Attend) String() string          { return "attend" }
func (First) String() string           { return "first" }
func (Mean) String() string            { return "mean" }
func (Logit) String() string           { return "logit" }
