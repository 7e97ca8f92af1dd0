package sky

// A Scene is what is in front of the telescope.
type Scene struct {
	Lens   *Lens    `json:"lens"`            // deflects Source; nil: nothing does
	Light  []Sersic `json:"lens_light"`      // galaxies in front of the deflector, seen as they are
	Source []Sersic `json:"source"`          // galaxies behind it, in the source plane
	Rings  []Ring   `json:"rings,omitempty"` // in the same plane as Source
}

// A Grid is the pixels of an image; its centre is the origin of the sky.
type Grid struct {
	Pixels int     // side, pixels
	Scale  float64 // side of a pixel, arcsec
}

// center returns the coordinate of the centre of pixel i, arcsec.
func (g Grid) center(i int) float64 { return (float64(i) - float64(g.Pixels-1)/2) * g.Scale }

// A Band is one image of a scene: how sharp it is, and by how much the colours
// of its galaxies change the amplitudes that the scene gives.
type Band struct {
	FWHM   float64 // of the Gaussian point-spread function, arcsec
	Light  float64 // factor on every Scene.Light
	Source float64 // factor on all of Scene.Source and Scene.Rings
	PSF    *PSF    // another point-spread function; nil: that Gaussian
}
