package baseline

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"lensbench/record"
)

// armKey is the key of the last part of a benchmark's name.
const armKey = "arm"

// Name is the benchmark name, without the word Benchmark, of an arm of a cell:
//
//	EnsembleParallel/model=resnet18/arm=threads
//
// It is made of the scenario, the point in the matrix in the order of its axes'
// names, and the arm, and of nothing that changes from run to run.
func Name(cell record.Cell, arm string) string {
	var b strings.Builder
	b.WriteString(camel(cell.Scenario))
	for _, axis := range slices.Sorted(maps.Keys(cell.Point)) {
		fmt.Fprintf(&b, "/%s=%s", escape(axis), escape(cell.Point[axis]))
	}
	fmt.Fprintf(&b, "/%s=%s", armKey, escapeLast(arm))
	return b.String()
}

// camel turns ensemble-parallel into EnsembleParallel. A hyphen before anything
// but a small letter stays, so that different names stay different.
func camel(name string) string {
	var b strings.Builder
	up := true
	rest := name
	for rest != "" {
		r, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		next, _ := utf8.DecodeRuneInString(rest)
		switch {
		case r == '-' && unicode.IsLower(next):
			up = true
			continue
		case up:
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return escape(b.String())
}

// escape writes as %XX what would end a name or a part of it.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("/=%", r) {
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

var processors = regexp.MustCompile(`-([0-9]+)$`)

// escapeLast is escape for the end of a name, where the format takes -8 for a
// number of processors.
func escapeLast(s string) string { return processors.ReplaceAllString(escape(s), "%2D$1") }

// splitArm takes the arm off a name. It is not ok for a name without one.
func splitArm(name string) (rest, arm string, ok bool) {
	i := strings.LastIndex(name, "/"+armKey+"=")
	if i < 0 {
		return name, "", false
	}
	arm, err := url.PathUnescape(name[i+len("/"+armKey+"="):])
	return name[:i], arm, err == nil
}
