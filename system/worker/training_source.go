package worker

import (
	"context"
	"io"

	"lensbench/protocol"
	"lensbench/system/augment"
	"lensbench/system/decoded"
	"lensbench/system/loader"
	"lensbench/system/nn"
	"lensbench/system/ranks"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/torch"
)

// A source gives the micro-batches of a training. The tensors of one are there until
// release, which comes before the next.
type source interface {
	next(sc *torch.Scope) (images, labels *torch.Tensor, err error)
	release()
	// rewind begins anew: the same batches come again.
	rewind()
	close() error
}

// memory are micro-batches in memory, the parts of one step, or of an iteration under
// a budget, in a circle.
type memory struct {
	images *torch.Tensor // [N bands pixels pixels], at least batch·parts
	labels *torch.Tensor // [N], every second a lens
	batch  int64
	parts  int64
	at     int64
}

// newMemory makes the images of a rank's micro-batches, which stay until the lane is
// closed: of the formula's array those that follow those of the ranks before.
func newMemory(sc *torch.Scope, f nn.Formula, at torch.Place, c protocol.Settings, rank, parts int) *memory {
	n := c.Batch * parts
	if c.Budget > 0 {
		n, parts = c.Images, c.Images/c.Batch
	}
	return &memory{
		images: sc.Keep(sc.Move(images(sc, f, rank*n, n, c.Bands, c.Pixels), at)),
		labels: sc.Keep(sc.Move(sc.FromFloat32(alternating(rank*n, n), int64(n)), at)),
		batch:  int64(c.Batch), parts: int64(parts),
	}
}

// part are n images from one on.
func (m *memory) part(sc *torch.Scope, from, n int64) (images, labels *torch.Tensor) {
	return sc.Narrow(m.images, 0, from, n), sc.Narrow(m.labels, 0, from, n)
}

func (m *memory) next(sc *torch.Scope) (images, labels *torch.Tensor, err error) {
	if m.images.Shape()[0] == m.batch {
		return m.images, m.labels, nil
	}
	from := m.at * m.batch
	m.at = (m.at + 1) % m.parts
	images, labels = m.part(sc, from, m.batch)
	return images, labels, nil
}

func (m *memory) release()     {}
func (m *memory) rewind()      { m.at = 0 }
func (m *memory) close() error { return nil }

// alternating returns n numbers of 0, 1, 0, 1, …, from number first on.
func alternating(first, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32((first + i) % 2)
	}
	return v
}

// disk are simulated images in files, read as lens train reads them, epoch after
// epoch.
type disk struct {
	settings protocol.Settings
	place    torch.Place // of the tensors
	images   survey.Images
	loader   *loader.Loader
	stream   *loader.Stream // of the epoch; nil: none yet
	ahead    *loader.Stream // of the next, which persistent workers begin early; nil: none
	epoch    int            // of stream
	left     int            // batches of the epoch that are left
	batch    *loader.Batch  // in use
}

// Formats of the images on disk, and what is kept of them decoded.
const (
	sourceMemory = "memory"

	formatPNG   = "png"
	cacheMemory = "memory"
	cacheMapped = "mapped"
)

func openDisk(c protocol.Settings, at torch.Place, cache string, rank int) (*disk, error) {
	dir, err := simulated(cache, survey.Spec{Seed: uint64(c.Seed), Count: c.Images, Pixels: c.Pixels, Bands: c.Bands})
	if err != nil {
		return nil, err
	}
	if dir, err = converted(dir, c.Format); err != nil {
		return nil, err
	}
	d := &disk{settings: c, place: at}
	if d.images, err = survey.OpenImages(dir); err != nil {
		return nil, err
	}
	if d.images, err = kept(d.images, c.Cache, cache); err != nil {
		return nil, err
	}
	config := samplerOf(c, rank)
	config.Workers, config.Prefetch = c.Workers, c.Prefetch*max(c.Workers, 1)
	config.Augment, config.Stretch = &augment.Policy{Dihedral: true, Shift: 2}, stretch.Asinh
	d.loader, err = loader.New(d.images, config)
	return d, err
}

// kept returns images that are kept decoded as the setting cache says, in a file of
// directory dir if it is mapped; closing them, if they can be closed, gives that back.
func kept(images survey.Images, how, dir string) (survey.Images, error) {
	switch how {
	case cacheMemory:
		return decoded.InMemory(images), nil
	case cacheMapped:
		return decoded.Mapped(images, dir)
	}
	return images, nil
}

// converted returns the directory of a data set's images in a format, which are
// made of it if they are not there yet.
func converted(dir, format string) (string, error) {
	if format != formatPNG {
		return dir, nil
	}
	pictures := dir + "-png"
	if _, err := survey.OpenImages(pictures); err == nil {
		return pictures, nil
	}
	images, err := survey.OpenImages(dir)
	if err != nil {
		return "", err
	}
	return pictures, survey.Convert(context.Background(), images, pictures, formatPNG, func(int, int) {})
}

func (d *disk) next(sc *torch.Scope) (images, labels *torch.Tensor, err error) {
	if d.left == 0 {
		d.begin()
	}
	b, err := d.stream.Next()
	if err != nil {
		return nil, nil, err
	}
	d.batch = b
	d.left--
	if d.left == 0 && d.settings.Persistent {
		d.ahead = d.loader.Epoch(context.Background(), d.epoch+1, 0)
	}
	bands, height, width := d.images.Shape()
	n := int64(len(b.Labels))
	images = sc.Upload(d.place, b.Pixels, n, int64(bands), int64(height), int64(width))
	return images, sc.Upload(d.place, b.Labels, n), nil
}

// begin begins the next epoch.
func (d *disk) begin() {
	if d.stream != nil {
		d.stream.Close()
		d.epoch++
	}
	if d.stream, d.ahead = d.ahead, nil; d.stream == nil {
		d.stream = d.loader.Epoch(context.Background(), d.epoch, 0)
	}
	d.left = ranks.Steps(d.images.Len(), d.settings.Batch, d.settings.Ranks)
}

func (d *disk) release() {
	if d.batch != nil {
		d.stream.Release(d.batch)
		d.batch = nil
	}
}

func (d *disk) rewind() {
	for _, s := range []*loader.Stream{d.stream, d.ahead} {
		if s != nil {
			s.Close()
		}
	}
	d.stream, d.ahead, d.batch, d.epoch, d.left = nil, nil, nil, 0, 0
}

func (d *disk) close() error {
	d.rewind()
	if c, ok := d.images.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
