package sky

import "math"

// observe draws the conditions that an image was taken in, from a stream of
// their own: what is in the image has no part in them.
func (o *Object) observe(p Preset, d draw) {
	o.Seeing, o.SkyMag = map[string]float64{}, map[string]float64{}
	all := d.normal(0, p.SeeingScatter, -3*p.SeeingScatter, 3*p.SeeingScatter)
	moon := d.normal(0, p.SkyScatter, -3*p.SkyScatter, 3*p.SkyScatter)
	for _, f := range p.Bands {
		own := d.normal(0, p.SeeingScatter/3, -p.SeeingScatter, p.SeeingScatter)
		o.Seeing[f.Name] = f.FWHM * math.Exp(all+own)
		o.SkyMag[f.Name] = f.SkyMag + moon + d.normal(0, p.SkyScatter/3, -p.SkyScatter, p.SkyScatter)
	}
}

// in returns the filter in the conditions of an image.
func (f Filter) in(o *Object) Filter {
	f.FWHM, f.SkyMag = o.Seeing[f.Name], o.SkyMag[f.Name]
	return f
}
