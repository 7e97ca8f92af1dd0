package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"lensbench/protocol"
	"lensbench/record"
)

// shownOperators is how many operators a table has rows for, unless details are wanted.
const shownOperators = 8

// A breakdown is where an arm's time went, in seconds an iteration.
type breakdown struct {
	operators  map[string]float64 // self time of those that are listed
	others     float64            // of those that are not
	cut        bool               // whether there are such
	busy, wall float64
}

// breakdownOf returns that of an arm with a profile in which operators were seen.
func breakdownOf(a record.ArmSummary) (b breakdown, ok bool) {
	if a.Profile == nil || a.Profile.Said == nil || a.Profile.Iterations < 1 || !(a.Profile.Said.Busy > 0) {
		return b, false
	}
	said, n := a.Profile.Said, float64(a.Profile.Iterations)
	b = breakdown{operators: map[string]float64{}, busy: said.Busy / n, wall: said.Wall / n}
	for _, o := range said.Operators {
		b.operators[o.Name] = o.Seconds / n
	}
	if said.Other != nil {
		b.others, b.cut = said.Other.Seconds/n, true
	}
	return b, true
}

// overlap is by how much operators together exceed the time that passed in them, since
// threads were in some at once.
func (b breakdown) overlap() float64 {
	sum := b.others
	for _, s := range b.operators {
		sum += s
	}
	return max(0, sum-b.busy)
}

// profiles are a table for every variant, the deciding one first, of the operators that
// differ most from the control's. Every column adds up to its last row.
func (b *sheetBuilder) profiles(all bool) (tables []grid) {
	if len(b.cv.Arms) == 0 {
		return nil
	}
	control, ok := breakdownOf(b.cv.Arms[0])
	if !ok {
		return nil
	}
	variants := slices.Clone(b.cv.Arms[1:])
	slices.SortStableFunc(variants, func(x, y record.ArmSummary) int { return b.rank(x) - b.rank(y) })
	for _, a := range variants {
		if variant, ok := breakdownOf(a); ok {
			most := shownOperators
			if all {
				most = math.MaxInt
			}
			tables = append(tables, profileGrid(b.control, a.Arm, control, variant, most))
		}
	}
	return tables
}

// rank puts the deciding variant before the others.
func (b *sheetBuilder) rank(a record.ArmSummary) int {
	if a.Arm == b.plan.Decides {
		return 0
	}
	return 1
}

func profileGrid(controlName, variantName string, control, variant breakdown, most int) grid {
	p := printed(max(control.wall, variant.wall))
	g := grid{
		caption: fmt.Sprintf("Time by operator, ms an iteration: %s, and %s as the variant", controlName, variantName),
		columns: []column{{head: "operator"}, {"control", true}, {"variant", true}, {"difference", true}},
	}
	row := func(name string, c, v float64) {
		g.rows = append(g.rows, []entry{word(name), word(p.of(c)), word(p.of(v)), word(p.signed(v - c))})
	}
	names := byDifference(control, variant)
	otherC, otherV := control.others, variant.others
	for i, name := range names {
		c, v := control.operators[name], variant.operators[name]
		if i >= most {
			otherC, otherV = otherC+c, otherV+v
			continue
		}
		g.rows = append(g.rows, []entry{word(shortName(name)), word(control.print(name, p)), word(variant.print(name, p)), word(p.signed(v - c))})
	}
	if len(names) > most || control.cut || variant.cut {
		row("other operators", otherC, otherV)
	}
	if control.overlap()+variant.overlap() > slackOfTables*(control.wall+variant.wall) {
		row("less what threads did at once", -control.overlap(), -variant.overlap())
	}
	row("outside of operators", control.wall-control.busy, variant.wall-variant.busy)
	row("an iteration", control.wall, variant.wall)
	return g
}

// mostName is how many letters of an operator a table has room for; libtorch's own are
// shorter, those of compilers are not.
const mostName = 44

// shortName leaves out where most operators are from, and what is too long; CSV has all.
func shortName(name string) string {
	letters := []rune(strings.TrimPrefix(name, "aten::"))
	if len(letters) > mostName {
		return string(letters[:mostName-1]) + "…"
	}
	return string(letters)
}

// slackOfTables is the share of an iteration below which nothing has a row of its own.
const slackOfTables = 1e-3

// byDifference are the operators of both arms, those that differ most first.
func byDifference(control, variant breakdown) (names []string) {
	for name := range control.operators {
		names = append(names, name)
	}
	for name := range variant.operators {
		if _, both := control.operators[name]; !both {
			names = append(names, name)
		}
	}
	differs := func(name string) float64 { return math.Abs(variant.operators[name] - control.operators[name]) }
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(differs(b), differs(a)), cmp.Compare(a, b)) })
	return names
}

