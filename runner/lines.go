package runner

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"
)

// maxAnswer bounds an answer of a worker. The longest are outputs: 20 bytes a
// value, so three million values fit.
const maxAnswer = 64 << 20

var errTooLong = fmt.Errorf("an answer of more than %d MiB without an end of line", maxAnswer>>20)

// A lineReader reads lines from a pipe, each within a time and a size.
type lineReader struct {
	pipe *os.File
	br   *bufio.Reader
}

func newLineReader(pipe *os.File) *lineReader {
	return &lineReader{pipe: pipe, br: bufio.NewReaderSize(pipe, 1<<16)}
}

// next returns the next line with its newline. After the deadline the error is
// os.ErrDeadlineExceeded.
func (r *lineReader) next(deadline time.Time) ([]byte, error) {
	if err := r.pipe.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	var line []byte
	for {
		part, err := r.br.ReadSlice('\n')
		if len(line)+len(part) > maxAnswer {
			return nil, errTooLong
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// unread returns the bytes that came without being asked for, as far as they
// are known without waiting.
func (r *lineReader) unread() []byte {
	b, _ := r.br.Peek(r.br.Buffered())
	return b
}
