package runner

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/verdict"
)

// scoreDifference asks whether scores of test images are within their limits. What it
// measures is the share of a limit that is used up, of the limit that is nearest.
func scoreDifference(e record.Equal, got, want protocol.Outputs) (worst float64, why string) {
	d, err := drift(got, want)
	if err != nil {
		return math.NaN(), fmt.Sprintf("%s: %v", e.Output, err)
	}
	var reasons []string
	if fall := d.Fall(); fall > 0 {
		worst = fall / e.Scores.AUROCDrop
		if fall > e.Scores.AUROCDrop {
			reasons = append(reasons, fmt.Sprintf("AUROC is %.5f, %.2g below the control's %.5f; the limit is %g", d.AUROC, fall, d.Control, e.Scores.AUROCDrop))
		}
	}
	if most := e.Scores.Changed; most > 0 {
		share := float64(d.Changed) / float64(d.Images)
		worst = max(worst, share/most)
		if share > most {
			reasons = append(reasons, fmt.Sprintf("%d of %d decisions are not the control's; the limit is %.3g %%", d.Changed, d.Images, 100*most))
		}
	}
	if reasons != nil {
		return worst, e.Output + ": " + strings.Join(reasons, "; ")
	}
	return worst, ""
}

// driftOf is what the record keeps of a comparison of scores; nil of other outputs, and
// of scores that cannot be compared.
func driftOf(e record.Equal, got, want protocol.Outputs) *record.Drift {
	if e.Rule != record.RuleScores {
		return nil
	}
	d, err := drift(got, want)
	if err != nil {
		return nil
	}
	kept := record.Drift(d)
	return &kept
}

// drift compares the rows of two outputs.
func drift(got, want protocol.Outputs) (verdict.Drift, error) {
	rows := len(protocol.ScoreRows())
	for _, o := range []protocol.Outputs{got, want} {
		if len(o.Shape) != 2 || o.Shape[0] != rows {
			return verdict.Drift{}, fmt.Errorf("outputs of shape %v; want %s", o.Shape, strings.Join(protocol.ScoreRows(), ", "))
		}
	}
	if seeds(got) != seeds(want) || !slices.Equal(row(got, rows-1), row(want, rows-1)) {
		return verdict.Drift{}, fmt.Errorf("of other images than the control's: %d and %d, or their labels differ", seeds(got), seeds(want))
	}
	return verdict.DriftOf(scored(want), scored(got), row(want, rows-1))
}

// scored are the logits and the thresholds of outputs.
func scored(o protocol.Outputs) verdict.Scored {
	return verdict.Scored{Logits: row(o, 0), Thresholds: row(o, 1)}
}
