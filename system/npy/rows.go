package npy

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// Rows reads the array of a file a part at a time, along its first dimension,
// so that memory need not hold all of it. It is for one goroutine.
type Rows[T Float] struct {
	path string
	file *os.File
	r    *bufio.Reader
	head Header
	done int // elements read
}

// OpenRows opens a file whose array has at least one dimension. The caller
// closes it.
func OpenRows[T Float](path string) (*Rows[T], error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	rows := &Rows[T]{path: path, file: f, r: bufio.NewReaderSize(f, 1<<16)}
	rows.head, err = readTyped[T](rows.r)
	if err == nil && len(rows.head.Shape) == 0 {
		err = formatError("a scalar has no rows")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

// Shape returns the lengths of all dimensions.
func (r *Rows[T]) Shape() []int { return r.head.Shape }

// Next fills dst with the elements that follow those read before; it must ask
// for no more than there are. With the last element it makes sure that the
// file ends there.
func (r *Rows[T]) Next(dst []T) error {
	if left := r.head.Len() - r.done; len(dst) > left {
		return fmt.Errorf("%s: %d elements asked for, %d left", r.path, len(dst), left)
	}
	err := readData(io.Reader(r.r), r.head, dst, 0)
	r.done += len(dst)
	if err == nil && r.done == r.head.Len() {
		err = readEnd(r.r, r.head)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	return nil
}

// Close closes the file.
func (r *Rows[T]) Close() error { return r.file.Close() }
