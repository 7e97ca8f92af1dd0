package report

import (
	"encoding/csv"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"lensbench/record"
)

// csvHeader names the columns. Readers rely on it: columns are added at the end
// and never renamed.
var csvHeader = []string{
	"run", "started", "machine", "scenario", "point", "kind", "arm", "control", "metric", "unit",
	"value", "low", "high", "confidence", "n", "restarts", "p", "p_equivalence", "theta", "mde", "outcome", "reason",
	"look", "budget", "family", "p_family", "p_holm",
}

// Kinds of rows.
const (
	csvArm        = "arm"        // one metric of one arm; outcome is the arm's status
	csvComparison = "comparison" // one metric of a variant ÷ its control
	csvClaim      = "claim"      // the verdict on a claim
	csvProfile    = "profile"    // time of an operator in an iteration of one arm, or of all of it
)

// CSV writes a row for every arm and metric, for every comparison, for every claim, and
// for every operator of a profile. Numbers are in base units and in full; what is absent is empty.
func CSV(w io.Writer, run record.Run, v record.Verdicts) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(csvHeader); err != nil {
		return err
	}
	for _, cv := range v.Cells {
		base := csvRow{
			"run":      run.ID,
			"started":  run.Started.UTC().Format(time.RFC3339),
			"machine":  run.Machine.ID(),
			"scenario": cv.Scenario,
			"point":    csvPoint(cv.Point),
		}
		for _, row := range csvRows(cv) {
			if err := cw.Write(row.over(base)); err != nil {
				return err
			}
		}
	}
	cw.Flush()
	return cw.Error()
}

// A csvRow is a row by column.
type csvRow map[string]string

// over is the record of a row, with base where it is silent.
func (r csvRow) over(base csvRow) []string {
	fields := make([]string, len(csvHeader))
	for i, name := range csvHeader {
		fields[i] = base[name]
		if s, ok := r[name]; ok {
			fields[i] = s
		}
	}
	return fields
}

// csvPoint is model=resnet18 pixels=112.
func csvPoint(point map[string]string) string {
	return strings.Join(record.Axes(point), " ")
}

func csvRows(cv record.CellVerdict) []csvRow {
	var rows []csvRow
	for _, a := range cv.Arms {
		rows = append(rows, armRows(a)...)
	}
	for _, c := range cv.Comparisons {
		rows = append(rows, comparisonRow(c))
	}
	if c := cv.Claim; c != nil {
		rows = append(rows, csvRow{"kind": csvClaim, "metric": c.ID, "outcome": c.Verdict, "reason": c.Reason})
	}
	for _, a := range cv.Arms {
		rows = append(rows, profileRows(a)...)
	}
	if rows == nil {
		rows = []csvRow{{"kind": csvArm, "outcome": cv.Status, "reason": cv.Reason}}
	}
	return rows
}

// armRows has at least one row, so that an arm that failed is there as well.
func armRows(a record.ArmSummary) []csvRow {
	var rows []csvRow
	add := func(metric, unit string, i record.Interval) {
		if i.N == 0 {
			return
		}
		rows = append(rows, csvRow{"metric": metric, "unit": unit, "n": strconv.Itoa(i.N), "confidence": "0.99",
			"value": number(i.Value), "low": number(i.Low), "high": number(i.High)})
	}
	add(record.Throughput, "samples/s", a.Throughput)
	if a.Efficiency != nil {
		add(record.Efficiency, "", *a.Efficiency)
	}
	for _, p := range slices.Sorted(maps.Keys(a.Latency)) {
		add(record.Latency+"_"+p, "s", a.Latency[p])
	}
	if a.Energy != nil {
		add(record.Energy, "J", *a.Energy)
	}
	add("start", "s", a.Load)
	add("first_call", "s", a.First)
	for _, m := range append([]byteCount{{record.MemoryPeak, a.TensorPeak}, {"rss_peak", a.RSSPeak}}, memoryCounts(a)...) {
		if m.bytes > 0 {
			rows = append(rows, csvRow{"metric": m.metric, "unit": "B", "value": strconv.FormatInt(m.bytes, 10)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Extra)) {
		r := csvRow{"metric": "extra." + name, "value": number(float64(a.Extra[name])), "n": strconv.Itoa(a.Samples)}
		if extraBytes(name) {
			r["unit"] = "B"
		}
		rows = append(rows, r)
	}
	if a.Worst != nil {
		rows = append(rows, csvRow{"metric": "output_difference", "value": number(*a.Worst)})
	}
	if d := a.Drift; d != nil {
		for _, r := range []struct {
			metric string
			value  float64
		}{{"auroc", d.AUROC}, {"auroc_control", d.Control}, {"decisions_changed", float64(d.Changed)},
			{"score_drift_median", d.Median}, {"score_drift_p99", d.P99}, {"score_drift_max", d.Max}} {
			rows = append(rows, csvRow{"metric": r.metric, "value": number(r.value), "n": strconv.Itoa(d.Images)})
		}
	}
	if a.Samples > 0 {
		rows = append(rows,
			csvRow{"metric": "steal_share", "value": number(a.Steal)},
			csvRow{"metric": "noisy_samples", "value": strconv.Itoa(a.Noisy), "n": strconv.Itoa(a.Samples)})
	}
	if rows == nil {
		rows = []csvRow{{}}
	}
	for _, r := range rows {
		r["kind"], r["arm"], r["outcome"], r["reason"] = csvArm, a.Arm, a.Status, a.Reason
		r["restarts"] = strconv.Itoa(a.Restarts)
	}
	return rows
}

// A byteCount is a metric of memory, absent if it is 0.
type byteCount struct {
	metric string
	bytes  int64
}

// memoryCounts are the parts of memory_peak, and further peaks.
func memoryCounts(a record.ArmSummary) (list []byteCount) {
	m := a.Memory
	if m == nil {
		return nil
	}
	for _, s := range shares {
		list = append(list, byteCount{record.MemoryPeak + "." + s.name, s.of(m.AtPeak)})
	}
	return append(list, byteCount{record.ActivationPeak, m.ActivationPeak}, byteCount{"load_peak", m.Load}, byteCount{"warm_up_peak", m.WarmUp},
		byteCount{"forward_peak", m.Forward}, byteCount{"backward_peak", m.Backward}, byteCount{"update_peak", m.Update})
}

func comparisonRow(c record.Comparison) csvRow {
	r := csvRow{
		"kind": csvComparison, "arm": c.Variant, "control": c.Control, "metric": c.Metric, "unit": "ratio",
		"value": number(c.Ratio), "low": number(c.Low), "high": number(c.High),
		"n": strconv.Itoa(c.Pairs), "restarts": strconv.Itoa(c.Restarts), "outcome": c.Outcome, "reason": c.Reason,
	}
	if c.Pairs == 0 {
		return r
	}
	if l := c.Look; l != nil {
		r["look"], r["budget"] = strconv.Itoa(l.Restarts), strconv.Itoa(l.Budget)
	}
	if f := c.Family; f != nil {
		r["family"], r["p_family"], r["p_holm"] = strconv.Itoa(f.Size), number(f.Adjusted), number(f.Holm)
	}
	r["confidence"], r["theta"] = number(c.Confidence), number(c.Theta)
	if !c.Exact {
		r["p"], r["p_equivalence"], r["mde"] = number(c.P), number(c.Equivalence), number(c.MDE)
	}
	return r
}

// number is v in full; what is not a number is absent, and infinite bounds are
// +Inf and -Inf, which readers of CSV know.
func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
