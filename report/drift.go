package report

import (
	"fmt"
	"strings"

	"lensbench/record"
)

// scoresDemand says how far scores may be from the control's.
func scoresDemand(e record.Equal, control string) string {
	if e.Scores == nil { // of a document that was changed
		return e.Output
	}
	text := fmt.Sprintf("%s of %s, their AUROC to be at most %v below that of %s", e.Output, counted(e.Scores.Images, "test image"), e.Scores.AUROCDrop, control)
	if most := e.Scores.Changed; most > 0 {
		text += fmt.Sprintf(" and at most %.3g %% of the decisions to be others", 100*most)
	}
	return text
}

// drift says what each arm's scores are beside the control's.
func (b *sheetBuilder) drift() sentence {
	var arms []string
	for _, a := range b.cv.Arms {
		if a.Drift != nil && a.Arm != b.control {
			arms = append(arms, a.Arm+": "+driftWords(*a.Drift, b.control))
		}
	}
	if arms == nil {
		return sentence{}
	}
	return sentence{label: "Scores", text: strings.Join(arms, "; ")}
}

func driftWords(d record.Drift, control string) string {
	return fmt.Sprintf("AUROC %.4f, %s %.4f; %d of %s changed; a score moves by %.2g (median), %.2g (99 %%), %.2g (most)",
		d.AUROC, control, d.Control, d.Changed, counted(d.Images, "decision"), d.Median, d.P99, d.Max)
}
