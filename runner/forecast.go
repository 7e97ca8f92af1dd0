package runner

import (
	"time"

	"lensbench/record"
)

// A forecast estimates how long a run will take. It begins with guesses and
// replaces them by what it sees: how long an arm takes to start, on average,
// and how long a cell's blocks take, from its warm-up on.
type forecast struct {
	perArm float64 // s to start and warm up one arm
	arms   int     // started so far; 0: perArm is a guess
	cells  []cellForecast
}

// A cellForecast is what one cell costs and what of it is left.
type cellForecast struct {
	arms                   int
	block                  float64 // s
	starts, blocks, passes int     // in all; a start is of all arms, a pass of one
	leftStarts, leftBlocks int
	leftPasses             int

	seconds, spent float64 // of a plan that has only so much time; 0: it has not
}

const guessedStart = 3 // s, for a worker that loads libtorch

func newForecast(cells []record.Cell, st *state) *forecast {
	f := &forecast{perArm: guessedStart}
	for _, c := range cells {
		done := st.cell(c.ID)
		n := len(c.Arms)
		cf := cellForecast{arms: n, starts: c.Plan.Restarts, blocks: c.Plan.Restarts * c.Plan.Blocks,
			block: float64(n) * (2*c.Plan.SampleSeconds + gap.Seconds()), seconds: c.Plan.Seconds, spent: done.spent}
		if countsMemory(c) {
			cf.passes = memoryRestarts * n
		}
		if countsEnergy(c) {
			cf.passes += c.Plan.Restarts * n
		}
		if c.Profile {
			cf.passes += n
		}
		if !done.ended {
			cf.leftStarts, cf.leftBlocks, cf.leftPasses = cf.starts, cf.blocks, cf.passes-len(done.memory)-len(done.energy)-len(done.profiled)
			for r := range c.Plan.Restarts {
				cf.leftBlocks -= done.next[r]
				if done.next[r] >= c.Plan.Blocks {
					cf.leftStarts--
				}
			}
		}
		f.cells = append(f.cells, cf)
	}
	return f
}

// startup is called when the arms of a cell start; the function that it
// returns, when they are warm.
func (f *forecast) startup(cell, arms int) (done func()) {
	began := time.Now()
	return func() {
		f.perArm = (f.perArm*float64(f.arms) + time.Since(began).Seconds()) / float64(f.arms+arms)
		f.arms += arms
		f.cells[cell].leftStarts--
	}
}

func (f *forecast) block(cell int, seconds float64) { f.cells[cell].block = seconds }
func (f *forecast) passDone(cell int)               { f.cells[cell].leftPasses = max(0, f.cells[cell].leftPasses-1) }

// blockDone is called after a block, with the seconds that the cell has taken.
func (f *forecast) blockDone(cell int, spent float64) {
	f.cells[cell].leftBlocks--
	f.cells[cell].spent = spent
}

// allow is called when a cell of a limited time begins, with that time.
func (f *forecast) allow(cell int, seconds float64) { f.cells[cell].seconds = seconds }

// finish is called when a cell ends, in whatever way.
func (f *forecast) finish(cell int) {
	c := &f.cells[cell]
	c.leftStarts, c.leftBlocks, c.leftPasses, c.spent = 0, 0, 0, c.seconds
}

// progress returns the share of the run that is done and the seconds that are
// left.
func (f *forecast) progress() (done, left float64) {
	total := 0.0
	for _, c := range f.cells {
		if c.seconds > 0 {
			total += c.seconds
			left += max(0, c.seconds-c.spent)
			continue
		}
		total += f.cost(c, c.starts, c.blocks, c.passes)
		left += f.cost(c, c.leftStarts, c.leftBlocks, c.leftPasses)
	}
	if total == 0 {
		return 0, 0
	}
	return min(1, max(0, 1-left/total)), max(0, left)
}

func (f *forecast) cost(c cellForecast, starts, blocks, passes int) float64 {
	return f.perArm*float64(starts*c.arms+passes) + c.block*float64(blocks)
}
