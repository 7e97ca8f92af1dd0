package ensemble

import (
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/torch"
)

// A reader decodes batches of a data set into a buffer that is used again.
type reader struct {
	set    *survey.Set
	images int
	batch  int
	buf    []float32
}

func newReader(set *survey.Set, c Config) *reader {
	n := min(c.Batch, c.Images) * set.Bands() * set.Pixels() * set.Pixels()
	return &reader{set: set, images: c.Images, batch: c.Batch, buf: make([]float32, n)}
}

// batches returns the number of batches.
func (r *reader) batches() int { return (r.images + r.batch - 1) / r.batch }

// bounds returns the images of batch i.
func (r *reader) bounds(i int) (begin, end int) {
	return i * r.batch, min((i+1)*r.batch, r.images)
}

// read decodes batch i: [images bands rows columns], standardised.
func (r *reader) read(sc *torch.Scope, i int) (*torch.Tensor, error) {
	begin, end := r.bounds(i)
	side := r.set.Pixels()
	size := r.set.Bands() * side * side
	for image := begin; image < end; image++ {
		dst := r.buf[(image-begin)*size:][:size]
		if err := r.set.Read(image, dst); err != nil {
			return nil, err
		}
		stretch.PerBand.Apply(dst, r.set.Bands())
	}
	n := end - begin
	return sc.FromFloat32(r.buf[:n*size], int64(n), int64(r.set.Bands()), int64(side), int64(side)), nil
}
