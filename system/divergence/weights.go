package divergence

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"lensbench/protocol"
	"lensbench/system/safetensors"
	"lensbench/system/train"
	"lensbench/system/trained"
)

// A Tensor is one that two files have with other values.
type Tensor struct {
	Name    string          `json:"name"`
	Largest protocol.Number `json:"largest"` // absolute difference; +Inf where one of two values is not finite
	Values  int             `json:"values"`  // that differ
	Of      int             `json:"of"`      // all values
}

// compareWeights compares the weights of the trained networks; of runs that have
// not ended both, those of the last checkpoints.
func compareWeights(r *Report) error {
	for _, name := range []string{trained.WeightsName, train.LastName} {
		if r.both(name) {
			r.Weights = name
			break
		}
	}
	if r.Weights == "" {
		return nil
	}
	nameA, nameB := r.files(r.Weights)
	a, err := safetensors.Open(nameA)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := safetensors.Open(nameB)
	if err != nil {
		return err
	}
	defer b.Close()
	return r.compareTensors(a, b)
}

func (r *Report) compareTensors(a, b *safetensors.File) error {
	for _, info := range a.Tensors() {
		if info.DType != safetensors.F32 {
			continue // counters, and the state of a generator
		}
		other, ok := b.Lookup(info.Name)
		if !ok || !slices.Equal(other.Shape, info.Shape) {
			return fmt.Errorf("%s: tensor %q of shape %v is not in %s", a.Name(), info.Name, info.Shape, b.Name())
		}
		x, y := make([]float32, info.Len()), make([]float32, info.Len())
		if err := a.ReadFloat32(info.Name, x); err != nil {
			return err
		}
		if err := b.ReadFloat32(info.Name, y); err != nil {
			return err
		}
		r.Tensors++
		if t := tensor(info.Name, x, y); t.Values > 0 {
			r.Different = append(r.Different, t)
		}
	}
	slices.SortStableFunc(r.Different, func(a, b Tensor) int { return cmp.Compare(b.Largest, a.Largest) })
	return nil
}

func tensor(name string, x, y []float32) Tensor {
	t := Tensor{Name: name, Of: len(x)}
	for i := range x {
		if math.Float32bits(x[i]) == math.Float32bits(y[i]) {
			continue
		}
		t.Values++
		d := math.Abs(float64(x[i]) - float64(y[i]))
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		t.Largest = max(t.Largest, protocol.Number(d))
	}
	return t
}
