package loader

import "lensbench/system/augment"

// A decoder makes inputs of images. It is for one goroutine.
type decoder struct {
	loader  *Loader
	augment *augment.Augmenter // nil: none
}

func (l *Loader) newDecoder() *decoder {
	d := &decoder{loader: l}
	if l.config.Augment != nil {
		d.augment = l.config.Augment.For(l.bands, l.height, l.width)
	}
	return d
}

// decode makes image number at of f.
func (d *decoder) decode(f *filling, at, epoch int) error {
	l, i := d.loader, f.Index[at]
	f.Labels[at] = float32(l.images.Label(i))
	dst := f.Pixels[at*l.each:][:l.each:l.each]
	if err := l.images.Read(i, dst); err != nil {
		return err
	}
	if d.augment != nil {
		d.augment.Apply(dst, l.config.Seed, epoch, i)
	}
	if l.config.Stretch != "" {
		l.config.Stretch.Apply(dst, l.bands)
	}
	return nil
}
