package runner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/progress"
	"lensbench/verdict"
)

// When outputs are compared: before the first block of a cell, and, on the
// very processes that were timed, after the last of a restart.
const (
	before = "before"
	after  = "after"
)

// cheapCheck is the share of a restart's blocks that comparing outputs may add
// to be done in every restart; what takes longer is done after the last alone.
var cheapCheck = 0.1 // other in tests

// unchecked says whether outputs are still to be compared.
func (c *cellRun) unchecked(when string, r int) bool {
	if c.cell.Equal == nil {
		return false
	}
	return slices.ContainsFunc(c.arms, func(a *arm) bool { return !c.state.checked[checkOf(a.Name, when, r)] })
}

// checksAfter says whether outputs are to be compared at the end of a restart.
func (c *cellRun) checksAfter(r int) bool {
	c.over[r+1] = c.outOfTime(r + 1)
	return c.unchecked(after, r) && (c.endsAfter(r) || c.checkIsCheap())
}

func (c *cellRun) checkIsCheap() bool {
	sum := 0.0
	for _, a := range c.arms {
		sum += c.state.verify[a.Name]
	}
	return sum <= cheapCheck*float64(c.cell.Plan.Blocks)*c.blockSeconds(c.state.iterations)
}

// check compares the outputs of every arm with the control's. An arm whose
// outputs differ is dropped: how fast it computes something else is no answer.
func (c *cellRun) check(r int, when string) error {
	var control protocol.Outputs
	return c.each(c.inOrder(), r, func(a *arm) error {
		c.show(progress.Checking, a)
		began := time.Now()
		out, err := c.outputs(a)
		if err != nil {
			return err
		}
		took := time.Since(began).Seconds()
		if a.index == 0 {
			control = out
		}
		worst, why := difference(*c.cell.Equal, out, control)
		drift := driftOf(*c.cell.Equal, out, control)
		if why != "" && when == after {
			why += fmt.Sprintf("; found after the timing of restart %d", r+1)
		}
		err = c.append(record.Entry{Kind: record.KindOutputs, Cell: c.cell.ID, Outputs: &record.OutputEntry{
			Arm: a.Name, Restart: r, When: when, Digest: out.Digest, Shape: out.Shape,
			Worst: protocol.Number(worst), Pass: why == "", Why: why, Seconds: took, Drift: drift}})
		if err != nil || why == "" {
			return err
		}
		return a.w.blame(failf(record.QualityFail, "%s", why))
	})
}

// outputs asks an arm for its outputs and checks that they are what they claim.
func (c *cellRun) outputs(a *arm) (protocol.Outputs, error) {
	out, err := c.verify(a)
	if err != nil {
		return out, err
	}
	if c.cell.Equal.Rule == record.RuleDigest && len(out.Values) == 0 {
		if d := digestOfParts(out.Digests); len(out.Digests) == 0 || d != out.Digest {
			return out, a.w.blame(failf(record.Invalid, "worker's digest of its %d digests is %.12s…, but they digest to %.12s…", len(out.Digests), out.Digest, d))
		}
		return out, nil
	}
	size := 1
	for _, n := range out.Shape {
		size *= n
	}
	if size != len(out.Values) || size == 0 && a.Settings.Kind != "null" {
		return out, a.w.blame(failf(record.Invalid, "worker sent %d output values of shape %v", len(out.Values), out.Shape))
	}
	if n := seeds(out); c.cell.Equal.Rule == record.RuleSeedBand && n < verdict.MinSeeds {
		return out, a.w.blame(failf(record.Invalid, "worker sent %s of %d seeds; a seed-to-seed band needs %d", c.cell.Equal.Output, n, verdict.MinSeeds))
	}
	if d := digest(out.Values); d != out.Digest && finite(out.Values) {
		return out, a.w.blame(failf(record.Invalid, "worker's digest of its outputs is %.12s…, but they digest to %.12s…", out.Digest, d))
	}
	return out, nil
}

// verify asks for the outputs that the cell's check is about. A worker of an
// older build does not know that they can be asked for.
func (c *cellRun) verify(a *arm) (protocol.Outputs, error) {
	req := protocol.Request{Op: protocol.OpVerify}
	if name := c.cell.Equal.Output; !protocol.DefaultCheck(name) {
		req.Verify = &protocol.VerifyRequest{Check: name}
		if s := c.cell.Equal.Scores; s != nil {
			req.Verify.Survey, req.Verify.Images = s.Survey, s.Images
		}
	}
	resp, err := a.w.ask(req)
	var f *failure
	if errors.As(err, &f) && f.kind == protocol.BadRequest && req.Verify != nil {
		f.status, f.reason = record.Incomparable, fmt.Sprintf("this build of the worker cannot be asked for %s: %s", req.Verify.Check, f.reason)
	}
	if err != nil {
		return protocol.Outputs{}, err
	}
	return *resp.Outputs, nil
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

// digestOfParts is the SHA-256 of digests as text, each with a newline.
func digestOfParts(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n") + "\n"))
	return hex.EncodeToString(sum[:])
}
