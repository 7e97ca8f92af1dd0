package gate

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/judge"
	"lensbench/protocol"
	"lensbench/record"
)

// Outcomes of a gate, of its cells and of their findings.
const (
	Passed       = "passed"       // nothing regressed; of a finding, neither of the others
	Regressed    = "regressed"    // flagged and confirmed
	Flagged      = "flagged"      // to be confirmed
	Unconfirmed  = "unconfirmed"  // flagged, and a fresh run did not show it
	Improved     = "improved"     // better, by the rule that flags what is worse
	Invalid      = "invalid"      // cannot be believed
	Inconclusive = "inconclusive" // neither different nor equivalent
	Skipped      = "skipped"      // this machine lacks what the work needs
)

// A Measured is a run with its journal.
type Measured struct {
	Run     record.Run
	Entries []record.Entry
	Dropped int // lines of the journal that could not be read
}

// Read reads the run in dir.
func Read(dir string) (Measured, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return Measured{}, err
	}
	entries, dropped, err := record.ReadJournal(dir)
	return Measured{run, entries, dropped}, err
}

// A Verdict is what a run that compares builds says.
type Verdict struct {
	Run         string       `json:"run"`
	Replication string       `json:"replication,omitempty"` // ID of the run that was to confirm what this one flagged
	Gate        *record.Gate `json:"gate"`
	Outcome     string       `json:"outcome"`           // Passed, Regressed, Flagged, Invalid or Inconclusive
	Reasons     []string     `json:"reasons,omitempty"` // of it, one a line
	Notes       []string     `json:"notes,omitempty"`   // what a reader should know beside
	Cells       []Cell       `json:"cells"`
}

// A Cell is what it says of one piece of work.
type Cell struct {
	ID       string              `json:"cell"`
	Name     string              `json:"name"`
	Outcome  string              `json:"outcome"` // the worst of its findings, Invalid or Skipped
	Reasons  []string            `json:"reasons,omitempty"`
	Findings []Finding           `json:"findings"`              // head against base, by metric
	Again    []record.Comparison `json:"again"`                 // base-again against base
	Canary   []record.Comparison `json:"canary"`                // canary against head
	Alarm    bool                `json:"alarm"`                 // base was told apart from itself
	Seen     bool                `json:"seen"`                  // the canary was
	Ended    int                 `json:"ended_after,omitempty"` // restarts after which a look found nothing and ended it; 0: none did
}

// A Finding is one metric of head.
type Finding struct {
	Metric      string             `json:"metric"`
	Outcome     string             `json:"outcome"`
	First       record.Comparison  `json:"first"`                 // to base
	Replication *record.Comparison `json:"replication,omitempty"` // of what was flagged
}

// Judge is the verdict on a run, and on the replication of what it flagged; nil: there
// is none yet.
func Judge(first Measured, replication *Measured) Verdict {
	v := Verdict{Run: first.Run.ID, Gate: first.Run.Gate, Cells: []Cell{}}
	heads := judge.Pair(first.Run, first.Entries, Base, Head)
	agains := judge.Pair(first.Run, first.Entries, Base, Again)
	canaries := judge.Pair(unlooked(first.Run), first.Entries, Head, Canary) // as Settled saw it
	for i, c := range first.Run.Cells {
		cell := Cell{ID: c.ID, Name: record.Name(c.Scenario, c.Point), Findings: []Finding{}, Again: agains[i].Comparisons, Canary: canaries[i].Comparisons}
		for _, k := range heads[i].Comparisons {
			cell.Findings = append(cell.Findings, Finding{Metric: k.Metric, Outcome: finding(k), First: k})
		}
		cell.judge(c, heads[i], agains[i], canaries[i], first.builds(c.ID))
		cell.checkLook(first, c)
		v.Cells = append(v.Cells, cell)
	}
	if replication != nil {
		v.confirm(*replication)
	}
	v.conclude(first, replication)
	return v
}

// finding is what a comparison of head with base comes to before it is confirmed.
func finding(k record.Comparison) string {
	switch worse, better := beyond(k); {
	case worse && proven(k):
		return Flagged
	case better && proven(k):
		return Improved
	case k.Outcome == record.Inconclusive || k.Outcome == record.Insufficient:
		return Inconclusive
	}
	return Passed
}

// beyond says whether the estimate lies beyond θ, and on which side.
func beyond(k record.Comparison) (worse, better bool) {
	low, high := k.Ratio < 1/(1+k.Theta), k.Ratio > 1+k.Theta // false of NaN
	if k.Metric == record.Throughput {
		return low, high
	}
	return high, low
}

// proven says whether a difference is, as one of the family. Bytes that repeat exactly
// need no proof.
func proven(k record.Comparison) bool {
	if k.Exact {
		return true
	}
	return k.Family != nil && k.Family.Adjusted < Level && k.Outcome != record.Insufficient
}

