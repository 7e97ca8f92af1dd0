package train

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"lensbench/system/nn"
	"lensbench/torch"
)

// TraceName is the file of a run's trace: JSON objects, one a line, first a
// [TraceNames], then a [TraceLine] for each step.
const TraceName = "trace.jsonl"

// Kinds of lines of a trace.
const (
	namesLine = "parameters"
	traceLine = "trace"
)

// TraceNames begins a trace.
type TraceNames struct {
	Place
	Names []string `json:"names"` // of the trained parameters, in the order of the digests
}

// A TraceLine is what one step has left, in digests: equal digests are equal
// bytes, as far as 64 bits can tell. Of several ranks it is what rank 0 has, with the
// mean gradients and the weights that all have, but the loss of its own images.
type TraceLine struct {
	Place
	Loss      string  `json:"loss"`      // with all digits of a float32; a word if it is not finite
	Gradients Digests `json:"gradients"` // before unscaling and clipping
	Weights   Digests `json:"weights"`   // after the step
}

// Digests are 64-bit xxHash digests of float32 values, one for each trained
// parameter. In JSON they are one hexadecimal string.
type Digests []uint64

// MarshalText returns 16 hexadecimal digits for each digest.
func (d Digests) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 8*len(d))
	for _, v := range d {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return hex.AppendEncode(nil, b), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Digests) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	*d = make(Digests, len(b)/8)
	for i := range *d {
		(*d)[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return nil
}

// A tracer writes the trace of a run. Unlike everything else here it reads from
// the device in every step. Nil writes none.
type tracer struct {
	*journal
	params []*nn.Param // those that are trained
	floats []float32
	bytes  []byte
	line   TraceLine // of the step in work
}

// openTracer begins the trace of a run, or goes on with it where the run is now.
// It returns nil if none is wanted and none was begun.
func (r *run) openTracer(resumed bool) (*tracer, error) {
	path := r.dir.file(TraceName)
	if _, err := os.Stat(path); !r.Trace && (!resumed || err != nil) {
		return nil, nil
	}
	j, err := resumeJournal(path, &r.state)
	if err != nil {
		return nil, err
	}
	t := &tracer{journal: j, params: r.model.Params.Trained()}
	if end, err := j.f.Seek(0, 1); err != nil || end > 0 {
		return t, err
	}
	names := TraceNames{Place: r.place(namesLine)}
	for _, p := range t.params {
		names.Names = append(names.Names, p.Name)
	}
	return t, j.write(names)
}

// gradients notes the gradients that the backward pass has left.
func (t *tracer) gradients(sc *torch.Scope) error {
	if t == nil {
		return nil
	}
	t.line.Gradients = t.line.Gradients[:0]
	for _, p := range t.params {
		g := sc.Grad(p.T())
		if g == nil {
			t.line.Gradients = append(t.line.Gradients, 0)
			continue
		}
		d, err := t.digest(g)
		if err != nil {
			return err
		}
		t.line.Gradients = append(t.line.Gradients, d)
	}
	return nil
}

// step notes the loss and the weights after a step, and writes its line.
func (t *tracer) step(at Place, loss *torch.Tensor) error {
	if t == nil {
		return nil
	}
	var value [1]float32
	if err := loss.CopyFloat32(value[:]); err != nil {
		return err
	}
	t.line.Place, t.line.Weights = at, t.line.Weights[:0]
	t.line.Loss = strconv.FormatFloat(float64(value[0]), 'g', -1, 32)
	for _, p := range t.params {
		d, err := t.digest(p.T())
		if err != nil {
			return err
		}
		t.line.Weights = append(t.line.Weights, d)
	}
	return t.write(t.line)
}

// digest returns the digest of a tensor's values, little-endian.
func (t *tracer) digest(x *torch.Tensor) (uint64, error) {
	n := int(x.Numel())
	if cap(t.floats) < n {
		t.floats, t.bytes = make([]float32, n), make([]byte, 4*n)
	}
	floats, bytes := t.floats[:n], t.bytes[:4*n]
	if err := x.CopyFloat32(floats); err != nil {
		return 0, err
	}
	for i, v := range floats {
		binary.LittleEndian.PutUint32(bytes[4*i:], math.Float32bits(v))
	}
	return xxhash.Sum64(bytes), nil
}

func (t *tracer) end() {
	if t != nil {
		t.close()
	}
}
