package report

import (
	"encoding/xml"
	"io"
	"strings"

	"lensbench/gate"
	"lensbench/record"
)

// JUnit writes a gate as the XML that CI systems show as tests: a case for every
// metric of every cell, and one for the instrument. What regressed is a failure, what
// cannot be believed an error. Where strict is set, what is inconclusive is a failure,
// too.
func JUnit(w io.Writer, run record.Run, v gate.Verdict, strict bool) error {
	s := junitSuite{Name: "bench nightly", Timestamp: run.Started.UTC().Format("2006-01-02T15:04:05"), Hostname: run.Machine.ID()}
	for _, c := range v.Cells {
		for _, f := range c.Findings {
			s.add(junitOf(c, f, strict))
		}
	}
	s.add(junitInstrument(v))
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Suites: []junitSuite{s}, Tests: s.Tests, Failures: s.Failures, Errors: s.Errors}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Timestamp string      `xml:"timestamp,attr"` // UTC, without a zone as the schema has it
	Hostname  string      `xml:"hostname,attr"`  // identity of the machine
	Cases     []junitCase `xml:"testcase"`
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Failure *junitReason `xml:"failure"`
	Error   *junitReason `xml:"error"`
	Skipped *junitReason `xml:"skipped"`
	Out     string       `xml:"system-out,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
}

func junitOf(c gate.Cell, f gate.Finding, strict bool) junitCase {
	out := junitCase{Class: c.Name, Name: f.Metric, Out: plain(f.Sentence())}
	why := &junitReason{Message: plain(f.Sentence()), Type: f.Outcome}
	switch {
	case c.Outcome == gate.Invalid:
		out.Error = &junitReason{plain(strings.Join(c.Reasons, "; ")), gate.Invalid}
	case c.Outcome == gate.Skipped:
		out.Skipped = &junitReason{Message: plain(strings.Join(c.Reasons, "; "))}
	case f.Outcome == gate.Regressed, strict && f.Outcome == gate.Inconclusive:
		out.Failure = why
	case f.Outcome == gate.Flagged:
		out.Error = why
	}
	return out
}

// junitInstrument is an error if the run as a whole cannot be believed.
func junitInstrument(v gate.Verdict) junitCase {
	out := junitCase{Class: "instrument", Name: "run " + v.Run}
	if v.Outcome == gate.Invalid {
		out.Error = &junitReason{plain(strings.Join(v.Reasons, "; ")), gate.Invalid}
	}
	return out
}

// plain leaves out what XML cannot hold.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
}
