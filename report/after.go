package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"lensbench/record"
)

// intro says what was compared and how to read the ratios.
func (b *sheetBuilder) intro() {
	if c := b.plan.Claim; c != nil {
		text := "“" + c.Says + "”"
		if b.plan.Decides != "" && len(b.plan.Expect) > 0 {
			text += fmt.Sprintf("; decided by %s: %s", b.plan.Decides, expectations(b.plan.Expect, b.control))
		}
		if b.plan.Decides != "" && len(b.plan.Expect) == 0 && b.plan.Equal != nil {
			text += fmt.Sprintf("; decided by the check of the %s of %s", b.plan.Equal.Output, b.plan.Decides)
		}
		b.say(sentence{label: "Claim", text: text})
	}
	if b.metric != "" {
		text := fmt.Sprintf("%s ÷ that of %s", metricName(b.metric), b.control)
		if hint := better(b.metric); hint != "" {
			text += "; " + hint
		}
		b.say(sentence{label: "Ratio", text: text})
	}
}

func (b *sheetBuilder) say(s sentence) { b.sheet.intro = append(b.sheet.intro, s) }

// expectations are the claimed numbers in words.
func expectations(list []record.Expect, control string) string {
	var out []string
	for _, e := range list {
		op := map[string]string{">=": "at least", "<=": "at most"}[e.Op]
		out = append(out, fmt.Sprintf("%s %s %v × %s", metricName(e.Metric), orElse(op, e.Op), e.Ratio, control))
	}
	return strings.Join(out, ", ")
}

// after is what the answer rests on.
func (b *sheetBuilder) after() {
	for _, s := range []sentence{b.said(), b.status(), b.twins(), b.outputs(), b.drift(), b.basis(), b.witness(), b.profiled(), b.noise(), b.dropped(), b.steal()} {
		if s.text != "" {
			b.sheet.after = append(b.sheet.after, s)
		}
	}
}

// verdict is that on the claim; empty if the cell does not judge one.
func (b *sheetBuilder) verdict() sentence {
	c := b.cv.Claim
	if c == nil {
		return sentence{}
	}
	text := "claim " + c.Verdict
	if mark := b.armOf(c.Reason); mark > 0 {
		text += ", see " + superscript(mark)
	} else if c.Reason != "" {
		text += ": " + c.Reason
	}
	if c.Device != "" && c.Verdict != record.NotTested {
		text += ". Holds for " + c.Device
	}
	return sentence{"Verdict", text, toneOf(c.Verdict)}
}

// said is what workers said beside, of every arm that said something.
func (b *sheetBuilder) said() sentence {
	var arms []string
	for _, a := range b.cv.Arms {
		var words []string
		for _, name := range slices.Sorted(maps.Keys(a.Extra)) {
			words = append(words, name+" "+extraFigure(name, float64(a.Extra[name])))
		}
		if words != nil {
			arms = append(arms, a.Arm+": "+strings.Join(words, ", "))
		}
	}
	if arms == nil {
		return sentence{}
	}
	return sentence{label: "Also said", text: strings.Join(arms, "; ") + " (medians of samples)"}
}

// extraBytes says whether a number that a worker said beside is one of bytes.
func extraBytes(name string) bool { return strings.HasSuffix(name, "_peak") }