// judge finds what forbids to believe in the cell.
func (c *Cell) judge(plan record.Cell, head, again, canary record.CellVerdict, builds map[string][]string) {
	for i, v := range []record.CellVerdict{head, again, canary} {
		status := v.Status
		if i == 0 && status == record.Incomparable && strings.Contains(v.Reason, "arm "+Base) || strings.HasPrefix(v.Reason, "control "+Base) && status == record.Incomparable {
			status = record.Skipped // work that base cannot do is new, and no harm
		}
		if status == record.Insufficient && plan.Plan.Seconds > 0 && v.Arms[0].Restarts > 0 {
			c.Outcome = Inconclusive
			c.reason(status + ": " + v.Reason)
			return
		}
		switch status {
		case record.OK, record.Contaminated:
		case record.Skipped:
			c.Outcome = Skipped
			c.reason(v.Reason)
			return
		default:
			c.invalid("%s: %s", v.Status, v.Reason)
		}
	}
	c.checkBuilds(plan, builds)
	for _, k := range c.Again {
		if worse, better := beyond(k); (worse || better) && proven(k) {
			c.Alarm = true
			c.invalid("base is told apart from itself in %s: %s", k.Metric, k.Reason)
		}
	}
	if head.Reason != "" && head.Status == record.OK {
		c.reason(head.Reason) // it is not all that was planned
	}
	c.Seen = seen(c.Canary)
	if !c.Seen && c.Outcome != Invalid && plan.Plan.Seconds > 0 && head.Reason != "" {
		c.Outcome = Inconclusive
		c.reason("too little to see the canary: " + told(c.Canary))
	}
	if !c.Seen && c.Outcome != Invalid && c.Outcome != Inconclusive {
		c.invalid("the canary was missed: head with %s %% of delay is not found slower than head: %s", percents(plan), told(c.Canary))
	}
	if c.Outcome == "" {
		c.Outcome = worst(c.Findings)
	}
}

// seen says whether the canary was found slower in any metric of time. It is each cell's
// own question, of a p of its own: in one cell of many, too, it must be seen.
func seen(canary []record.Comparison) bool {
	return slices.ContainsFunc(canary, func(k record.Comparison) bool {
		worse, _ := beyond(k)
		return worse && k.P < Level && k.Outcome != record.Insufficient && !record.OwnPass(k.Metric)
	})
}

// percents is what was planted.
func percents(c record.Cell) string {
	for _, a := range c.Arms {
		if a.Name == Canary {
			return fmt.Sprintf("%g", a.Settings.Delay)
		}
	}
	return "0"
}

// told are the numbers of comparisons of times.
func told(all []record.Comparison) string {
	var out []string
	for _, k := range all {
		if !record.OwnPass(k.Metric) {
			out = append(out, fmt.Sprintf("%s: %s, p %.2g", k.Metric, k.Reason, k.P))
		}
	}
	if out == nil {
		return "no time was measured"
	}
	return strings.Join(out, "; ")
}

// checkBuilds makes sure that arms ran what they were to run.
func (c *Cell) checkBuilds(plan record.Cell, builds map[string][]string) {
	for _, a := range plan.Arms {
		if n := len(builds[a.Name]); n > 1 {
			c.invalid("arm %s was %d programs, builds %s: one was replaced while it was measured", a.Name, n, strings.Join(builds[a.Name], ", "))
		}
	}
	same := func(a, b, what string) {
		x, y := builds[a], builds[b]
		if len(x) == 1 && len(y) == 1 && x[0] != y[0] {
			c.invalid("%s: %s is build %s, and %s is build %s", what, a, x[0], b, y[0])
		}
	}
	same(Base, Again, "base-again is not the program that base is")
	same(Head, Canary, "the canary is not the program that head is")
	for _, a := range plan.Arms {
		switch delayed := a.Settings.Delay > 0; {
		case a.Name == Canary && !delayed:
			c.invalid("the canary has no delay")
		case a.Name != Canary && delayed:
			c.invalid("arm %s has a delay of %g %%, which is the canary's", a.Name, a.Settings.Delay)
		}
	}
}

// builds are those of the processes of each arm of a cell, each once.
func (m Measured) builds(cell string) map[string][]string {
	out := map[string][]string{}
	for _, e := range m.Entries {
		if w := e.Worker; w != nil && e.Cell == cell && w.Pass == protocol.PassTime && !slices.Contains(out[w.Arm], w.Hello.Build) {
			out[w.Arm] = append(out[w.Arm], w.Hello.Build)
		}
	}
	return out
}

func (c *Cell) invalid(format string, args ...any) {
	c.Outcome = Invalid
	c.reason(fmt.Sprintf(format, args...))
}

func (c *Cell) reason(text string) {
	if !slices.Contains(c.Reasons, text) {
		c.Reasons = append(c.Reasons, text)
	}
}

// ranks order outcomes of findings, the worst first.
var ranks = []string{Regressed, Flagged, Unconfirmed, Inconclusive, Passed, Improved}

// worst is the outcome of a cell with these findings. What was not confirmed, and what
// has improved, passes.
func worst(findings []Finding) string {
	at := len(ranks) - 1
	for _, f := range findings {
		at = min(at, slices.Index(ranks, f.Outcome))
	}
	if out := ranks[at]; out != Unconfirmed && out != Improved {
		return out
	}
	return Passed
}

// ToConfirm are the IDs of the cells that a replication is to measure: those with
// flagged metrics, of what can be believed.
func (v Verdict) ToConfirm() (ids []string) {
	for _, c := range v.Cells {
		if c.Outcome == Flagged {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
