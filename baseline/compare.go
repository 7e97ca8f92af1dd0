package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lensbench/baseline/benchstat"
	"lensbench/record"
)

// A Relation is how results that are compared came to be. It decides what the
// comparison is worth.
type Relation int

const (
	Together     Relation = iota // arms of one run, measured in pairs
	SameRun                      // one run with itself
	Apart                        // measured at different times on one machine
	Unknown                      // at least one does not say on which machine, or mixes several
	Incomparable                 // on different machines
)

// A Comparison sets operands side by side.
type Comparison struct {
	Operands []Operand
	Tables   *benchstat.Tables // as benchstat shows them

	// Against says for every operand but the first how it stands to the first.
	Against []Standing
}

// A Standing is what is known about an operand beside the first one.
type Standing struct {
	Relation Relation
	Machine  []string // fields in which the machines differ, when Incomparable
	Context  []string // what else differed, worth a warning
	Settings []string // settings that differ under one name: other work
	Paired   []Paired // the run's own statements, when Together
	Unpaired string   // why there are none, though Together
}

// A Paired is what a run says about two of its arms in one cell.
type Paired struct {
	Cell        record.CellVerdict
	Comparisons []record.Comparison // second operand ÷ first, per metric
}

// Compare compares every operand with the first. All of them name an arm, or
// none does: otherwise no rows would meet.
func Compare(operands ...Operand) (*Comparison, error) {
	if err := check(operands); err != nil {
		return nil, err
	}
	var inputs []benchstat.Input
	for _, o := range operands {
		inputs = append(inputs, benchstat.Input{Label: o.Label, Data: bytes.NewReader(o.bench)})
	}
	tables, err := benchstat.Read(inputs)
	if err != nil {
		return nil, err
	}
	c := &Comparison{Operands: operands, Tables: tables}
	for _, o := range operands[1:] {
		c.Against = append(c.Against, stand(operands[0], o))
	}
	return c, nil
}

func check(operands []Operand) error {
	if len(operands) < 2 {
		return errors.New("a comparison needs two operands")
	}
	for _, o := range operands {
		if (o.Arm == "") != (operands[0].Arm == "") {
			return fmt.Errorf("%s and %s: name an arm of both, as in RUN:ARM, or of neither", operands[0].Label, o.Label)
		}
		if empty, err := o.empty(); err != nil {
			return err
		} else if empty {
			return fmt.Errorf("%s: %w", o.Label, ErrNoResults)
		}
	}
	return nil
}

// stand says how b stands to a.
func stand(a, b Operand) Standing {
	var s Standing
	if a.Run != nil && b.Run != nil && a.Run.ID == b.Run.ID {
		s.Relation = SameRun
		if a.Arm != b.Arm {
			s.Relation = Together
			s.Paired, s.Unpaired = paired(b.Verdicts, a.Arm, b.Arm)
		}
		return s
	}
	s.Relation, s.Machine = machines(a, b)
	if a.Run != nil && b.Run != nil {
		s.Context = contextDifferences(*a.Run, *b.Run)
		s.Settings = settingsDifferences(a, b)
	}
	return s
}

// paired finds the statements of a run on arm b against arm a.
func paired(v *record.Verdicts, a, b string) (out []Paired, why string) {
	if v == nil {
		return nil, "the run has not been judged"
	}
	var controls []string
	for _, cell := range v.Cells {
		p := Paired{Cell: cell}
		for _, c := range cell.Comparisons {
			switch {
			case c.Control == a && c.Variant == b:
				p.Comparisons = append(p.Comparisons, c)
			case c.Control == b && c.Variant == a:
				p.Comparisons = append(p.Comparisons, inverse(c))
			case (c.Variant == a || c.Variant == b) && !slices.Contains(controls, c.Control):
				controls = append(controls, c.Control)
			}
		}
		if p.Comparisons != nil {
			out = append(out, p)
		}
	}
	switch {
	case out != nil:
		return out, ""
	case controls != nil:
		return nil, fmt.Sprintf("the run compares its arms with %s, not %s with %s", strings.Join(controls, " and "), b, a)
	}
	return nil, "the run has no statement about these arms"
}

// inverse is the same statement with variant and control exchanged. The ratio
// is symmetric in its logarithm, and so is the margin of equivalence. The
// reason spoke of the other direction.
func inverse(c record.Comparison) record.Comparison {
	c.Variant, c.Control = c.Control, c.Variant
	c.Ratio, c.Low, c.High = 1/c.Ratio, 1/c.High, 1/c.Low
	c.Reason = ""
	opposite := map[string]string{
		record.Faster: record.Slower, record.Slower: record.Faster,
		record.Less: record.More, record.More: record.Less,
	}
	if o, ok := opposite[c.Outcome]; ok {
		c.Outcome = o
	}
	return c
}
