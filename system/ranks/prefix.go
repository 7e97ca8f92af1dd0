package ranks

import (
	"bytes"
	"io"
	"sync"
)

// A shared writer is one that several processes' lines go to.
type shared struct {
	mu sync.Mutex
	w  io.Writer
}

// line writes the parts of a line as one.
func (s *shared) line(parts ...[]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(bytes.Join(parts, nil))
	return err
}

// longest is where a line is cut that does not end.
const longest = 64 << 10

// A prefixed writer passes whole lines on after a prefix. exec.Cmd writes to it
// from one goroutine, since it is both stdout and stderr.
type prefixed struct {
	to     *shared
	prefix string
	part   []byte // of a line that has not ended
	last   string // the last line that is not empty
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.part = append(p.part, b...)
	for {
		end := bytes.IndexByte(p.part, '\n')
		if end < 0 && len(p.part) < longest {
			return len(b), nil
		}
		if end < 0 {
			end = len(p.part)
		}
		if err := p.pass(end); err != nil {
			return 0, err
		}
	}
}

// pass passes the first n bytes on as a line.
func (p *prefixed) pass(n int) error {
	line := p.part[:n]
	if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 {
		p.last = string(trimmed)
	}
	err := p.to.line([]byte(p.prefix), line, []byte("\n"))
	p.part = p.part[min(n+1, len(p.part)):]
	return err
}

// end passes on what is left of a line.
func (p *prefixed) end() {
	if len(p.part) > 0 {
		p.pass(len(p.part))
	}
}
