package gate

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/judge"
	"lensbench/protocol"
	"lensbench/record"
)

// confirm puts what was flagged beside its replication, which is judged by each
// metric's own p: it was asked one question of each, and has no family.
func (v *Verdict) confirm(m Measured) {
	v.Replication = m.Run.ID
	heads := judge.Pair(m.Run, m.Entries, Base, Head)
	for i := range v.Cells {
		c := &v.Cells[i]
		at := slices.IndexFunc(heads, func(h record.CellVerdict) bool { return h.Cell == c.ID })
		if c.Outcome != Flagged || at < 0 {
			continue
		}
		if h := heads[at]; h.Status != record.OK && h.Status != record.Contaminated {
			c.invalid("the replication is %s: %s", h.Status, h.Reason)
			continue
		}
		for j := range c.Findings {
			if f := &c.Findings[j]; f.Outcome == Flagged {
				f.replicate(heads[at].Comparisons)
			}
		}
		c.Outcome = worst(c.Findings)
	}
}

// replicate looks for the metric of the finding in the replication.
func (f *Finding) replicate(all []record.Comparison) {
	for _, k := range all {
		if k.Metric != f.Metric {
			continue
		}
		f.Replication = &k
		f.Outcome = Unconfirmed
		worse := k.Ratio > 1
		if k.Metric == record.Throughput {
			worse = k.Ratio < 1
		}
		if out, _ := beyond(k); k.Exact && out || !k.Exact && worse && k.P < ConfirmLevel {
			f.Outcome = Regressed
		}
	}
}

// conclude makes one verdict of all cells. What cannot be believed comes first: a
// broken instrument is silent about the rest, whatever it seems to say.
func (v *Verdict) conclude(first Measured, replication *Measured) {
	by := map[string]int{}
	for _, c := range v.Cells {
		by[c.Outcome]++
		switch c.Outcome {
		case Invalid:
			v.Reasons = append(v.Reasons, c.Name+": "+strings.Join(c.Reasons, "; "))
		case Regressed, Flagged:
			for _, f := range c.Findings {
				if f.Outcome == c.Outcome {
					v.Reasons = append(v.Reasons, c.Name+": "+f.Sentence())
				}
			}
		}
	}
	for _, why := range complaints(first, replication) {
		by[Invalid]++
		v.Reasons = append(v.Reasons, why)
	}
	if n := len(v.Cells) - by[Skipped]; n > 0 && by[Invalid] == 0 && !slices.ContainsFunc(v.Cells, func(c Cell) bool { return c.Seen }) {
		by[Invalid]++
		v.Reasons = append(v.Reasons, "no canary was seen in any cell: there was too little time")
	}
	if by[Skipped] == len(v.Cells) {
		by[Invalid]++
		v.Reasons = append(v.Reasons, "nothing was measured: all work is skipped on this machine")
	}
	for _, outcome := range []string{Invalid, Regressed, Flagged, Inconclusive} {
		if by[outcome] > 0 {
			v.Outcome = outcome
			if outcome == Inconclusive {
				v.Reasons = append(v.Reasons, fmt.Sprintf("%d of %d cells are inconclusive", by[outcome], len(v.Cells)))
			}
			break
		}
	}
	if v.Outcome == "" {
		v.Outcome = Passed
	}
	v.Notes = append(v.Notes, notes(first, *v)...)
}

// complaints are what is wrong with a run as a whole.
func complaints(first Measured, replication *Measured) (out []string) {
	out = append(out, incomplete(first)...)
	out = append(out, swapped(first)...)
	if replication != nil {
		out = append(out, incomplete(*replication)...)
		out = append(out, otherBuilds(first, *replication)...)
		if g := replication.Run.Gate; g == nil || g.Replicates != first.Run.ID {
			out = append(out, fmt.Sprintf("%s: is no replication of %s", replication.Run.ID, first.Run.ID))
		}
	}
	return append(out, stale(first)...)
}

func incomplete(m Measured) []string {
	if slices.ContainsFunc(m.Entries, func(e record.Entry) bool { return e.Kind == record.KindEnd }) {
		return nil
	}
	return []string{fmt.Sprintf("%s: the run is not complete; go on with: bench run --resume %s", m.Run.ID, m.Run.ID)}
}

