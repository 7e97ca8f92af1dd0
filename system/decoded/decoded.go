// Package decoded keeps images that were read once, so that later epochs do not
// decode them again: in memory, or in a file that is mapped into it, whose pages the
// system may drop and read back.
//
// Each image is decoded when it is first wanted, by whoever wants it, and never
// twice; readers of other images do not wait. What is kept are the values that the
// files have, before augmentation, which is another one in every epoch.
//
// Not here: the reading of files (package survey), and what is known of images, such
// as labels and names, which stays with them.
package decoded

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"lensbench/system/survey"
)

// A Store is a set of images that keeps what it has read. It is for any number of
// goroutines.
type Store struct {
	survey.Images
	each    int // floats of an image
	pixels  []float32
	entries []entry
	mapped  []byte // nil: in memory
}

type entry struct {
	once sync.Once
	err  error
}

// InMemory returns images that are kept in memory, of which they take 4 bytes a
// pixel and band.
func InMemory(images survey.Images) *Store {
	s := newStore(images)
	s.pixels = make([]float32, images.Len()*s.each)
	return s
}

// Mapped returns images that are kept in a file in dir, which has no name, and so is
// gone with the process. The caller closes the store.
func Mapped(images survey.Images, dir string) (*Store, error) {
	s := newStore(images)
	f, err := os.CreateTemp(dir, ".decoded-")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	os.Remove(f.Name())
	size := int64(images.Len()) * int64(s.each) * 4
	// Space that is missing is found out now: later it would be a signal, not an error.
	if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
		return nil, fmt.Errorf("%s: %d bytes for decoded images: %w", dir, size, err)
	}
	if s.mapped, err = unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("%s: decoded images: %w", dir, err)
	}
	s.pixels = unsafe.Slice((*float32)(unsafe.Pointer(&s.mapped[0])), size/4)
	return s, nil
}

func newStore(images survey.Images) *Store {
	bands, height, width := images.Shape()
	return &Store{Images: images, each: bands * height * width, entries: make([]entry, images.Len())}
}

// Read copies image i to dst. An image that could not be read stays so.
func (s *Store) Read(i int, dst []float32) error {
	mine := s.pixels[i*s.each : (i+1)*s.each]
	e := &s.entries[i]
	e.once.Do(func() { e.err = s.Images.Read(i, mine) })
	if e.err != nil {
		return e.err
	}
	copy(dst, mine)
	return nil
}

// Close gives mapped memory back; nobody may read any more.
func (s *Store) Close() error {
	if s.mapped == nil {
		return nil
	}
	b := s.mapped
	s.mapped, s.pixels = nil, nil
	return unix.Munmap(b)
}
