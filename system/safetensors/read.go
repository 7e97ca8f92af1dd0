package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"unsafe"
)

// A File is an open file. Its methods may be called from several goroutines.
type File struct {
	Metadata map[string]string // free text of whoever wrote the file; nil if there is none

	name    string // for errors
	tensors []Info
	index   map[string]int
	all     io.ReaderAt
	size    int64       // bytes
	begin   int64       // of the data
	data    io.ReaderAt // the bytes after the header
	closer  io.Closer
}

// Open opens a file and checks its header. The caller closes it.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	var file *File
	if err == nil {
		file, err = New(f, info.Size(), path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	file.closer = f
	return file, nil
}

// New reads the header of size bytes of r; name is what errors call it.
func New(r io.ReaderAt, size int64, name string) (*File, error) {
	f := &File{name: name, index: map[string]int{}, all: r, size: size}
	text, err := readHeader(r, size)
	if err == nil {
		f.begin = int64(lengthSize + len(text))
		f.data = io.NewSectionReader(r, f.begin, size-f.begin)
		f.tensors, f.Metadata, err = parseHeader(text, uint64(size-f.begin))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, t := range f.tensors {
		f.index[t.Name] = i
	}
	return f, nil
}

func readHeader(r io.ReaderAt, size int64) ([]byte, error) {
	var length [lengthSize]byte
	if size < lengthSize {
		return nil, formatError("%d bytes, too short for the header's length", size)
	}
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	switch {
	case n > maxHeader:
		return nil, formatError("header of %d bytes, at most %d are read", n, maxHeader)
	case n > uint64(size-lengthSize):
		return nil, formatError("truncated in the header: %d of %d bytes", size-lengthSize, n)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, lengthSize); err != nil && err != io.EOF {
		return nil, err
	}
	return text, nil
}

// Close closes the file.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Name returns the file's name as it was given.
func (f *File) Name() string { return f.name }

// Tensors returns what is in the file, in the order of the bytes.
func (f *File) Tensors() []Info { return f.tensors }

// Lookup returns the tensor of that name.
func (f *File) Lookup(name string) (Info, bool) {
	i, ok := f.index[name]
	if !ok {
		return Info{}, false
	}
	return f.tensors[i], true
}

// An element is a Go type that tensors are read to and written from.
type element interface{ float32 | int64 | uint8 }

// ReadFloat32 reads a tensor of type F32 and len(dst) elements.
func (f *File) ReadFloat32(name string, dst []float32) error { return read(f, name, F32, dst) }

// ReadInt64 reads a tensor of type I64 and len(dst) elements.
func (f *File) ReadInt64(name string, dst []int64) error { return read(f, name, I64, dst) }

// ReadUint8 reads a tensor of type U8 and len(dst) elements.
func (f *File) ReadUint8(name string, dst []uint8) error { return read(f, name, U8, dst) }

func read[E element](f *File, name string, want DType, dst []E) error {
	t, ok := f.Lookup(name)
	switch {
	case !ok:
		return fmt.Errorf("%s: no tensor %q", f.name, name)
	case t.DType != want && want == F32:
		return fmt.Errorf("%s: tensor %q has type %s, want F32: convert it with PyTorch's .float()", f.name, name, t.DType)
	case t.DType != want:
		return fmt.Errorf("%s: tensor %q has type %s, want %s", f.name, name, t.DType, want)
	case t.Len() != len(dst):
		return fmt.Errorf("%s: tensor %q has %d elements, want %d", f.name, name, t.Len(), len(dst))
	}
	if _, err := f.data.ReadAt(bytesOf(dst), int64(t.begin)); err != nil && err != io.EOF {
		return fmt.Errorf("%s: tensor %q: %w", f.name, name, err)
	}
	return nil
}

// bytesOf is the memory of v. Its bytes are in the file's order because the
// machine is little-endian, as is every one that libtorch is built for here.
func bytesOf[E element](v []E) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), int(unsafe.Sizeof(v[0]))*len(v))
}
