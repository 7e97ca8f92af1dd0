package scenarios

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// An advice says in a user's words what a message of the YAML library means.
// The library gives a line but no column; where finds the column in that line,
// counted from 0 in bytes, or −1.
type advice struct {
	message string // beginning of the library's message
	wrong   string
	want    string
	where   func(line string) int
}

var advices = []advice{
	{"mapping values are not allowed", "a second colon in one line, or a line indented too far",
		"one key and value a line, aligned with its neighbours; quotes around text that holds \": \"", secondColon},
	{"could not find expected ':'", "a line without a colon", "key: value", nil},
	{"found character that cannot start any token", "a character that cannot begin a value", "quotes around text that begins so", oddStart},
	{"found unexpected end of stream", "a quote that is never closed", "a closing quote", quote},
	{"found unknown escape character", "an unknown escape", `\\, \", \n or single quotes`, backslash},
	{"did not find expected ',' or", "a bracket that is never closed, or a comma missing before here", "a closing bracket, or a comma between items", openBracket},
	{"did not find expected key", "something that is not a key at this indentation, or a stray bracket or quote",
		"key: value, aligned with the keys above", stray},
	{"did not find expected '-'", "a key among the items of a list", "items that begin with -, aligned", nil},
	{"did not find expected node content", "a bracket or comma where a value should be", "a value", bracket},
	{"unknown anchor", "aliases are not part of scenarios", "the value written out where it applies", star},
	{"exceeded max depth", "nested too deep", "a scenario, five levels deep at most", nil},
}

var (
	numbered  = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	anchored  = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
	fromZero  = regexp.MustCompile(`^(did not find expected (<|'-' indicator|key|node content|',' or)|found duplicate %|found incompatible|found undefined tag)`)
	separator = regexp.MustCompile(`^(---|\.\.\.)`)
)

// syntax reports why the text is not YAML.
func (s *source) syntax(err error) {
	if s.tabs(); len(s.problems) > 0 {
		return
	}
	if errors.Is(err, errSecond) {
		s.second()
		return
	}
	line, message := s.locate(err)
	p := Problem{File: s.file, Line: line, Wrong: "not YAML: " + message}
	for _, a := range advices {
		if strings.HasPrefix(message, a.message) {
			p.Wrong, p.Want = a.wrong, a.want
			p.Column = column(s.line(line), a.where)
		}
	}
	p.Column = max(p.Column, column(s.line(line), nil))
	p.Text = clip(s.line(line))
	s.problems = append(s.problems, p)
}

// locate takes line and message out of an error of the YAML library. The
// library's scanner counts lines from 1 and its parser from 0, both leave out
// line 0, and an unknown anchor has no line at all. Of an end of file that
// came too early the last line with text is shown.
func (s *source) locate(err error) (int, string) {
	parts := numbered.FindStringSubmatch(err.Error())
	if parts == nil {
		return 1, err.Error()
	}
	line, _ := strconv.Atoi(parts[1])
	if line == 0 || fromZero.MatchString(parts[2]) {
		line++
	}
	if m := anchored.FindStringSubmatch(parts[2]); m != nil {
		line = s.find("*" + m[1])
	}
	for line = min(line, len(s.lines)); line > 1 && strings.TrimSpace(s.line(line)) == ""; {
		line--
	}
	return max(line, 1), parts[2]
}

// find returns the first line that holds text, 1 if none does.
func (s *source) find(text string) int {
	for i, line := range s.lines {
		if strings.Contains(line, text) {
			return i + 1
		}
	}
	return 1
}

// tabs reports every line that is indented with a tab, which YAML forbids and
// editors hide.
func (s *source) tabs() {
	for i, line := range s.lines {
		body := strings.TrimLeft(line, " \t")
		if at := strings.IndexByte(line[:len(line)-len(body)], '\t'); at >= 0 && body != "" && body[0] != '#' {
			s.problems = append(s.problems, Problem{File: s.file, Line: i + 1, Column: at + 1,
				Text: "\t" + clip(body), Wrong: "indented with a tab", Want: "spaces"})
		}
	}
}

// second reports a second document, at its separator.
func (s *source) second() {
	text := false
	for i, line := range s.lines {
		body := strings.TrimSpace(line)
		if text && separator.MatchString(line) {
			s.problems = append(s.problems, Problem{File: s.file, Line: i + 1, Column: 1, Text: clip(line),
				Wrong: "a second document begins", Want: "one scenario a file"})
			return
		}
		text = text || body != "" && body[0] != '#' && !strings.HasPrefix(body, "---") && body[0] != '%'
	}
	s.whole("", "more than one document", "one scenario a file")
}

// column counts characters from 1 to where, or to the first that is not blank.
func column(line string, where func(string) int) int {
	at := -1
	if where != nil {
		at = where(line)
	}
	if at < 0 {
		at = len(line) - len(strings.TrimLeft(line, " \t"))
	}
	return len([]rune(line[:at])) + 1
}

func secondColon(line string) int {
	first := strings.Index(line, ": ")
	if first < 0 {
		return -1
	}
	if next := strings.Index(line[first+1:], ": "); next >= 0 {
		return first + 1 + next
	}
	return -1
}

func oddStart(line string) int {
	for _, odd := range []string{"\t", ": @", ": `", ": %", "- @", "- `"} {
		if at := strings.Index(line, odd); at >= 0 {
			return at + len(odd) - 1
		}
	}
	return -1
}

// openBracket finds the last bracket that the line leaves open.
func openBracket(line string) int {
	open, _ := brackets(line)
	return open
}

// stray finds the first bracket that closes nothing, or else text behind a
// closing quote.
func stray(line string) int {
	if _, closing := brackets(line); closing >= 0 {
		return closing
	}
	if m := behindQuote.FindStringSubmatchIndex(line); m != nil {
		return m[2]
	}
	return -1
}

var behindQuote = regexp.MustCompile(`: (?:"[^"]*"|'[^']*')\s*([^\s,}\]#])`)

// brackets returns where the last bracket stands that the line leaves open and
// the first that closes nothing, −1 for none. Brackets in quotes do not count.
func brackets(line string) (open, closing int) {
	var stack []int
	var quoted rune
	for i, r := range line {
		switch {
		case quoted != 0:
			if r == quoted {
				quoted = 0
			}
		case r == '"' || r == '\'':
			quoted = r
		case r == '[' || r == '{':
			stack = append(stack, i)
		case (r == ']' || r == '}') && len(stack) == 0:
			return -1, i
		case r == ']' || r == '}':
			stack = stack[:len(stack)-1]
		}
	}
	if len(stack) == 0 {
		return -1, -1
	}
	return stack[len(stack)-1], -1
}

func quote(line string) int     { return strings.IndexAny(line, `"'`) }
func backslash(line string) int { return strings.IndexByte(line, '\\') }
func bracket(line string) int   { return strings.IndexAny(line, "]},") }
func star(line string) int      { return strings.IndexByte(line, '*') }
