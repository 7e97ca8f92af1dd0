package runner

import (
	"fmt"
	"slices"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/verdict"
)

const (
	timePass   = protocol.PassTime
	memoryPass = protocol.PassMemory

	// memoryRestarts is how often a memory pass is made: byte counts repeat
	// exactly, or it shows. Where they do not, there are as many passes as the
	// plan has restarts.
	memoryRestarts = 2

	// maxIterations bounds a sample of very short iterations: each one's
	// duration is sent, and encoding them must stay small beside the work.
	maxIterations = 1000
)

// checkCells says what makes the cells impossible to measure.
func checkCells(cells []record.Cell) error {
	if len(cells) == 0 {
		return fmt.Errorf("no cells to measure")
	}
	seen := map[string]bool{}
	for _, c := range cells {
		if c.ID == "" || seen[c.ID] {
			return fmt.Errorf("scenario %s: cell ID %q is empty or not unique", c.Scenario, c.ID)
		}
		seen[c.ID] = true
		if err := checkCell(c); err != nil {
			return fmt.Errorf("scenario %s: %w", record.Name(c.Scenario, c.Point), err)
		}
	}
	return nil
}

func checkCell(c record.Cell) error {
	if len(c.Arms) == 0 {
		return fmt.Errorf("no arms")
	}
	names := map[string]bool{}
	for _, a := range c.Arms {
		if a.Name == "" || names[a.Name] {
			return fmt.Errorf("arm name %q is empty or not unique", a.Name)
		}
		names[a.Name] = true
	}
	switch p := c.Plan; {
	case p.Restarts < 1 || p.Blocks < 1:
		return fmt.Errorf("%d restarts of %d blocks; want at least 1 of each", p.Restarts, p.Blocks)
	case len(p.Looks) > 0 && !looksFit(p):
		return fmt.Errorf("looks after %v of %d restarts; want ascending numbers, the last being that of all restarts", p.Looks, p.Restarts)
	case !(p.Seconds >= 0):
		return fmt.Errorf("seconds is %v; want at least 0", p.Seconds)
	case p.Warmup < 0:
		return fmt.Errorf("warmup is %d; want at least 0", p.Warmup)
	case !(p.SampleSeconds > 0) || !(p.TimeLimit > 2*p.SampleSeconds):
		return fmt.Errorf("sample_seconds %v and time_limit %v; want positive times, the limit more than twice a sample", p.SampleSeconds, p.TimeLimit)
	}
	return nil
}

// looksFit says whether looks ascend and end with the last restart.
func looksFit(p record.Plan) bool {
	_, err := verdict.Spend(p.Looks, 0)
	return err == nil && p.Looks[len(p.Looks)-1] == p.Restarts
}

// iterationsFor is how many iterations make a sample of about the wanted
// length out of the slowest arm's iteration.
func iterationsFor(sample, slowest float64) int {
	if !(slowest > 0) {
		return 1
	}
	return max(1, int(min(maxIterations, sample/slowest+0.5)))
}

// countsEnergy says whether a cell has energy passes.
func countsEnergy(c record.Cell) bool { return slices.Contains(c.Measure, record.Energy) }

// countsMemory says whether a cell has memory passes.
func countsMemory(c record.Cell) bool { return slices.ContainsFunc(c.Measure, record.OfMemory) }
