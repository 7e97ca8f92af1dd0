package report

import (
	"fmt"

	"lensbench/record"
)

// toneOf is the tone of a status, an outcome or a verdict on a claim.
func toneOf(s string) tone {
	switch s {
	case record.Faster, record.Less, record.Supported:
		return good
	case record.Slower, record.More, record.Refuted,
		record.OOM, record.Timeout, record.Crash, record.Failed, record.QualityFail, record.Invalid:
		return bad
	case record.Inconclusive, record.Insufficient, record.Contaminated, record.Incomparable, record.Skipped, record.NotTested:
		return doubtful
	}
	return neutral
}

// advice is what to do about a status. Reasons of skipped and contaminated arms
// say it themselves, because only they know what is missing.
var advice = map[string]string{
	record.Invalid:      "its worker contradicts itself: see the run's logs directory, and mend the worker",
	record.Insufficient: "measure more restarts",
	record.OOM:          "give it a smaller batch, or the machine more memory",
	record.Timeout:      "raise plan.time_limit in its scenario, or give it less work",
	record.Crash:        "its last words are in the run's logs directory",
	record.Failed:       "its messages are in the run's logs directory",
	record.QualityFail:  "its speed does not count until its outputs are right",
	record.Incomparable: "compare builds that know the same settings",
}

// advised is a reason and what to do about it.
func advised(reason, status string) string {
	if a := advice[status]; a != "" {
		return reason + " — " + a
	}
	return reason
}

// reasoned is a status with its reason and what to do.
func reasoned(who, status, reason string) string {
	return advised(fmt.Sprintf("%s: %s: %s", who, status, orElse(reason, "no reason was recorded")), status)
}
