package report

import (
	"lensbench/protocol"
	"lensbench/record"
)

// A share is a category of memory.
type share struct {
	name string
	of   func(protocol.Bytes) int64
}

var shares = []share{
	{"weights", func(b protocol.Bytes) int64 { return b.Weights }},
	{"gradients", func(b protocol.Bytes) int64 { return b.Gradients }},
	{"optimiser", func(b protocol.Bytes) int64 { return b.Optimiser }},
	{"activations", func(b protocol.Bytes) int64 { return b.Activations }},
	{"other", func(b protocol.Bytes) int64 { return b.Other }},
}

// memory is what the peaks of tensor bytes were made of, with the resident set
// beside it, which has libraries and their scratch memory too. Categories in which no
// arm has anything are left out.
func (b *sheetBuilder) memory() grid {
	g := grid{caption: "Tensors at their peak, and the process", columns: []column{{head: "arm"}}}
	var shown []share
	for _, s := range shares {
		if b.anyMemory(s.of) {
			shown = append(shown, s)
			g.columns = append(g.columns, column{s.name, true})
		}
	}
	g.columns = append(g.columns, column{"sum", true}, column{"RSS", true})
	units := b.common(byteUnits, func(a record.ArmSummary) float64 { return float64(a.TensorPeak) })
	for _, a := range b.cv.Arms {
		if a.Memory == nil {
			continue
		}
		row := []entry{word(a.Arm)}
		for _, s := range shown {
			row = append(row, word(bytesOrNone(s.of(a.Memory.AtPeak), units)))
		}
		g.rows = append(g.rows, append(row, word(bytesIn(a.TensorPeak, units)), word(bytesOf(a.RSSPeak))))
	}
	return g
}

func (b *sheetBuilder) anyMemory(of func(protocol.Bytes) int64) bool {
	for _, a := range b.cv.Arms {
		if a.Memory != nil && of(a.Memory.AtPeak) > 0 {
			return true
		}
	}
	return false
}

// bytesOrNone is bytesIn for a count whose 0 is not absent.
func bytesOrNone(n int64, units []unit) string {
	if n == 0 {
		return "0"
	}
	return bytesIn(n, units)
}

// activationPeak is 0 where it is not known.
func activationPeak(a record.ArmSummary) int64 {
	if a.Memory == nil {
		return 0
	}
	return a.Memory.ActivationPeak
}
