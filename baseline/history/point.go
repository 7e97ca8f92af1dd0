package history

import (
	"fmt"
	"math"
	"slices"
	"time"

	"lensbench/protocol"
	"lensbench/record"
)

// A Point is one metric on one night.
type Point struct {
	Night    time.Time `json:"night"`   // when its run began, UTC
	Run      string    `json:"run"`     // ID
	Machine  string    `json:"machine"` // ID
	Cell     string    `json:"cell"`    // ID: hash of what its arms run
	Name     string    `json:"name"`    // scenario and point of the matrix
	Metric   string    `json:"metric"`
	Arm      string    `json:"arm"`
	Anchor   string    `json:"anchor"`       // arm that it was measured beside
	Build    string    `json:"build"`        // of the arm's worker
	Fixed    string    `json:"anchor_build"` // of the anchor's worker
	Ratio    float64   `json:"ratio"`        // arm ÷ anchor
	Low      float64   `json:"low"`          // 99 % interval; Ratio if it has no end
	High     float64   `json:"high"`
	Restarts int       `json:"restarts"`
	Status   string    `json:"status"` // of its cell: a contaminated one is kept, since pairs withstand a lot
}

// A Series is what belongs together: one metric of one arm beside one build of
// the anchor, on one machine.
type Series struct {
	Machine, Cell, Metric, Arm, Anchor, Fixed string
}

// Series returns what the point belongs to.
func (p Point) Series() Series {
	return Series{p.Machine, p.Cell, p.Metric, p.Arm, p.Anchor, p.Fixed}
}

// Points are those of a run: every comparison that has a ratio and whose arms
// ended well. The control is the anchor.
func Points(run record.Run, entries []record.Entry, v record.Verdicts) []Point {
	builds := buildsOf(entries)
	var out []Point
	for _, cell := range v.Cells {
		for _, k := range cell.Comparisons {
			if !usable(k) || !endedWell(cell, k) {
				continue
			}
			p := Point{
				Night: run.Started.UTC().Truncate(time.Second), Run: run.ID, Machine: run.Machine.ID(), Cell: cell.Cell, Name: record.Name(cell.Scenario, cell.Point),
				Status: cell.Status, Metric: k.Metric, Arm: k.Variant, Anchor: k.Control, Ratio: k.Ratio, Low: k.Low, High: k.High, Restarts: k.Restarts,
				Build: builds[armOf{cell.Cell, k.Variant}], Fixed: builds[armOf{cell.Cell, k.Control}],
			}
			if !(p.Low > 0) || math.IsInf(p.High, 0) || math.IsNaN(p.High) {
				p.Low, p.High = p.Ratio, p.Ratio
			}
			out = append(out, p)
		}
	}
	return out
}

func usable(k record.Comparison) bool {
	return k.Ratio > 0 && !math.IsInf(k.Ratio, 0) && (k.Pairs > 0 || k.Exact)
}

func endedWell(cell record.CellVerdict, k record.Comparison) bool {
	return cell.Status != record.Invalid && !slices.ContainsFunc(cell.Arms, func(a record.ArmSummary) bool {
		return (a.Arm == k.Variant || a.Arm == k.Control) && a.Status != record.OK
	})
}

type armOf struct{ cell, arm string }

func buildsOf(entries []record.Entry) map[armOf]string {
	out := map[armOf]string{}
	for _, e := range entries {
		if w := e.Worker; w != nil && w.Pass == protocol.PassTime {
			out[armOf{e.Cell, w.Arm}] = w.Hello.Build
		}
	}
	return out
}

// check says what is wrong with a point that was read.
func (p Point) check() error {
	switch {
	case p.Night.IsZero():
		return fmt.Errorf("no night")
	case p.Run == "" || p.Machine == "" || p.Cell == "" || p.Metric == "" || p.Arm == "":
		return fmt.Errorf("run %q, machine %q, cell %q, metric %q, arm %q: none may be empty", p.Run, p.Machine, p.Cell, p.Metric, p.Arm)
	case !(p.Ratio > 0) || math.IsInf(p.Ratio, 0):
		return fmt.Errorf("ratio %v: want a positive finite number", p.Ratio)
	case !(p.Low > 0 && p.Low <= p.Ratio && p.Ratio <= p.High):
		return fmt.Errorf("interval %v–%v does not hold the ratio %v", p.Low, p.High, p.Ratio)
	}
	return nil
}
