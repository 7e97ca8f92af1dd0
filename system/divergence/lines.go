package divergence

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// lines are the JSON objects of a file, one a line. A last line that is not whole,
// of a run that is being written or was killed, is not there.
type lines struct {
	file   *os.File
	reader *bufio.Reader
	number int
}

func openLines(path string) (*lines, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &lines{file: f, reader: bufio.NewReaderSize(f, 1<<16)}, nil
}

// next decodes the next line into v. At the end it returns false.
func (l *lines) next(v any) (bool, error) {
	text, err := l.reader.ReadBytes('\n')
	if err != nil {
		return false, nil
	}
	l.number++
	if err := json.Unmarshal(text, v); err != nil {
		return false, fmt.Errorf("%s:%d: %w", l.file.Name(), l.number, err)
	}
	return true, nil
}

func (l *lines) close() { l.file.Close() }

// A pair is the same file of two runs.
type pair struct{ a, b *lines }

func (r *Report) openPair(name string) (pair, error) {
	nameA, nameB := r.files(name)
	a, err := openLines(nameA)
	if err != nil {
		return pair{}, err
	}
	b, err := openLines(nameB)
	if err != nil {
		a.close()
		return pair{}, err
	}
	return pair{a, b}, nil
}

func (p pair) close() {
	p.a.close()
	p.b.close()
}
