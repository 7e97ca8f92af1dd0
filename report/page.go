package report

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/record"
)

// A tone is how good the news is. Colour shows it; words say it as well.
type tone int

const (
	neutral tone = iota
	good
	bad
	doubtful
)

// A page is what is said about a run, before it is laid out for a medium.
type page struct {
	title  string
	head   []sentence
	sheets []sheet
	short  grid // what each cell came to; empty for a single cell
	foot   []sentence
}

// A sheet is what is said about one cell.
type sheet struct {
	title   string
	intro   []sentence // what was compared, and what for
	answer  grid
	verdict sentence // on the claim; empty without
	more    []grid
	notes   []string   // footnotes, numbered from 1
	after   []sentence // what it rests on
}

// A sentence has a word before it that says what it is about.
type sentence struct {
	label string
	text  string
	tone  tone
}

// A grid is a table.
type grid struct {
	caption string
	columns []column
	rows    [][]entry
}

type column struct {
	head  string
	right bool // numbers are aligned to the right
}

// An entry is a figure in a grid, with the numbers of its footnotes.
type entry struct {
	figure
	tone  tone
	notes []int
}

func word(s string) entry { return entry{figure: figure{main: s}} }

// newPage puts together what is said. It keeps no reference to its arguments.
func newPage(run record.Run, v record.Verdicts, o Options) page {
	p := page{title: runTitle(run, v), head: runHead(run, v)}
	for _, cv := range v.Cells {
		p.sheets = append(p.sheets, newSheet(cv, planOf(run, cv), o))
	}
	if len(v.Cells) > 1 {
		p.short = inShort(run, v)
	}
	p.foot = runFoot(v, o)
	return p
}

// planOf is the cell as it was planned; zero if the run does not know it, which
// only makes the page say less.
func planOf(run record.Run, cv record.CellVerdict) record.Cell {
	i := slices.IndexFunc(run.Cells, func(c record.Cell) bool { return c.ID == cv.Cell })
	if i < 0 {
		return record.Cell{}
	}
	return run.Cells[i]
}

func runTitle(run record.Run, v record.Verdicts) string {
	s := fmt.Sprintf("Run %s of %s", run.ID, run.Started.UTC().Format("2006-01-02 15:04 UTC"))
	if v.Interrupted {
		s += ", interrupted"
	}
	return s
}

func runHead(run record.Run, v record.Verdicts) []sentence {
	out := []sentence{{label: "Machine", text: machine(run.Machine)}}
	if len(run.Command) > 0 {
		out = append(out, sentence{label: "Repeat", text: strings.Join(run.Command, " ")})
	}
	if v.Interrupted {
		out = append(out, sentence{"Interrupted", "what was measured until then is below; to go on: bench run --resume " + run.ID, doubtful})
	}
	if len(v.Cells) == 0 {
		out = append(out, sentence{"Empty", "no cell was measured", doubtful})
	}
	return out
}

// machine is the identity of a machine in a line.
func machine(m record.Machine) string {
	cpu := orElse(m.CPUModel, "unknown CPU")
	if m.Instructions != "" {
		cpu += " (" + m.Instructions + ")"
	}
	parts := []string{cpu, counted(m.CPUs, "CPU"), bytesOf(m.Memory), orElse(m.GPU, "no GPU")}
	if m.Driver != "" {
		parts = append(parts, "driver "+m.Driver)
	}
	parts = append(parts, "libtorch "+orElse(m.Libtorch, "unknown"))
	if m.Governor != "" && m.Governor != "none" {
		parts = append(parts, "governor "+m.Governor)
	}
	return strings.Join(parts, ", ") + "; ID " + m.ID()
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// cellName is the scenario and its point in the matrix: amp (model=resnet18).
func cellName(cv record.CellVerdict) string {
	if len(cv.Point) == 0 {
		return cv.Scenario
	}
	return cv.Scenario + " (" + strings.Join(record.Axes(cv.Point), ", ") + ")"
}

// runFoot says what holds for all cells.
func runFoot(v record.Verdicts, o Options) []sentence {
	out := []sentence{overhead(v.Overhead)}
	if o.Calibration != "" {
		out = append(out, sentence{label: "Calibration", text: o.Calibration})
	}
	if v.Dropped > 0 {
		out = append(out, sentence{"Journal", counted(v.Dropped, "line") + " of it could not be read; the rest counts", doubtful})
	}
	if len(v.Cells) > 0 {
		out = append(out, sentence{label: "Reading", text: legend(v)})
	}
	return out
}

// overheadLimit is the share of the smallest sample that the harness may cost.
const overheadLimit = 0.01

// overhead is the cost of the tool itself.
func overhead(o *record.Overhead) sentence {
	if o == nil {
		return sentence{"Overhead", "not measured in this run; bench run harness-null measures what the harness itself costs", neutral}
	}
	f := interval(o.PerSample, timeUnits)
	text := strings.TrimSpace(fmt.Sprintf("the harness adds %s %s to a sample", f.main, f.detail))
	if o.Smallest <= 0 {
		return sentence{label: "Overhead", text: text + "; the run has no other work to set it against"}
	}
	text += fmt.Sprintf(", %s of the smallest one (%s)", percent(o.Share), significantTime(o.Smallest))
	if o.Share < overheadLimit {
		return sentence{"Overhead", text + "; below 1 %, as it must be", good}
	}
	return sentence{"Overhead", text + "; this is too much: make samples longer (plan.sample)", bad}
}

func significantTime(s float64) string {
	u := unitOf(s, timeUnits)
	return significant(s/u.size) + u.name
}

// legend explains the signs that occur.
func legend(v record.Verdicts) string {
	var paired, mde bool
	for _, cv := range v.Cells {
		for _, c := range cv.Comparisons {
			paired = paired || c.Pairs > 0 && !c.Exact
			mde = mde || showsMDE(c)
		}
	}
	s := []string{"[a, b] holds the true value with 99 % confidence"}
	if paired {
		s = append(s, "ratios are from pairs of samples taken side by side, which cancels the machine's drift; numbers of one arm alone are not")
	}
	if mde {
		s = append(s, "MDE is the smallest difference that the run would have found with 95 % power")
	}
	return strings.Join(append(s, absent+" is absent"), "; ")
}
