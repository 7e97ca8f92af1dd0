package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake in a scenario file.
type Problem struct {
	File   string `json:"file"`            // as the user named it
	Line   int    `json:"line"`            // from 1
	Column int    `json:"column"`          // in characters, from 1
	Text   string `json:"text"`            // what is written there, or the key that is missing
	Wrong  string `json:"wrong"`           // what is wrong with it
	Want   string `json:"want,omitempty"`  // what is expected: type, range, unit, allowed names
	Meant  string `json:"meant,omitempty"` // nearest valid name
}

// Error is one line: file:line:column: "text": wrong; want …; did you mean …?
func (p Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %q: %s", p.File, p.Line, p.Column, p.Text, p.Wrong)
	if p.Want != "" {
		fmt.Fprintf(&b, "; want %s", p.Want)
	}
	if p.Meant != "" {
		fmt.Fprintf(&b, "; did you mean %q?", p.Meant)
	}
	return b.String()
}

// Problems are all mistakes that were found, by file and place.
type Problems []Problem

// Error is one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// err returns the problems in order as an error, nil if there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}

// oneOf lists names for a Problem's Want.
func oneOf(names []string) string {
	switch len(names) {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}
