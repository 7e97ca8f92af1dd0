package record

import "lensbench/protocol"

// Verdicts are all statements of a run.
type Verdicts struct {
	Schema   int           `json:"schema"`
	Run      string        `json:"run"` // Run.ID
	Cells    []CellVerdict `json:"cells"`
	Overhead *Overhead     `json:"overhead,omitempty"`
	Dropped  int           `json:"dropped_lines"` // journal lines that could not be read

	// Interrupted says that the journal has no end entry: the run was cut
	// short, or goes on while this is read.
	Interrupted bool `json:"interrupted"`
}

// A CellVerdict is what a run says about one cell.
type CellVerdict struct {
	Cell          string            `json:"cell"`
	Scenario      string            `json:"scenario"`
	Title         string            `json:"title"`
	Point         map[string]string `json:"point,omitempty"`
	Status        string            `json:"status"`
	Reason        string            `json:"reason,omitempty"`
	Contamination *Contamination    `json:"contamination,omitempty"` // nil if no block was contaminated
	Stopped       string            `json:"stopped,omitempty"`       // when and why the measuring ended, if that was not fixed beforehand
	Arms          []ArmSummary      `json:"arms"`
	Comparisons   []Comparison      `json:"comparisons"` // each variant to the control, per metric
	Claim         *ClaimVerdict     `json:"claim,omitempty"`
}

// A Contamination counts the blocks during which the host did something else to
// such an extent that they are left out, whatever was measured in them.
type Contamination struct {
	Blocks       int            `json:"blocks"`       // of the cell in all
	Contaminated int            `json:"contaminated"` // of them
	Dropped      int            `json:"dropped"`      // of those: left out in all arms, at most half of a restart's
	Causes       map[string]int `json:"causes"`       // contaminated blocks by their worst cause
}

// An Interval is an estimate with its 99 % confidence bounds, which are NaN
// where too little is known for any. N counts what it rests on; 0 means absent.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	N     int     `json:"n"`
}

// An ArmSummary describes one arm alone.
type ArmSummary struct {
	Arm        string              `json:"arm"`
	Worker     string              `json:"worker"`
	Status     string              `json:"status"`
	Reason     string              `json:"reason,omitempty"`
	Restarts   int                 `json:"restarts"`
	Samples    int                 `json:"samples"`
	Throughput Interval            `json:"throughput"` // samples/s
	Latency    map[string]Interval `json:"latency"`    // "p50", "p90", … only from their floor on; s per iteration or query
	TensorPeak int64               `json:"tensor_peak"`
	RSSPeak    int64               `json:"rss_peak"`
	Load       Interval            `json:"load"`             // s, process start to hello; one value per restart
	First      Interval            `json:"first"`            // s, first iteration; one value per restart
	Check      string              `json:"check,omitempty"`  // Passed or NotPassed; empty if outputs were not compared
	Energy     *Interval           `json:"energy,omitempty"` // J per sample, one value per energy pass; nil without
	Worst      *float64            `json:"worst,omitempty"`  // largest difference of outputs to the control's
	Steal      float64             `json:"steal_share"`      // share of the CPUs' time during its samples that the hypervisor took
	Noisy      int                 `json:"noisy_samples"`    // samples during which other processes used more than 5 % of the machine
	Parameters int64               `json:"parameters,omitempty"`
	Threads    int                 `json:"threads,omitempty"`

	// Efficiency of the arm's ranks, one median per restart; nil of an arm of one.
	Efficiency *Interval `json:"efficiency,omitempty"`

	// Memory is of the pass whose peak is TensorPeak; nil if the worker does not
	// know what it was made of.
	Memory *protocol.Memory `json:"memory,omitempty"`

	// Profile is where its time went; nil if that was not asked for.
	Profile *Profile `json:"profile,omitempty"`
	// Drift is that of the comparison of scores that went worst; nil without any.
	Drift *Drift `json:"drift,omitempty"`

	// Extra are the medians over its samples of what the worker said beside, as in
	// protocol.Sample.
	Extra map[string]protocol.Number `json:"extra,omitempty"`
}