// print is the time of an operator: absent if it was not called, and below the others if
// it may have been.
func (b breakdown) print(name string, p printer) string {
	v, listed := b.operators[name]
	switch {
	case listed:
		return p.of(v)
	case b.cut:
		return "other"
	}
	return absent
}

// A printer writes seconds as milliseconds, all with as many decimals.
type printer struct{ decimals int }

// printed gives the largest number of a table four digits, and none more than four decimals.
func printed(largest float64) printer {
	if !(largest > 0) {
		return printer{}
	}
	return printer{min(4, max(0, 3-int(math.Floor(math.Log10(largest*1e3)))))}
}

func (p printer) of(seconds float64) string {
	s := strconv.FormatFloat(math.Abs(seconds)*1e3, 'f', p.decimals, 64)
	if seconds < 0 && strings.Trim(s, "0.") != "" {
		return "−" + s
	}
	return s
}

func (p printer) signed(seconds float64) string {
	s := p.of(seconds)
	if seconds > 0 && strings.Trim(s, "0.") != "" {
		return "+" + s
	}
	return s
}

// profiled says how much of the time the profiles explain, and why there are none.
func (b *sheetBuilder) profiled() sentence {
	var shares, without []string
	for _, a := range b.cv.Arms {
		p := a.Profile
		switch {
		case p == nil && b.plan.Profile && a.Status == record.OK:
			without = append(without, a.Arm+": not made")
		case p == nil:
		case p.Said == nil:
			without = append(without, fmt.Sprintf("%s: %s: %s", a.Arm, p.Status, p.Reason))
		case !(p.Said.Busy > 0):
			without = append(without, a.Arm+": no operator of libtorch ran in its process")
		default:
			shares = append(shares, fmt.Sprintf("%s %s%s", a.Arm, percent(p.Said.Busy/p.Said.Wall), onThreads(p.Said.Threads)))
		}
	}
	var text []string
	for _, a := range b.cv.Arms {
		if slower := b.slowdown(a); slower > doubtfulSlowdown {
			text = append(text, fmt.Sprintf("doubtful: an iteration of %s took %s × as long as in the timing, so the machine was busy with something else", a.Arm, significant(slower)))
		}
	}
	if shares != nil {
		text = append(text, "share of an iteration in operators: "+strings.Join(shares, ", ")+"; from a pass of its own after the timing, which noting them slows down")
	}
	if without != nil {
		text = append(text, "no profile of "+strings.Join(without, "; "))
	}
	return sentence{label: "Profile", text: strings.Join(text, "; ")}
}

// doubtfulSlowdown is more than what noting operators costs: about a percent where they
// are large, and in PyTorch's profiler a few tens where they are small.
const doubtfulSlowdown = 1.5

// slowdown is how many times as long an iteration took in the profile as in the timing;
// 0 if that is not known. Latencies of queries are not those of iterations.
func (b *sheetBuilder) slowdown(a record.ArmSummary) float64 {
	timed := a.Latency["p50"]
	if of, ok := breakdownOf(a); ok && timed.N > 0 && timed.Value > 0 && b.mode(a.Arm) == "" {
		return of.wall / timed.Value
	}
	return 0
}

func onThreads(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d threads)", n)
}

// profileRows are an arm's operators for CSV, in seconds an iteration. n is how many
// calls, or for the whole how many iterations, the figure is of.
func profileRows(a record.ArmSummary) (rows []csvRow) {
	p := a.Profile
	if p == nil {
		return nil
	}
	if p.Said == nil {
		return []csvRow{{"kind": csvProfile, "arm": a.Arm, "outcome": p.Status, "reason": p.Reason}}
	}
	add := func(metric string, seconds float64, n int64) {
		rows = append(rows, csvRow{"kind": csvProfile, "arm": a.Arm, "metric": metric, "unit": "s",
			"value": number(seconds / float64(max(1, p.Iterations))), "n": strconv.FormatInt(n, 10), "outcome": p.Status})
	}
	add("wall", p.Said.Wall, int64(p.Iterations))
	add("busy", p.Said.Busy, int64(p.Iterations))
	for _, o := range append(slices.Clone(p.Said.Operators), others(p.Said)...) {
		add("operator."+orElse(o.Name, "other"), o.Seconds, o.Calls)
	}
	return rows
}

func others(p *protocol.Profile) []protocol.OperatorTime {
	if p.Other == nil {
		return nil
	}
	return []protocol.OperatorTime{*p.Other}
}
