package runner

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat"

	"lensbench/record"
)

func TestTheRunningMeanIsThatOfTheTextbook(t *testing.T) {
	values := []float64{0.31, 0.29, 0.35, -0.1, 0.3, 0.33}
	var m mean
	for i, v := range values {
		m.add(v)
		mu, sd := stat.MeanStdDev(values[:i+1], nil)
		se := sd / math.Sqrt(float64(i+1))
		if i == 0 {
			se = 0 // of one value: not known
		}
		if math.Abs(m.mean-mu) > 1e-15 || math.Abs(m.error()-se) > 1e-15 {
			t.Errorf("after %d values: %v ± %v; want %v ± %v", i+1, m.mean, m.error(), mu, se)
		}
	}
}

func TestAForecastEndsAtNothingLeft(t *testing.T) {
	cells := []record.Cell{smallCell("a", 2), smallCell("b", 3)}
	cells[1].Measure = append(cells[1].Measure, record.MemoryPeak)
	f := newForecast(cells, newState(nil))
	before, left := f.progress()
	if before != 0 || left <= 0 {
		t.Errorf("at the start %v is done, %v s are left", before, left)
	}
	for i, c := range cells {
		for range c.Plan.Restarts {
			f.startup(i, len(c.Arms))()
			f.block(i, 0.5)
			for range c.Plan.Blocks {
				f.blockDone(i, 0)
				if done, left := f.progress(); done < 0 || done > 1 || left < 0 {
					t.Errorf("%v is done, %v s are left", done, left)
				}
			}
		}
		for range memoryRestarts * len(c.Arms) {
			if i == 1 {
				f.passDone(i)
			}
		}
	}
	if done, left := f.progress(); math.Abs(done-1) > 1e-9 || left > 1e-9 {
		t.Errorf("at the end %v is done, %v s are left", done, left)
	}
}

// A resumed run's forecast knows what is done.
func TestAForecastOfAResumedRun(t *testing.T) {
	cells := []record.Cell{smallCell("a", 2), smallCell("b", 2)}
	st := newState(nil)
	for r := range cells[0].Plan.Restarts {
		for b := range cells[0].Plan.Blocks {
			st.apply(record.Entry{Kind: record.KindBlock, Cell: "a", Block: &record.BlockEntry{Restart: r, Block: b}})
		}
	}
	if done, _ := newForecast(cells, st).progress(); math.Abs(done-0.5) > 1e-9 {
		t.Errorf("%v is done of two equal cells, one of them complete", done)
	}
	st.apply(record.Entry{Kind: record.KindStatus, Cell: "b", Status: &record.StatusEntry{Status: record.Crash}})
	if done, _ := newForecast(cells, st).progress(); done != 1 {
		t.Errorf("%v is done, with one cell complete and one ended", done)
	}
}
