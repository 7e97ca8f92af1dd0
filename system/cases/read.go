package cases

import (
	"fmt"
	"os"
	"regexp"

	"lensbench/system/sky"
)

// An Image is a scene and how it is to be rendered.
type Image struct {
	ID    string // safe as the name of a file
	Grid  sky.Grid
	FWHM  float64 // of the point-spread function, arcsec; 0 if it is in a file
	Beta  float64 // of a Moffat function; 0: a Gaussian
	Scene sky.Scene

	PSFFile     string  // .npy of samples of the point-spread function, from the directory of the cases; "": none
	PSFSampling float64 // arcsec between them
}

// A Points is a deflector and where its field is wanted.
type Points struct {
	ID    string
	Field func(x, y float64) sky.Field
	X, Y  []float64 // arcsec, of equal length
}

// The ranges of the numbers; lengths in arcsec. They are wider than nature, and
// leave out what cannot be rendered or is surely a mistake.
var (
	position   = limit{low: -1e4, high: 1e4, unit: "arcsec"}
	axisRatio  = limit{low: 0.05, high: 1}
	anyRatio   = limit{low: 0, high: 1, open: true}
	angle      = limit{low: -1e3, high: 1e3, unit: "radians"}
	shear      = limit{low: -0.9, high: 0.9}
	einstein   = limit{low: 0, high: 1e3, unit: "arcsec"}
	amplitude  = limit{low: 0, high: 1e15}
	radius     = limit{low: 1e-3, high: 1e3, unit: "arcsec"}
	index      = limit{low: 0.2, high: 12}
	pixelScale = limit{low: 1e-3, high: 100, unit: "arcsec"}
	pixels     = limit{low: 1, high: 2048}
	seeingLow  = 0.3 // pixels
	seeingHigh = 100.
	anyPlace   = limit{low: -1e9, high: 1e9, unit: "arcsec"}
)

// ReadImages reads the scenes of a file. bn is how their profiles are meant.
func ReadImages(path string, bn sky.Bn) ([]Image, error) {
	var out []Image
	err := read(path, []string{"truth_ss", "native_ss", "convergence_case", "convergence_ss"}, func(o *object, id string) {
		out = append(out, o.image(id, bn))
	})
	return out, err
}

// ReadPoints reads the deflectors and points of a file.
func ReadPoints(path string) ([]Points, error) {
	var out []Points
	err := read(path, []string{"seed"}, func(o *object, id string) { out = append(out, o.points(id)) })
	return out, err
}

// read reads a file of cases. The keys beside "cases" that are known belong to
// the makers of reference data, and mean nothing here.
func read(path string, known []string, each func(o *object, id string)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := parse(text, known, each); err != nil {
		return fmt.Errorf("%s:%w", path, err)
	}
	return nil
}

func parse(text []byte, known []string, each func(o *object, id string)) error {
	r := &reader{input: input{text}}
	root, err := r.parse()
	if err != nil {
		return err
	}
	top := r.object(root, "the file")
	list := top.list("cases")
	for _, key := range known {
		top.take(key, false)
	}
	top.end()
	first := map[string]int{}
	for i, n := range list {
		o := r.object(n, fmt.Sprintf("case %d", i+1))
		id := o.identity(first, i)
		if r.err != nil {
			return r.err
		}
		each(o, id)
		o.end()
	}
	if len(list) == 0 {
		r.fail(root.offset, "there are no cases")
	}
	return r.err
}

