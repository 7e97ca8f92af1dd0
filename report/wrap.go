package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// columns is how many columns of a terminal s takes, without its escape
// sequences. Signs that are wide only in some East Asian fonts count as narrow,
// whatever the locale, so that a report is the same everywhere.
func columns(s string) int { return twwidth.WidthWithOptions(s, twwidth.Options{}) }

// wrap breaks text into lines of at most width columns, 2 or more: at blanks, and
// inside words that are wider than a line, after a hyphen if that leaves two letters at
// least on either side. It returns at least one line.
func wrap(text string, width int) []string {
	lines := []string{""}
	last := func() *string { return &lines[len(lines)-1] }
	for _, word := range strings.Fields(text) {
		room := width - columns(*last())
		switch {
		case *last() == "":
		case 1+columns(word) <= room:
			*last() += " "
		default:
			lines = append(lines, "")
		}
		for columns(word) > width {
			n := hyphenated(word, fitting(word, width-columns(*last())))
			*last() += word[:n]
			word = word[n:]
			lines = append(lines, "")
		}
		*last() += word
	}
	return lines
}

// fitting is how many bytes of s are at most width columns wide, but at least
// one character.
func fitting(s string, width int) int {
	end := 0
	for i := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		if end > 0 && columns(s[:i+n]) > width {
			break
		}
		end = i + n
	}
	return end
}

// hyphenated is how many of the first n bytes of a word go before a break in it.
func hyphenated(word string, n int) int {
	const least = 2
	if i := strings.LastIndexByte(word[:n], '-') + 1; i > least && i <= len(word)-least {
		return i
	}
	return n
}

var superscripts = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
	"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// superscript is the sign of footnote n.
func superscript(n int) string { return superscripts.Replace(fmt.Sprint(n)) }

// superscripted are the signs of footnotes, each after a blank.
func superscripted(notes []int) string {
	s := ""
	for _, n := range notes {
		s += " " + superscript(n)
	}
	return s
}