// Results of comparing an arm's outputs with the control's.
const (
	Passed    = "passed"
	NotPassed = "failed"
)

// A Comparison is the paired statement on one metric of one variant. Without
// pairs its numbers are NaN.
type Comparison struct {
	Metric      string  `json:"metric"`
	Variant     string  `json:"variant"`
	Control     string  `json:"control"`
	Ratio       float64 `json:"ratio"`      // variant ÷ control
	Low         float64 `json:"low"`        // 0 if nothing is too low to be true
	High        float64 `json:"high"`       // +Inf if nothing is too high
	Confidence  float64 `json:"confidence"` // of [Low, High], e.g. 0.99
	Exact       bool    `json:"exact"`      // byte counts that repeat exactly: Low = Ratio = High
	P           float64 `json:"p"`          // two-sided, sign flips over restarts
	Equivalence float64 `json:"p_equivalence"`
	Theta       float64 `json:"theta"` // half-width of "equivalent", as a fraction
	MDE         float64 `json:"mde"`   // smallest effect found with 95 % power, as a fraction; +Inf if none could be
	Outcome     string  `json:"outcome"`
	Reason      string  `json:"reason,omitempty"` // the numbers, in a sentence
	Restarts    int     `json:"restarts"`
	Pairs       int     `json:"pairs"`

	// Look is the planned look at which the statement was made; nil if the number
	// of restarts was fixed. P, the interval and Equivalence then hold over all
	// looks, and at an early one the interval may be open.
	Look *Look `json:"look,omitempty"`

	// Inner is the interval that the tests of equivalence leave, at 90 %; nil if
	// the comparison is exact or has no finite one.
	Inner *Interval `json:"inner,omitempty"`

	// Family is the p as one of all primary comparisons of the run, nil for others.
	Family *Family `json:"family,omitempty"`

	// Bootstrap is the interval of a cluster bootstrap, at the same confidence:
	// a check on the other. Nil where there is none to check.
	Bootstrap *Interval `json:"bootstrap,omitempty"`
}

// A Look says when a comparison was looked at.
type Look struct {
	Restarts int  `json:"restarts"` // after which the look came
	Budget   int  `json:"budget"`   // the most that were planned
	Decided  bool `json:"decided"`  // and so nothing more was measured
}

// A Family is how a comparison stands among all primary ones of its run: the
// first metric of each cell, of every variant. Both p are at least that of the
// comparison alone.
type Family struct {
	Size     int     `json:"size"`     // comparisons
	Adjusted float64 `json:"adjusted"` // by relabelling arms, step-down maximum
	Holm     float64 `json:"holm"`     // by Holm's method, which is never too small
}

// Outcomes of a Comparison. For memory, "less" and "more" take the places of
// faster and slower. Where an arm or the number of restarts forbids a verdict,
// the outcome is the status that says why, such as QualityFail or Insufficient.
const (
	Faster       = "faster"
	Slower       = "slower"
	Less         = "less"
	More         = "more"
	Equivalent   = "equivalent"
	Inconclusive = "inconclusive"
)

// A ClaimVerdict compares an interval with a claimed range.
type ClaimVerdict struct {
	ID      string `json:"id"`
	Says    string `json:"says"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"` // the numbers, in a sentence
	Device  string `json:"device"` // a CPU may refute what a GPU supports
}

// Verdicts on a claim; further ones are Inconclusive, and QualityFail where the
// deciding arm computes something else than the control.
const (
	Supported = "supported"
	Refuted   = "refuted"
	NotTested = "not tested"
)

// Overhead is the harness's own cost: what the runner adds around a sample of
// null work, against the smallest sample of the run.
type Overhead struct {
	PerSample Interval `json:"per_sample"` // s
	Smallest  float64  `json:"smallest"`   // s, median of the fastest arm's samples; 0 if all work of the run is null work
	Share     float64  `json:"share"`      // PerSample ÷ Smallest; 0 if that is absent
}
