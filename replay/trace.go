package replay

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// traceColumns are those of a trace, in this order.
var traceColumns = []string{"restart", "block", "pos", "variant", "kernel", "t_ms", "ns"}

// traceArms are the variants of a trace by number; the first is the control.
var traceArms = []struct {
	name string
	same bool // the same code as the control
}{{"A", true}, {"A′ (same code)", true}, {"B (+2 % work)", false}, {"C (+1 % work)", false}}

// traceKernels are the kinds of work of a trace by number.
var traceKernels = []string{"matrix product", "memory stream"}

// A sampleKey is an arm's work on a kernel.
type sampleKey struct{ kernel, arm int }

// readTrace reads a line for every sample: its restart and block, its position
// in the block, the number of the arm and of the kernel, when it began in
// milliseconds, and how long it took in nanoseconds. Arm 0 is the control; arm
// 1 ran the same code. Errors begin with the line.
func readTrace(r io.Reader) (Recording, error) {
	lines := csv.NewReader(r)
	lines.ReuseRecord = true
	head, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return Recording{}, errors.New("1: empty; want the columns " + strings.Join(traceColumns, ","))
	}
	if err != nil {
		return Recording{}, traceError(lines, err)
	}
	if !slices.Equal(head, traceColumns) {
		return Recording{}, fmt.Errorf("1: columns are %q; want %s", strings.Join(head, ","), strings.Join(traceColumns, ","))
	}
	grids := map[sampleKey]*grid{}
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Recording{}, traceError(lines, err)
		}
		if err := addSample(grids, fields); err != nil {
			return Recording{}, traceError(lines, err)
		}
	}
	return tracePairs(grids)
}

func traceError(lines *csv.Reader, err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%d: %w", parse.Line, parse.Err)
	}
	if line, _ := lines.FieldPos(0); line > 0 {
		return fmt.Errorf("%d: %w", line, err)
	}
	return fmt.Errorf(" %w", err)
}

func addSample(grids map[sampleKey]*grid, fields []string) error {
	var n [7]int
	for i, f := range fields {
		v, err := strconv.Atoi(f)
		if err != nil || v < 0 {
			return fmt.Errorf("%s is %q; want a whole number from 0", traceColumns[i], f)
		}
		n[i] = v
	}
	restart, block, arm, kernel, ns := n[0], n[1], n[3], n[4], n[6]
	if ns == 0 {
		return errors.New("ns is 0; want a positive time")
	}
	key := sampleKey{kernel, arm}
	if grids[key] == nil {
		grids[key] = &grid{}
	}
	if !grids[key].put(restart, block, float64(ns)*1e-9) {
		return fmt.Errorf("a second sample of variant %d, kernel %d in restart %d, block %d", arm, kernel, restart, block)
	}
	return nil
}

func tracePairs(grids map[sampleKey]*grid) (Recording, error) {
	var rec Recording
	for _, key := range slices.SortedFunc(maps.Keys(grids), func(a, b sampleKey) int {
		if a.kernel != b.kernel {
			return a.kernel - b.kernel
		}
		return a.arm - b.arm
	}) {
		control := grids[sampleKey{key.kernel, 0}]
		if control == nil {
			return rec, fmt.Errorf("1: kernel %d has no sample of variant 0, the control", key.kernel)
		}
		if key.arm == 0 {
			continue
		}
		name, same := fmt.Sprintf("variant %d", key.arm), false
		if key.arm < len(traceArms) {
			name, same = traceArms[key.arm].name, traceArms[key.arm].same
		}
		p := Pair{Name: fmt.Sprintf("%s: %s ÷ %s", kernelName(key.kernel), name, traceArms[0].name), Same: same}
		p.Control, p.Variant = meet(control, grids[key])
		rec.Pairs = append(rec.Pairs, p)
	}
	if len(rec.Pairs) == 0 {
		return rec, errors.New("1: no variant beside the control")
	}
	return rec, nil
}

func kernelName(n int) string {
	if n < len(traceKernels) {
		return traceKernels[n]
	}
	return fmt.Sprintf("kernel %d", n)
}

func sortedPlaces(m map[[2]int]float64) [][2]int {
	return slices.SortedFunc(maps.Keys(m), func(a, b [2]int) int {
		if a[0] != b[0] {
			return a[0] - b[0]
		}
		return a[1] - b[1]
	})
}
