package report

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"one", 5, []string{"one"}},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{"  one \n two\t", 6, []string{"one", "two"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"a abcdefgh b", 3, []string{"a", "abc", "def", "gh", "b"}},
		{"mc-dropout-head", 12, []string{"mc-dropout-", "head"}},
		{"mc-dropout-head", 5, []string{"mc-", "dropo", "ut-", "head"}},
		{"-abcdefgh-", 6, []string{"-abcde", "fgh-"}},
		{"漢字漢字", 5, []string{"漢字", "漢字"}},
		{"漢字", 3, []string{"漢", "字"}},
		{"\xff\xff", 1, []string{"\xff", "\xff"}},
	} {
		if got := wrap(test.text, test.width); !slices.Equal(got, test.want) {
			t.Errorf("%q in %d columns: %q; want %q", test.text, test.width, got, test.want)
		}
	}
}

// TestWrapKeepsEverything: no letter is lost and no line is too wide.
func TestWrapKeepsEverything(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	letters := []rune("ab- –漢 é")
	for range 2000 {
		var b strings.Builder
		for range r.IntN(40) {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		text, width := b.String(), 2+r.IntN(20)
		lines := wrap(text, width)
		for _, line := range lines {
			if columns(line) > width {
				t.Errorf("%q in %d columns has the line %q", text, width, line)
			}
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if got := squeeze(strings.Join(lines, "")); got != squeeze(text) {
			t.Errorf("%q in %d columns became %q", text, width, lines)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"plain [1, 2] text":  "plain [1, 2] text",
		"a|b":                `a\|b`,
		"*x* _y_ `z`":        "\\*x\\* \\_y\\_ \\`z\\`",
		"<b>":                `\<b>`,
		"[x](y)":             `[x]\(y)`,
		"two\nlines":         "two lines",
		`back\slash`:         `back\\slash`,
		"<!-- a comment -->": `\<!-- a comment -->`,
	} {
		if got := escape(text); got != want {
			t.Errorf("%q escaped is %q; want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"bench run": "`bench run`", "a`b": "`` a`b ``"} {
		if got := code(text); got != want {
			t.Errorf("%q as code is %q; want %q", text, got, want)
		}
	}
}
