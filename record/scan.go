package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// maxLine bounds the memory that one line of a journal can take. The longest
// real lines are blocks: about 20 bytes per iteration and arm.
const maxLine = 64 << 20

// ReadJournal reads every entry of the journal of the run in dir, and counts
// the lines that it had to drop. Dropped lines are not an error: a killed run
// leaves half a line, and the rest of the journal is as good as before.
func ReadJournal(dir string) (entries []Entry, dropped int, err error) {
	f, err := os.Open(filepath.Join(dir, JournalFile))
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	for e, err := range Scan(f, &dropped) {
		if err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", f.Name(), err)
		}
		entries = append(entries, e)
	}
	return entries, dropped, nil
}

// Scan yields the entries of a journal in order. A line that is truncated,
// malformed, longer than 64 MiB, or of a kind that this build does not know is
// skipped and counted in dropped. An error of r ends the sequence.
func Scan(r io.Reader, dropped *int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		br := bufio.NewReaderSize(r, 1<<16)
		for {
			line, err := readLine(br)
			if len(line) > 0 {
				e, ok := decode(line)
				if !ok {
					*dropped++
				} else if !yield(e, nil) {
					return
				}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
		}
	}
}

// readLine returns the next line without its newline. Of a line that is too
// long it returns the first maxLine bytes, which cannot be a whole entry.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if n := len(part); n > 0 && part[n-1] == '\n' {
			part = part[:n-1]
		}
		line = append(line, part[:min(len(part), maxLine-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func decode(line []byte) (Entry, bool) {
	var e Entry
	if json.Unmarshal(line, &e) != nil || e.check() != nil {
		return Entry{}, false
	}
	return e, true
}

// check says whether the entry has what its kind promises, so that readers
// need not look for nil.
func (e Entry) check() error {
	var has bool
	switch e.Kind {
	case KindWorker:
		has = e.Worker != nil && e.Cell != ""
	case KindBlock:
		has = e.Block != nil && e.Cell != ""
	case KindMemory:
		has = e.Memory != nil && e.Cell != ""
	case KindEnergy:
		has = e.Energy != nil && e.Cell != ""
	case KindOutputs:
		has = e.Outputs != nil && e.Cell != ""
	case KindStatus:
		has = e.Status != nil && e.Cell != ""
	case KindLook:
		has = e.Look != nil && e.Cell != ""
	case KindProfile:
		has = e.Profile != nil && e.Cell != "" && (e.Profile.Said != nil) == (e.Profile.Status == OK)
	case KindResume, KindEnd:
		has = true
	default:
		return fmt.Errorf("entry of unknown kind %q", e.Kind)
	}
	if !has {
		return fmt.Errorf("entry of kind %q lacks its cell or its content", e.Kind)
	}
	return nil
}
