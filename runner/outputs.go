package runner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/progress"
)

// When outputs are compared: before the first block of a cell, and, on the
// very processes that were timed, after the last.
const (
	before = "before"
	after  = "after"
)

// unchecked says whether outputs are still to be compared.
func (c *cellRun) unchecked(when string) bool {
	if c.cell.Equal == nil {
		return false
	}
	return slices.ContainsFunc(c.arms, func(a *arm) bool { return !c.state.checked[check{a.Name, when}] })
}

// check compares the outputs of every arm with the control's. An arm whose
// outputs differ is dropped: how fast it computes something else is no answer.
func (c *cellRun) check(r int, when string) error {
	var want []protocol.Number
	var shape []int
	return c.each(c.inOrder(), r, func(a *arm) error {
		c.show(progress.Checking, a)
		out, err := c.outputs(a)
		if err != nil {
			return err
		}
		if a.index == 0 {
			want, shape = out.Values, out.Shape
		}
		worst := math.NaN()
		if slices.Equal(out.Shape, shape) {
			worst = worstDifference(out.Values, want)
		}
		equal := worst <= c.cell.Equal.Tolerance
		err = c.append(record.Entry{Kind: record.KindOutputs, Cell: c.cell.ID, Outputs: &record.OutputEntry{
			Arm: a.Name, Restart: r, When: when, Digest: out.Digest, Shape: out.Shape,
			Worst: protocol.Number(worst), Pass: equal}})
		if err != nil || equal {
			return err
		}
		return a.w.blame(failf(record.QualityFail, "%s", c.mismatch(out.Shape, shape, worst)))
	})
}

func (c *cellRun) mismatch(got, want []int, worst float64) string {
	switch {
	case !slices.Equal(got, want):
		return fmt.Sprintf("%s have shape %v, the control's %v", c.cell.Equal.Output, got, want)
	case math.IsNaN(worst):
		return c.cell.Equal.Output + " are not finite numbers"
	}
	return fmt.Sprintf("%s differ from the control's by up to %.3g; the tolerance is %g", c.cell.Equal.Output, worst, c.cell.Equal.Tolerance)
}

// outputs asks an arm for its outputs and checks that they are what they claim.
func (c *cellRun) outputs(a *arm) (protocol.Outputs, error) {
	resp, err := a.w.ask(protocol.Request{Op: protocol.OpVerify})
	if err != nil {
		return protocol.Outputs{}, err
	}
	out := *resp.Outputs
	size := 1
	for _, n := range out.Shape {
		size *= n
	}
	if size != len(out.Values) || size == 0 && a.Settings.Kind != "null" {
		return out, a.w.blame(failf(record.Invalid, "worker sent %d output values of shape %v", len(out.Values), out.Shape))
	}
	if d := digest(out.Values); d != out.Digest && finite(out.Values) {
		return out, a.w.blame(failf(record.Invalid, "worker's digest of its outputs is %.12s…, but they digest to %.12s…", out.Digest, d))
	}
	return out, nil
}

// finite says whether all values are. A NaN has many bit patterns and JSON
// carries none of them, so a digest over one cannot be checked.
func finite(values []protocol.Number) bool {
	return !slices.ContainsFunc(values, func(v protocol.Number) bool {
		return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)
	})
}

// digest is the SHA-256 of the values as little-endian float32.
func digest(values []protocol.Number) string {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// worstDifference is the largest |a−b| / max(1, |b|) of two lists of the same
// length. Anything that is not finite in either makes it NaN, which no
// tolerance admits.
func worstDifference(a, b []protocol.Number) float64 {
	worst := 0.0
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		d := math.Abs(x-y) / max(1, math.Abs(y))
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return math.NaN()
		}
		worst = max(worst, d)
	}
	return worst
}
