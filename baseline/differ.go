package baseline

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"lensbench/protocol"
	"lensbench/record"
)

// empty says whether an operand has no results. Its error is for input that
// cannot be read to its end.
func (o Operand) empty() (bool, error) {
	r := benchfmt.NewReader(bytes.NewReader(o.bench), o.Path)
	for r.Scan() {
		if _, ok := r.Result().(*benchfmt.Result); ok {
			return false, nil
		}
	}
	return true, r.Err()
}

// machines compares where two operands were measured, as their lines say.
func machines(a, b Operand) (Relation, []string) {
	of, with := a.machines(), b.machines()
	if len(of) != 1 || len(with) != 1 {
		return Unknown, nil
	}
	if d := of[0].Differences(with[0]); d != nil {
		return Incomparable, d
	}
	return Apart, nil
}

// machines lists the machines of an operand's lines; none if a line does not
// say.
func (o Operand) machines() []record.Machine {
	var out []record.Machine
	r := benchfmt.NewReader(bytes.NewReader(o.bench), o.Path)
	for r.Scan() {
		res, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		m, known, err := machineOf(res)
		if !known || err != nil {
			return nil
		}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// contextDifferences lists what differed between two runs on one machine, the
// first run's value first.
func contextDifferences(a, b record.Run) []string {
	var out []string
	differ := func(what, x, y string) {
		if x != y {
			out = append(out, fmt.Sprintf("%s %s, then %s", what, orNone(x), orNone(y)))
		}
	}
	x, y := a.Context, b.Context
	differ("kernel", x.Kernel, y.Kernel)
	differ("container", x.Container, y.Container)
	differ("build of bench", x.Bench, y.Bench)
	differ("environment", strings.Join(x.Environment, " "), strings.Join(y.Environment, " "))
	// A load moves all the time; a quarter of the machine is worth a word.
	if math.Abs(x.Load1-y.Load1) > 0.25*float64(max(1, a.Machine.CPUs)) {
		differ("load", fmt.Sprintf("%.2f", x.Load1), fmt.Sprintf("%.2f", y.Load1))
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// settingsDifferences lists settings that differ between lines of one name:
// their work was not the same. Arms of different names are meant to differ.
func settingsDifferences(a, b Operand) []string {
	if a.Arm != b.Arm {
		return nil
	}
	of, with := a.arms(), b.arms()
	var out []string
	for _, x := range of {
		for _, y := range with {
			if x.name != y.name {
				continue
			}
			if d := differences(x.arm, y.arm); d != "" {
				out = append(out, x.name+": "+d)
			}
		}
	}
	return out
}

type namedArm struct {
	name string // of its lines
	arm  record.Arm
}

func (o Operand) arms() []namedArm {
	var out []namedArm
	for _, cell := range o.Run.Cells {
		for _, arm := range cell.Arms {
			if o.Arm == "" || o.Arm == arm.Name {
				out = append(out, namedArm{Name(cell, arm.Name), arm})
			}
		}
	}
	return out
}

func differences(a, b record.Arm) string {
	var out []string
	if a.Worker != b.Worker {
		out = append(out, fmt.Sprintf("worker %s, then %s", a.Worker, b.Worker))
	}
	for _, f := range protocol.Fields() {
		x, y := setting(a.Settings, f), setting(b.Settings, f)
		if x != y {
			out = append(out, fmt.Sprintf("%s %s, then %s", f.Key, x, y))
		}
	}
	return strings.Join(out, "; ")
}

func setting(s protocol.Settings, f protocol.Field) string {
	if !s.IsSet(f) {
		return "not set"
	}
	return fmt.Sprint(s.Value(f))
}
