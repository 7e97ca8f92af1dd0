package scenarios

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// TestBroken: each archive of testdata/broken holds files with mistakes, and
// behind each the problems that Parse reports.
func TestBroken(t *testing.T) {
	archives, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives of broken scenarios: %v", err)
	}
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := make(map[string]string)
		out := txtar.Archive{Comment: a.Comment}
		for _, f := range a.Files {
			if name, ok := strings.CutSuffix(f.Name, ".err"); ok {
				want[name] = string(f.Data)
			}
		}
		for _, f := range a.Files {
			name, ok := strings.CutSuffix(f.Name, ".yaml")
			if !ok {
				continue
			}
			got := problems(t, f.Name, f.Data)
			out.Files = append(out.Files, f, txtar.File{Name: name + ".err", Data: []byte(got)})
			t.Run(name, func(t *testing.T) {
				if !*update && got != want[name] {
					t.Errorf("problems of %s:\n%swant:\n%s", f.Name, got, want[name])
				}
			})
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(&out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// problems parses a broken file and returns what Parse says, one line each.
// Whatever the mistake, each problem has a place inside the file, is in order,
// and takes no time to find.
func problems(t *testing.T, file string, data []byte) string {
	t.Helper()
	start := time.Now()
	_, err := Parse(file, data)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("%s: took %v", file, took)
	}
	var ps Problems
	if !errors.As(err, &ps) || len(ps) == 0 {
		t.Fatalf("%s: accepted (%v); want problems", file, err)
	}
	lines := bytes.Count(data, []byte("\n")) + 1
	for i, p := range ps {
		if p.File != file || p.Line < 1 || p.Line > lines || p.Column < 1 || p.Wrong == "" {
			t.Errorf("%s: problem %+v has no place in %d lines", file, p, lines)
		}
		if i > 0 && (p.Line < ps[i-1].Line || p.Line == ps[i-1].Line && p.Column < ps[i-1].Column) {
			t.Errorf("%s: problem %v comes after %v", file, p, ps[i-1])
		}
	}
	return ps.Error() + "\n"
}

const minimal = `name: minimal
title: T
workload: {kind: inference, model: resnet18}
control: {}
variants: {b: {set: {batch: 2}}}
`

// TestBrokenBytes: mistakes that a text file cannot show, or that are too long
// to show.
func TestBrokenBytes(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"latin 1", strings.Replace(minimal, "title: T", "title: \xe9t\xe9", 1),
			`minimal.yaml:2:8: "title: \xe9t\xe9": byte 0xe9 is not UTF-8; want plain UTF-8 text`},
		{"control character", strings.Replace(minimal, "title: T", "title: \x01", 1),
			`minimal.yaml:2:8: "title: \x01": control character U+0001; want plain UTF-8 text`},
		{"zero byte", minimal + "\x00", `minimal.yaml:6:1: "\x00": control character U+0000; want plain UTF-8 text`},
		{"lone carriage returns", strings.ReplaceAll(minimal, "\n", "\r"),
			`minimal.yaml:1:14: "name: minimal\rtitle: T\rworkload: {kind: …": control character U+000D; want plain UTF-8 text`},
		{"UTF-16", "\xff\xfen\x00a\x00m\x00e\x00", `minimal.yaml:1:1: "\xff\xfe": the file is UTF-16; want UTF-8`},
		{"huge", minimal + strings.Repeat("# and more\n", 100_000),
			`minimal.yaml:1:1: "name: minimal": the file is too long for a scenario; want at most 65536 bytes`},
		{"deep lists", strings.Repeat("[", 30_000),
			`minimal.yaml:1:1: "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…": nested too deep; want a scenario, five levels deep at most`},
		{"deep maps", strings.Repeat("{a: ", 9_000),
			`minimal.yaml:1:1: "{a: {a: {a: {a: {a: {a: {a: {a: {a: {a: …": a bracket or comma where a value should be; want a value`},
		{"deep and closed", strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000),
			`minimal.yaml:1:1: "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…": the scenario is a list; want a map with ` + strings.Join(keys(fieldsOf(documentType)), ", ")},
		{"after a byte order mark, with CRLF", "\ufeff" + strings.ReplaceAll(strings.Replace(minimal, "title", "titel", 1), "\n", "\r\n"),
			"minimal.yaml:1:1: \"title\": missing from the scenario; want what is compared, for tables; one line\n" +
				`minimal.yaml:2:1: "titel": not a key of the scenario; want ` + oneOf(keys(fieldsOf(documentType))) + `; did you mean "title"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := problems(t, "minimal.yaml", []byte(c.data)); got != c.want+"\n" {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// TestByteOrderMarkAndCRLF: what editors on Windows add does not matter.
func TestByteOrderMarkAndCRLF(t *testing.T) {
	for _, text := range []string{minimal, "\ufeff" + minimal, strings.ReplaceAll(minimal, "\n", "\r\n")} {
		if _, err := Parse("minimal.yaml", []byte(text)); err != nil {
			t.Errorf("%.20q…: %v", text, err)
		}
	}
}

// TestOneEditAway: wherever a letter of a good file is lost, the file stays
// good or is refused with a place.
func TestOneEditAway(t *testing.T) {
	for i := range minimal {
		text := minimal[:i] + minimal[i+1:]
		if _, err := Parse("minimal.yaml", []byte(text)); err != nil {
			problems(t, "minimal.yaml", []byte(text))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	archives, _ := filepath.Glob("testdata/broken/*.txtar")
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("minimal.yaml", data)
		if err != nil {
			if text := problems(t, "minimal.yaml", data); !utf8.ValidString(text) {
				t.Errorf("problems are not UTF-8: %q", text)
			}
			return
		}
		if cells := Expand(s); len(cells) == 0 || fmt.Sprint(cells) != fmt.Sprint(Expand(s)) {
			t.Errorf("%d cells, or not the same twice", len(cells))
		}
		if err, ok := validate(data); ok && err != nil {
			t.Errorf("the schema refuses what Parse accepts: %v", err)
		}
	})
}
