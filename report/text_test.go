package report_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"lensbench/report"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func text(t *testing.T, f fixture, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, f.run, f.v, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestText shows every fixture in both widths; no line is wider.
func TestText(t *testing.T) {
	for name, f := range fixtures {
		for _, width := range []int{80, 100} {
			got := text(t, f, report.Options{Width: width})
			golden(t, fmt.Sprintf("%s.%d.txt", name, width), got)
			for i, line := range strings.Split(got, "\n") {
				if w := twwidth.Width(line); w > width {
					t.Errorf("%s: line %d has %d columns; want at most %d: %s", name, i+1, w, width, line)
				}
				if strings.HasSuffix(line, " ") {
					t.Errorf("%s: line %d ends with a blank", name, i+1)
				}
			}
		}
	}
}

func TestDetails(t *testing.T) {
	golden(t, "details.txt", text(t, fixtures["one"], report.Options{Details: true}))
}

// TestColourIsNeverAlone: without its escape sequences coloured text is the
// same text.
func TestColourIsNeverAlone(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, f := range fixtures {
		plain := text(t, f, report.Options{Width: 80})
		coloured := text(t, f, report.Options{Width: 80, Color: true})
		if strings.Contains(plain, "\x1b") {
			t.Errorf("%s: text without colour has escape sequences", name)
		}
		var lines []string
		for line := range strings.SplitSeq(escape.ReplaceAllString(coloured, ""), "\n") {
			lines = append(lines, strings.TrimRight(line, " "))
		}
		if got := strings.Join(lines, "\n"); got != plain {
			t.Errorf("%s: coloured text says\n%s\nplain text says\n%s", name, got, plain)
		}
	}
	if !strings.Contains(text(t, fixtures["one"], report.Options{Color: true}), "\x1b[31mslower") {
		t.Error("a slower arm is not red")
	}
}

// TestOptionsForFile: what is not a terminal gets no colour and the full width.
func TestOptionsForFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := report.Options{Width: report.DefaultWidth}
	for _, got := range []report.Options{report.OptionsFor(f), report.OptionsFor(&bytes.Buffer{})} {
		if got != want {
			t.Errorf("options are %+v; want %+v", got, want)
		}
	}
}
