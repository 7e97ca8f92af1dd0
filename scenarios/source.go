package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// sizeLimit is far above any scenario that a person wrote, and small enough
// that whatever the file holds is refused at once.
const sizeLimit = 64 << 10

// A source is the text of a file and its YAML nodes.
type source struct {
	file     string
	lines    []string   // without line ends
	root     *yaml.Node // value of the only document; nil if the text is not one
	problems Problems
	aliased  map[string]bool // names of aliases that were reported
}

// read parses the text of a file. The root is nil if something makes the whole
// of it unreadable.
func read(file string, data []byte) source {
	s := source{file: file, aliased: make(map[string]bool)}
	if len(data) > sizeLimit {
		s.whole(clip(string(data[:80])), "the file is too long for a scenario", fmt.Sprintf("at most %d bytes", sizeLimit))
		return s
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	s.lines = strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	if s.characters(data); len(s.problems) > 0 {
		return s
	}
	root, err := parseYAML(data)
	switch {
	case err != nil:
		s.syntax(err)
	case root.Kind == 0 || root.Kind == yaml.ScalarNode && root.Tag == nullTag && root.Value == "":
		s.whole("", "nothing in the file", "a scenario, which begins with its name")
	default:
		s.root = root
		s.plain(root)
	}
	return s
}

var errSecond = errors.New("second document")

// parseYAML returns the value of the only document. The YAML library has a history
// of panics on hostile text; one of them must not take a run of other
// scenarios with it.
func parseYAML(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("yaml: the parser gave up: %v", r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return &yaml.Node{}, nil
	} else if err != nil {
		return nil, err
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errSecond
	}
	return doc.Content[0], nil
}

// characters refuses text that editors and the YAML library would not agree
// on: what is not UTF-8, control characters, and line ends other than LF and
// CRLF.
func (s *source) characters(data []byte) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		s.whole(string(data[:2]), "the file is UTF-16", "UTF-8")
		return
	}
	for i, line := range s.lines {
		column := 0
		for j, r := range line {
			column++
			wrong := ""
			switch _, size := utf8.DecodeRuneInString(line[j:]); {
			case r == utf8.RuneError && size == 1:
				wrong = fmt.Sprintf("byte 0x%02x is not UTF-8", line[j])
			case r != '\t' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff':
				wrong = fmt.Sprintf("control character %U", r)
			default:
				continue
			}
			s.problems = append(s.problems, Problem{File: s.file, Line: i + 1, Column: column,
				Text: clip(line), Wrong: wrong, Want: "plain UTF-8 text"})
			break // one a line is enough
		}
	}
}

// plain refuses the parts of YAML that scenarios do without.
func (s *source) plain(n *yaml.Node) {
	const want = "the value written out where it applies"
	switch {
	case n.Kind == yaml.AliasNode:
		if s.aliased[n.Value] {
			return // once a name is enough
		}
		s.aliased[n.Value] = true
		s.report(n, "aliases are not part of scenarios", want, "")
	case n.Anchor != "":
		s.report(n, fmt.Sprintf("anchor &%s: anchors are not part of scenarios", n.Anchor), want, "")
	case n.Style&yaml.TaggedStyle != 0:
		s.report(n, fmt.Sprintf("tag %s: tags are not part of scenarios", n.Tag), "the value alone", "")
	case n.Tag == mergeTag:
		s.report(n, "merge keys are not part of scenarios", want, "")
	}
	for _, c := range n.Content {
		s.plain(c)
	}
}

// refused says whether plain has complained about the value itself, so that
// nothing more needs to be said about it.
func refused(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Style&yaml.TaggedStyle != 0
}

// whole reports a problem of the file as a whole.
func (s *source) whole(text, wrong, want string) {
	s.problems = append(s.problems, Problem{File: s.file, Line: 1, Column: 1, Text: text, Wrong: wrong, Want: want})
}

// report adds a problem at a node.
func (s *source) report(n *yaml.Node, wrong, want, meant string) {
	p := s.place(n)
	p.Wrong, p.Want, p.Meant = wrong, want, meant
	s.problems = append(s.problems, p)
}

// place is a problem at a node with its text as it stands in the file.
func (s *source) place(n *yaml.Node) Problem {
	p := Problem{File: s.file, Line: max(n.Line, 1), Column: max(n.Column, 1), Text: clip(n.Value)}
	if p.Line > len(s.lines) {
		p.Line, p.Column = max(len(s.lines), 1), 1
	}
	switch {
	case n.Kind == yaml.AliasNode:
		p.Text = "*" + n.Value
		return p
	case n.Kind == yaml.ScalarNode && n.Value != "":
		return p
	}
	if rest := []rune(s.line(p.Line)); p.Column <= len(rest) {
		p.Text = clip(string(rest[p.Column-1:]))
	}
	return p
}

// line returns a line by its number from 1, empty if there is none.
func (s *source) line(number int) string {
	if number < 1 || number > len(s.lines) {
		return ""
	}
	return s.lines[number-1]
}

// clip shortens text to what fits in a message.
func clip(text string) string {
	const limit = 40
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if r := []rune(text); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return text
}
