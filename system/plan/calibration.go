package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"

	"lensbench/system/graph"
	"lensbench/system/model"
	"lensbench/system/safetensors"
	"lensbench/torch"
)

// A Calibration is the ranges of numbers that a network's operations had on images
// like those that it is for. It holds for the weights that it was made with alone.
type Calibration struct {
	Model  string
	Pixels int
	Images int    // that were seen
	Hash   string // SHA-256 of the weights, hexadecimal

	low, high []float32 // by the index of the graph's nodes
}

// ErrStale says that a calibration was made with other weights.
var ErrStale = errors.New("the calibration is stale")

// Observe calibrates a network whose weights are loaded with batches of images
// [N bands pixels pixels], at least one, which it frees.
func Observe(sc *torch.Scope, m *model.Model, batches func(yield func(*torch.Tensor) error) error) (*Calibration, error) {
	hash, err := hashOf(m)
	if err != nil {
		return nil, err
	}
	g := m.Graph()
	c := &Calibration{Model: m.Name, Hash: hash, low: make([]float32, len(g.Nodes)), high: make([]float32, len(g.Nodes))}
	err = batches(func(x *torch.Tensor) error {
		shape := x.Shape()
		c.Pixels, c.Images = int(shape[3]), c.Images+int(shape[0])
		return sc.Try(func(sc *torch.Scope) {
			g.Eval(sc, x, func(n *graph.Node, y *torch.Tensor) { c.see(sc, n, y) })
		})
	})
	if err == nil && c.Images == 0 {
		err = errors.New("calibration without an image")
	}
	return c, err
}

var opExtremes = torch.Named("aten::aminmax", "")

// see widens the range of a node.
func (c *Calibration) see(sc *torch.Scope, n *graph.Node, y *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		var v [2]float32
		for i, t := range sc.CallN(opExtremes, y) {
			if err := t.CopyFloat32(v[i : i+1]); err != nil {
				panic(err)
			}
		}
		c.low[n.Index], c.high[n.Index] = min(c.low[n.Index], v[0]), max(c.high[n.Index], v[1])
	})
}

// coding is that of a node's result.
func (c *Calibration) coding(n *graph.Node) *coding {
	return codingOf(float64(c.low[n.Index]), float64(c.high[n.Index]))
}

// check says why the calibration is none for m.
func (c *Calibration) check(m *model.Model) error {
	if c == nil {
		return fmt.Errorf("an int8 plan of %s takes a calibration, and there is none", m.Name)
	}
	if c.Model != m.Name {
		return fmt.Errorf("%w: it is of %s, the network is %s", ErrStale, c.Model, m.Name)
	}
	if n := len(m.Graph().Nodes); len(c.low) != n {
		return fmt.Errorf("%w: it has %d ranges, %s has %d operations", ErrStale, len(c.low), m.Name, n)
	}
	hash, err := hashOf(m)
	if err != nil {
		return err
	}
	if hash != c.Hash {
		return fmt.Errorf("%w: it was made with weights of SHA-256 %.12s…, these have %.12s…; calibrate again", ErrStale, c.Hash, hash)
	}
	return nil
}

// hashOf hashes the loaded weights.
func hashOf(m *model.Model) (string, error) {
	h := sha256.New()
	tensors := m.Params.Tensors()
	if err := safetensors.Write(h, nil, tensors); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Names in a file.
const (
	rangesName = "ranges"
	keyModel   = "model"
	keyPixels  = "pixels"
	keyImages  = "images"
	keyHash    = "weights_sha256"
)

// WriteFile writes the calibration as a sealed safetensors file: the ranges as one
// tensor [nodes 2], the rest as metadata.
func (c *Calibration) WriteFile(path string) error {
	metadata := map[string]string{keyModel: c.Model, keyPixels: strconv.Itoa(c.Pixels), keyImages: strconv.Itoa(c.Images), keyHash: c.Hash}
	ranges := safetensors.Source{Name: rangesName, DType: safetensors.F32, Shape: []int{len(c.low), 2}, Float: func(dst []float32) error {
		for i := range c.low {
			dst[2*i], dst[2*i+1] = c.low[i], c.high[i]
		}
		return nil
	}}
	return safetensors.WriteSealedFile(path, metadata, []safetensors.Source{ranges})
}

// ReadCalibration reads what WriteFile wrote.
func ReadCalibration(path string) (*Calibration, error) {
	f, err := safetensors.OpenSealed(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := &Calibration{Model: f.Metadata[keyModel], Hash: f.Metadata[keyHash]}
	if c.Pixels, err = strconv.Atoi(f.Metadata[keyPixels]); err == nil {
		c.Images, err = strconv.Atoi(f.Metadata[keyImages])
	}
	info, ok := f.Lookup(rangesName)
	if err != nil || !ok || len(info.Shape) != 2 || info.Shape[1] != 2 {
		return nil, fmt.Errorf("%s: not a calibration: want a tensor %q [nodes 2], and %s and %s as metadata", path, rangesName, keyPixels, keyImages)
	}
	ranges := make([]float32, 2*info.Shape[0])
	if err := f.ReadFloat32(rangesName, ranges); err != nil {
		return nil, err
	}
	for i := 0; i < len(ranges); i += 2 {
		if low, high := float64(ranges[i]), float64(ranges[i+1]); !(low <= high) || math.IsInf(low, 0) || math.IsInf(high, 0) {
			return nil, fmt.Errorf("%s: range %d is %g to %g", path, i/2, low, high)
		}
		c.low, c.high = append(c.low, ranges[i]), append(c.high, ranges[i+1])
	}
	return c, nil
}