// swapped compares the builds that ran with those that the run was to compare: base in
// the place of head would turn every slowdown into an improvement.
func swapped(m Measured) (out []string) {
	for worker, builds := range m.byWorker() {
		b, ok := m.Run.Gate.Build(worker)
		if ok && b.ID != "" && !slices.Equal(builds, []string{b.ID}) {
			out = append(out, fmt.Sprintf("%s ran as build %v; it was build %s (%s) when the run began", worker, builds, b.ID, b.Name()))
		}
	}
	slices.Sort(out)
	return out
}

// otherBuilds says where a replication did not run what the first run did.
func otherBuilds(first, again Measured) (out []string) {
	before := first.byWorker()
	for worker, builds := range again.byWorker() {
		if !slices.Equal(builds, before[worker]) {
			out = append(out, fmt.Sprintf("the replication ran %s as build %v, the first run as %v", worker, builds, before[worker]))
		}
	}
	slices.Sort(out)
	return out
}

// byWorker are the builds that ran under each name.
func (m Measured) byWorker() map[string][]string {
	names := map[[2]string]string{}
	for _, c := range m.Run.Cells {
		for _, a := range c.Arms {
			names[[2]string{c.ID, a.Name}] = a.Worker
		}
	}
	out := map[string][]string{}
	for _, e := range m.Entries {
		w := e.Worker
		if w == nil || w.Pass != protocol.PassTime {
			continue
		}
		name := names[[2]string{e.Cell, w.Arm}]
		if name != "" && !slices.Contains(out[name], w.Hello.Build) {
			out[name] = append(out[name], w.Hello.Build)
		}
	}
	return out
}

// stale says that a head that the user built cannot be what its sources say: base is
// of other sources, and the programs are the same.
func stale(m Measured) []string {
	head, _ := m.Run.Gate.Build(HeadWorker)
	base, ok := m.Run.Gate.Build(BaseWorker)
	if !ok || base.ID == "" || head.ID != base.ID || head.Sources == base.Sources && len(head.Changed) == 0 || head.Sources == "" || base.Sources == "" {
		return nil
	}
	if head.Built {
		return nil // it was made of its commit just now: the change does not reach it
	}
	return []string{fmt.Sprintf("head and base are the same program, build %s, though their sources differ: %s was not built from what is there now; run make build", head.ID, head.Program)}
}

// notes are what a reader should know beside the verdict.
func notes(m Measured, v Verdict) (out []string) {
	head, _ := m.Run.Gate.Build(HeadWorker)
	base, _ := m.Run.Gate.Build(BaseWorker)
	if head.ID != "" && head.ID == base.ID && stale(m) == nil {
		out = append(out, fmt.Sprintf("head and base are the same program, build %s: there is nothing that could have changed", head.ID))
	}
	if n := len(head.Changed); n > 0 {
		out = append(out, fmt.Sprintf("head has changes that are not committed: %s%s", head.Changed[0], more(n-1)))
	}
	if m.Dropped > 0 {
		out = append(out, fmt.Sprintf("%d lines of the journal could not be read", m.Dropped))
	}
	for _, c := range v.Cells {
		switch {
		case c.Outcome == Skipped:
			out = append(out, c.Name+": skipped: "+c.Reasons[0])
		case c.Outcome != Invalid && len(c.Reasons) > 0:
			out = append(out, c.Name+": "+strings.Join(c.Reasons, "; "))
		}
		for _, f := range c.Findings {
			if f.Outcome == Unconfirmed {
				out = append(out, c.Name+": "+f.Sentence())
			}
		}
	}
	return out
}

func more(n int) string {
	switch {
	case n <= 0:
		return ""
	case n == 1:
		return " and 1 more file"
	}
	return fmt.Sprintf(" and %d more files", n)
}

// Sentence says a finding in words and numbers.
func (f Finding) Sentence() string {
	s := fmt.Sprintf("%s %s: %s", f.Metric, f.Outcome, f.First.Reason)
	if k := f.First.Family; k != nil {
		s += fmt.Sprintf(", p %.2g as one of %d", k.Adjusted, k.Size)
	}
	if r := f.Replication; r != nil {
		s += fmt.Sprintf("; in a fresh run %s", r.Reason)
		if !r.Exact {
			s += fmt.Sprintf(", p %.2g", r.P)
		}
	}
	return s
}
