package runner

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

const (
	maxLog  = 1 << 20 // bytes of one process's standard error that its log keeps
	maxTail = 4 << 10 // bytes of its end that a status shows
)

// A stderrLog copies a worker's standard error to a file, up to maxLog bytes,
// and remembers its end. The file is made when there is something to write:
// most workers are silent.
type stderrLog struct {
	path   string
	header string // first line of this process's part of the file
	done   chan struct{}

	mu   sync.Mutex
	tail []byte
	size int64 // all bytes that came
}

// copyStderr reads from r until its end, which comes when the last process
// that could write to it is gone, or when r is closed.
func copyStderr(r *os.File, path, header string) *stderrLog {
	l := &stderrLog{path: path, header: header, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.copy(r)
	}()
	return l
}

func (l *stderrLog) copy(r io.Reader) {
	var file *os.File
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if file == nil && l.size == 0 {
				file = l.create()
			}
			l.keep(file, buf[:n])
		}
		if err != nil {
			break
		}
	}
	if file != nil {
		if l.size > maxLog {
			fmt.Fprintf(file, "\n[%d more bytes were not kept]\n", l.size-maxLog)
		}
		file.Close()
	}
}

// create opens the log; without one, the tail still serves the status.
func (l *stderrLog) create() *os.File {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil
	}
	fmt.Fprintln(f, l.header)
	return f
}

func (l *stderrLog) keep(file *os.File, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if file != nil && l.size < maxLog {
		file.Write(b[:min(int64(len(b)), maxLog-l.size)])
	}
	l.size += int64(len(b))
	l.tail = append(l.tail, b...)
	if over := len(l.tail) - maxTail; over > 0 {
		l.tail = append(l.tail[:0], l.tail[over:]...)
	}
}

// last returns the last lines that the worker wrote.
func (l *stderrLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.tail
	if l.size > maxTail { // begins inside a line
		if _, rest, ok := bytes.Cut(b, []byte{'\n'}); ok {
			b = rest
		}
	}
	return string(bytes.ToValidUTF8(bytes.TrimSpace(b), []byte("?")))
}
