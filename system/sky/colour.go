package sky

// A spectrum is the magnitudes of a galaxy in all bands of all surveys, from its
// magnitude in i and its colours there.
type spectrum struct{ gr, ri, iz, iH float64 } // magnitudes g−r, r−i, i−z, i−F160W

// oldStars draws the colours of an elliptical galaxy at a redshift of about 0.5.
func (d draw) oldStars() spectrum {
	return spectrum{
		gr: d.normal(1.45, 0.12, 1, 2), ri: d.normal(0.65, 0.08, 0.3, 1),
		iz: d.normal(0.33, 0.05, 0.1, 0.6), iH: d.normal(1.7, 0.15, 1, 2.4),
	}
}

// youngStars draws the colours of a galaxy that forms stars.
func (d draw) youngStars() spectrum {
	return spectrum{
		gr: d.normal(0.25, 0.15, -0.2, 0.8), ri: d.normal(0.15, 0.12, -0.2, 0.6),
		iz: d.normal(0.1, 0.08, -0.2, 0.4), iH: d.normal(0.5, 0.25, -0.3, 1.4),
	}
}

// magnitudes returns those of all bands.
func (s spectrum) magnitudes(i float64) map[string]float64 {
	return map[string]float64{
		"g": i + s.ri + s.gr, "r": i + s.ri, "i": i, "z": i - s.iz,
		"VIS":   i + 0.35*s.ri, // from 550 to 900 nm
		"F814W": i - 0.1*s.iz,
		"F160W": i - s.iH,
	}
}

// fainter returns magnitudes of a flux times this factor.
func fainter(mags map[string]float64, by float64) map[string]float64 {
	out := make(map[string]float64, len(mags))
	for band, m := range mags {
		out[band] = m + by
	}
	return out
}
