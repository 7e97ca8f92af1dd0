package loader

import (
	"errors"
	"fmt"
	"sync"

	"lensbench/system/augment"
	"lensbench/system/stretch"
	"lensbench/system/survey"
)

// A Config says what batches are made of and how.
type Config struct {
	Batch    int // images of a batch, at least 1; the last of an epoch may have fewer
	Workers  int // goroutines that decode; 0: Next decodes when it is called
	Prefetch int // batches that may be ready or in work beside the one in use; 0: 2 per worker

	Shuffle  bool   // another order in every epoch; else that of the images
	Seed     uint64 // of order and augmentation
	DropLast bool   // leave out a last batch that is not full; for training only

	Augment *augment.Policy // nil: none. Evaluation has none
	Stretch stretch.Stretch // of images, after augmentation; "": pixels stay as they are

	// Every rank of World takes every World-th image of the common order. By
	// default no image is repeated or left out, so ranks may differ by one
	// image, and even by a batch.
	Rank, World int // World 0: 1
	// Even repeats the order's first images, so that all ranks have equally
	// many: training in step needs it, evaluation must not have it.
	Even bool
	// Skip is the number of images that are left out at the beginning of the common
	// order: those that another number of ranks has used in an epoch that was broken
	// off.
	Skip int

	// Alloc makes the memory of a buffer, where it has to be of a special kind,
	// such as pinned for a device; nil: make. New and Epoch call it, on the
	// goroutine of their caller, at most Prefetch+1 times for streams that
	// follow each other. The memory is used until the last stream is closed; who
	// gave Alloc frees it.
	Alloc func(floats int) []float32
}

// A Loader makes batches from images. It may be used by any number of
// goroutines.
type Loader struct {
	images               survey.Images
	config               Config
	bands, height, width int
	each                 int // floats of an image
	mu                   sync.Mutex
	free                 []*buffer
}

// New returns a loader of images.
func New(images survey.Images, c Config) (*Loader, error) {
	if c.World == 0 {
		c.World = 1
	}
	if c.Prefetch == 0 {
		c.Prefetch = 2 * c.Workers
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("loader: %w", err)
	}
	if images.Len() == 0 {
		return nil, errors.New("loader: there are no images")
	}
	if c.Skip > images.Len() {
		return nil, fmt.Errorf("loader: skip %d, there are %d images", c.Skip, images.Len())
	}
	l := &Loader{images: images, config: c}
	l.bands, l.height, l.width = images.Shape()
	l.each = l.bands * l.height * l.width
	return l, nil
}

func (c Config) check() error {
	switch {
	case c.Batch < 1:
		return fmt.Errorf("batch %d, want at least 1 image", c.Batch)
	case c.Workers < 0:
		return fmt.Errorf("workers %d, want 0 or more", c.Workers)
	case c.Prefetch < 0:
		return fmt.Errorf("prefetch %d, want 0 or more batches", c.Prefetch)
	case c.World < 1 || c.Rank < 0 || c.Rank >= c.World:
		return fmt.Errorf("rank %d of %d, want 0 to one less than the number of ranks", c.Rank, c.World)
	}
	if c.Skip < 0 {
		return fmt.Errorf("skip %d, want 0 or more images", c.Skip)
	}
	if c.Augment != nil {
		if err := c.Augment.Check(); err != nil {
			return err
		}
	}
	if c.Stretch != "" {
		_, err := stretch.Parse(string(c.Stretch))
		return err
	}
	return nil
}

// Batches returns the number of batches of an epoch.
func (l *Loader) Batches() int {
	n := l.config.share(l.images.Len())
	if l.config.DropLast {
		return n / l.config.Batch
	}
	return (n + l.config.Batch - 1) / l.config.Batch
}

// Images returns the number of images in the batches of an epoch.
func (l *Loader) Images() int {
	return min(l.config.share(l.images.Len()), l.Batches()*l.config.Batch)
}

// A buffer is the memory of one batch.
type buffer struct {
	pixels []float32
	labels []float32
}

// buffers returns n buffers, those that there are first.
func (l *Loader) buffers(n int) []*buffer {
	l.mu.Lock()
	defer l.mu.Unlock()
	reused := min(n, len(l.free))
	got := append([]*buffer(nil), l.free[len(l.free)-reused:]...)
	l.free = l.free[:len(l.free)-reused]
	alloc := l.config.Alloc
	if alloc == nil {
		alloc = func(n int) []float32 { return make([]float32, n) }
	}
	for len(got) < n {
		images := min(l.config.Batch, l.Images())
		got = append(got, &buffer{alloc(images * l.each)[:images*l.each], make([]float32, images)})
	}
	return got
}

// takeBack keeps buffers for the next stream.
func (l *Loader) takeBack(b []*buffer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, b...)
}
