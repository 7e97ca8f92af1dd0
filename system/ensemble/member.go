package ensemble

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"

	"lensbench/system/usage"
	"lensbench/torch"

	"golang.org/x/sys/unix"
)

// Operations of a request.
const (
	opOpen  = "open"  // load the member of Config; the first request
	opScore = "score" // → Logits
	opQuery = "query" // → Logits, of First and Count
	opPart  = "part"  // → Logits, of Part
	opUsage = "usage" // → Usage, Peaks
	opReset = "reset" // make Peaks start anew
)

// A request asks a member process for one thing. Both ends are the same
// program, so messages are gobs without a version.
type request struct {
	Op     string
	Config Config // with opOpen
	First  int    // with opQuery
	Count  int    // with opQuery
	Part   Part   // with opPart
}

// A reply answers one request.
type reply struct {
	Error       string // empty: none
	OutOfMemory bool   // what kind of error
	Threads     int    // read back; of opOpen
	Logits      []float32
	Usage       usage.Usage
	Peaks       torch.Peaks
}

// repliesDescriptor is where a member process writes its replies.
const repliesDescriptor = 3

// ServeMember is the whole work of a member process: it answers requests from
// standard input until that ends.
func ServeMember() error {
	var st unix.Stat_t
	if err := unix.Fstat(repliesDescriptor, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return errors.New("a member process is started by its ensemble, not by hand")
	}
	return serveMember(os.Stdin, os.NewFile(repliesDescriptor, "replies"))
}

func serveMember(in io.Reader, out io.Writer) error {
	var m memberProcess
	defer m.close()
	decode, encode := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var q request
		if err := decode.Decode(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("request to a member process: %w", err)
		}
		r, err := m.answer(q)
		if err != nil {
			r.Error, r.OutOfMemory = err.Error(), errors.Is(err, torch.ErrOutOfMemory)
		}
		if err := encode.Encode(r); err != nil {
			return fmt.Errorf("reply of a member process: %w", err)
		}
	}
}

// A memberProcess is an ensemble of one member.
type memberProcess struct {
	*Ensemble // nil until opened
}

func (m *memberProcess) answer(q request) (r reply, err error) {
	switch {
	case q.Op == opOpen:
		return m.open(q.Config)
	case m.Ensemble == nil:
		return r, fmt.Errorf("%s before %s", q.Op, opOpen)
	case q.Op == opScore:
		logits, err := m.Score()
		return reply{Logits: logits[0]}, err
	case q.Op == opQuery:
		logits, err := m.Query(q.First, q.Count)
		return reply{Logits: logits[0]}, err
	case q.Op == opPart:
		logits, err := m.ScorePart(q.Part)
		return reply{Logits: logits[0]}, err
	case q.Op == opUsage:
		r.Usage, err = usage.Self()
		r.Peaks = torch.ReadPeaks()
		return r, err
	case q.Op == opReset:
		torch.ResetPeak()
		return r, nil
	}
	return r, fmt.Errorf("unknown request %q", q.Op)
}

func (m *memberProcess) open(c Config) (r reply, err error) {
	if c.CountMemory {
		if err := torch.CountMemory(); err != nil {
			return r, err
		}
	}
	if m.Ensemble, err = Open(c); err != nil {
		return r, err
	}
	r.Threads = m.Threads()
	return r, nil
}

func (m *memberProcess) close() {
	if m.Ensemble != nil {
		m.Ensemble.Close()
	}
}