// safeName is what may be the name of a file anywhere.
var safeName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$`)

// identity reads the case's id, from which its errors are named from then on.
func (o *object) identity(first map[string]int, i int) string {
	n := o.take("id", true)
	if n == nil {
		return ""
	}
	id, ok := n.value.(string)
	switch before, twice := first[id]; {
	case !ok || !safeName.MatchString(id):
		o.in.fail(n.offset, "%s: id is %s, want the name of a file: up to 100 letters, digits and . _ -", o.what, n.typeName())
	case twice:
		o.in.fail(n.offset, "%s: id %q is that of case %d too", o.what, id, before+1)
	}
	first[id] = i
	o.what = "case " + id
	return id
}

func (o *object) image(id string, bn sky.Bn) Image {
	o.text("kind", false)
	c := Image{
		ID:   id,
		Grid: sky.Grid{Pixels: o.whole("n_pix", pixels), Scale: o.number("pixel_scale", pixelScale)},
	}
	o.psf(&c)
	if n := o.take("lens", true); n != nil && n.value != nil {
		l := o.in.object(n, o.what+": lens")
		c.Scene.Lens = &sky.Lens{Mass: l.sie(axisRatio), Shear: l.shear(false)}
		l.end()
	}
	c.Scene.Light = o.galaxies("lens_light", bn)
	c.Scene.Source = o.galaxies("source", bn)
	return c
}

// psf reads the point-spread function: psf_fwhm, with psf_beta if it is a Moffat
// function, or psf_file and psf_sampling.
func (o *object) psf(c *Image) {
	if c.PSFFile = o.text("psf_file", false); c.PSFFile != "" {
		c.PSFSampling = o.number("psf_sampling", limit{low: c.Grid.Scale / 64, high: 4 * c.Grid.Scale, unit: "arcsec (1/64 to 4 pixels)"})
		return
	}
	c.FWHM = o.number("psf_fwhm", limit{low: seeingLow * c.Grid.Scale, high: seeingHigh * c.Grid.Scale,
		unit: fmt.Sprintf("arcsec (%g to %g pixels)", seeingLow, seeingHigh)})
	if o.has("psf_beta") {
		c.Beta = o.number("psf_beta", limit{low: 1, high: 100, open: true})
	}
}

func (o *object) galaxies(key string, bn sky.Bn) []sky.Sersic {
	var out []sky.Sersic
	for i, n := range o.list(key) {
		g := o.in.object(n, fmt.Sprintf("%s: %s[%d]", o.what, key, i))
		out = append(out, sky.Sersic{
			Amp:    g.number("amp", amplitude),
			Radius: g.number("R_sersic", radius),
			N:      g.number("n_sersic", index),
			Q:      g.number("q", axisRatio),
			Phi:    g.number("phi", angle),
			X:      g.number("center_x", position),
			Y:      g.number("center_y", position),
			Bn:     bn,
		})
		g.end()
	}
	return out
}

func (o *object) sie(q limit) sky.SIE {
	return sky.SIE{
		ThetaE: o.number("theta_E", einstein),
		Q:      o.number("q", q),
		Phi:    o.number("phi", angle),
		X:      o.number("center_x", position),
		Y:      o.number("center_y", position),
	}
}

// shear reads the shear; its origin is given with it, or that of the sky.
func (o *object) shear(origin bool) sky.Shear {
	s := sky.Shear{Gamma1: o.number("gamma1", shear), Gamma2: o.number("gamma2", shear)}
	if origin {
		s.X, s.Y = o.number("ra_0", position), o.number("dec_0", position)
	}
	return s
}

func (o *object) points(id string) Points {
	p := Points{ID: id}
	n := o.take("kind", true)
	if n == nil {
		return p
	}
	switch n.value {
	case "SIE":
		p.Field = o.sie(anyRatio).Field
	case "SHEAR":
		p.Field = o.shear(true).Field
	case "SIE+SHEAR":
		p.Field = sky.Lens{Mass: o.sie(anyRatio), Shear: o.shear(true)}.Field
	default:
		o.in.fail(n.offset, "%s: kind is %s, want \"SIE\", \"SHEAR\" or \"SIE+SHEAR\"", o.what, n.typeName())
	}
	p.X, p.Y = o.numbers("x", anyPlace), o.numbers("y", anyPlace)
	if len(p.X) != len(p.Y) && o.in.err == nil {
		o.in.fail(o.at, "%s: %d numbers in x and %d in y", o.what, len(p.X), len(p.Y))
	}
	return p
}