func extraFigure(name string, v float64) string {
	switch {
	case extraBytes(name):
		return bytesOf(int64(v))
	case v == math.Trunc(v) && math.Abs(v) < 1e15:
		return minus(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return significant(v)
}

// status is how the cell ended; of a cell that is ok, what it lacks.
func (b *sheetBuilder) status() sentence {
	if b.cv.Status == record.OK || b.cv.Status == "" {
		return sentence{label: "Note", text: b.cv.Reason, tone: doubtful}
	}
	text := b.cv.Status
	if mark := b.armOf(b.cv.Reason); mark > 0 {
		text += ", see " + superscript(mark)
	} else {
		text += ": " + advised(orElse(b.cv.Reason, "no reason was recorded"), b.cv.Status)
	}
	return sentence{"Status", text, toneOf(b.cv.Status)}
}

// twins says that the arms are one and the same, on purpose.
func (b *sheetBuilder) twins() sentence {
	arms := b.plan.Arms
	if len(arms) < 2 {
		return sentence{}
	}
	for _, a := range arms[1:] {
		if a.Worker != arms[0].Worker || a.Settings.Hash() != arms[0].Settings.Hash() {
			return sentence{}
		}
	}
	s := sentence{"Twins", "all arms are the same, on purpose: a difference would be the fault of the instrument", neutral}
	for _, c := range b.cv.Comparisons {
		switch c.Outcome {
		case record.Faster, record.Slower, record.Less, record.More:
			return sentence{"Twins", "all arms are the same, on purpose, yet a difference was found: do not trust this run", bad}
		}
	}
	return s
}

// outputs is the result of the correctness check.
func (b *sheetBuilder) outputs() sentence {
	if b.plan.Equal == nil {
		return sentence{}
	}
	worst, arm, checked, failed := -1.0, "", 0, false
	for _, a := range b.cv.Arms {
		failed = failed || a.Check == record.NotPassed
		if a.Arm == b.control || a.Worst == nil {
			continue
		}
		checked++
		if *a.Worst > worst {
			worst, arm = *a.Worst, a.Arm
		}
	}
	demand, found := checkWords(*b.plan.Equal, b.control, worst)
	if checked == 0 && !failed {
		return sentence{"Outputs", demand + ", were not compared", doubtful}
	}
	if checked == 0 {
		return sentence{"Outputs", demand + ": they are not", bad}
	}
	t := good
	if failed || worst > b.plan.Equal.Tolerance || math.IsNaN(worst) {
		t = bad
	}
	return sentence{"Outputs", fmt.Sprintf("%s: %s (%s)", demand, found, arm), t}
}

// checkWords say what a check demands and how far outputs are from it.
func checkWords(e record.Equal, control string, worst float64) (demand, found string) {
	differ := fmt.Sprintf("differ by %.2g at most", worst)
	switch e.Rule {
	case record.RuleDigest:
		return fmt.Sprintf("%s, to be those of %s", e.Output, control), partsWords(worst)
	case record.RuleSeedBand:
		return fmt.Sprintf("%s, its means to lie in the seed-to-seed bands of %s (99 %%)", e.Output, control),
			fmt.Sprintf("at %.2g of the band's half-width at most", worst)
	case record.RuleScores:
		return scoresDemand(e, control), fmt.Sprintf("at %.2g of the limits at most", worst)
	case record.RuleBound:
		return fmt.Sprintf("%s, all to be finite and at most %v", e.Output, e.Tolerance), fmt.Sprintf("%.3g at most", worst)
	case record.RuleLargest:
		return fmt.Sprintf("%s, to be equal to those of %s within %v of the largest", e.Output, control, e.Tolerance), differ
	}
	return fmt.Sprintf("%s, to be equal to those of %s within %v", e.Output, control, e.Tolerance), differ
}

// partsWords says how many parts differ.
func partsWords(n float64) string {
	if n == 0 {
		return "they are, to the bit"
	}
	return fmt.Sprintf("up to %s", counted(int(n), "part")) + " differ"
}

// basis says how much the numbers rest on.
func (b *sheetBuilder) basis() sentence {
	restarts, pairs := 0, 0
	for _, c := range b.cv.Comparisons {
		if c.Pairs > pairs && !record.OwnPass(c.Metric) {
			restarts, pairs = c.Restarts, c.Pairs
		}
	}
	if pairs == 0 {
		return sentence{}
	}
	text := fmt.Sprintf("%s in %s", counted(pairs, "pair"), counted(restarts, "restart"))
	if b.cv.Stopped != "" {
		text += "; stopped " + b.cv.Stopped
	} else if n := b.plan.Plan.Restarts; n > restarts && b.plan.Plan.Seconds == 0 {
		text += fmt.Sprintf(" of %d planned", n)
	}
	return sentence{label: "Basis", text: text}
}

// witness is what instructions say beside time.
func (b *sheetBuilder) witness() sentence {
	var words []string
	for _, w := range b.cv.Witnesses {
		words = append(words, fmt.Sprintf("%s %.5f [%.5f, %.5f]", w.Variant, w.Ratio.Value, w.Ratio.Low, w.Ratio.High))
	}
	if words == nil {
		return sentence{}
	}
	return sentence{label: "Witness", text: fmt.Sprintf("instructions per sample in user space ÷ those of %s: %s; they say what was done, not how long it took",
		b.control, strings.Join(words, ", "))}
}

// noise counts the samples that something else disturbed.
func (b *sheetBuilder) noise() sentence {
	noisy, all := 0, 0
	var who []string
	for _, a := range b.cv.Arms {
		all += a.Samples
		if a.Noisy > 0 {
			noisy += a.Noisy
			who = append(who, fmt.Sprintf("%s %d", a.Arm, a.Noisy))
		}
	}
	if noisy == 0 {
		return sentence{}
	}
	return sentence{"Noise", fmt.Sprintf("other processes used more than 5 %% of the machine during %d of %d samples (%s)",
		noisy, all, strings.Join(who, ", ")), doubtful}
}

// dropped counts the blocks that are left out for what the host did in them.
func (b *sheetBuilder) dropped() sentence {
	k := b.cv.Contamination
	if k == nil {
		return sentence{}
	}
	var causes []string
	for _, why := range slices.Sorted(maps.Keys(k.Causes)) {
		causes = append(causes, fmt.Sprintf("%s %d", why, k.Causes[why]))
	}
	text := fmt.Sprintf("%d of %s, with the samples of all arms, because of what else the machine did then: %s",
		k.Dropped, counted(k.Blocks, "block"), strings.Join(causes, ", "))
	if k.Dropped < k.Contaminated {
		text += fmt.Sprintf("; it was so in %d, but half of each restart stays", k.Contaminated)
	}
	return sentence{"Dropped", text, doubtful}
}

// stealLimit is the share of stolen time from which on it is worth a warning.
const stealLimit = 0.01

func (b *sheetBuilder) steal() sentence {
	worst, arm := 0.0, ""
	for _, a := range b.cv.Arms {
		if a.Steal > worst {
			worst, arm = a.Steal, a.Arm
		}
	}
	if worst < stealLimit {
		return sentence{}
	}
	return sentence{"Steal", fmt.Sprintf("the hypervisor took up to %s of the CPUs' time (during samples of %s)", percent(worst), arm), doubtful}
}
