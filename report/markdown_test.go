package report_test

import (
	"bytes"
	"strings"
	"testing"

	"lensbench/report"
)

func markdown(t *testing.T, f fixture) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Markdown(&b, f.run, f.v, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMarkdown(t *testing.T) {
	for name, f := range fixtures {
		golden(t, name+".md", markdown(t, f))
	}
}

// TestEveryTableHasItsSource: a table that is copied elsewhere still says where
// it is from.
func TestEveryTableHasItsSource(t *testing.T) {
	for name, f := range fixtures {
		lines := strings.Split(markdown(t, f), "\n")
		for i, line := range lines {
			ends := strings.HasPrefix(line, "|") && (i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "|"))
			if !ends {
				continue
			}
			if i+2 >= len(lines) || lines[i+1] != "" {
				t.Errorf("%s: line %d: the table ends without a blank line", name, i+1)
				continue
			}
			below := lines[i+2]
			for _, want := range []string{f.run.ID, "2026-03-01", "Example CPU", strings.Join(f.run.Command, " ")} {
				if !strings.Contains(below, want) {
					t.Errorf("%s: line %d: %q does not say %s", name, i+3, below, want)
				}
			}
		}
	}
}
