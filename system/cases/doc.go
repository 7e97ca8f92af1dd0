// Package cases reads the scenes and points that `lens render` and `lens field`
// are given, in the JSON form of the reference data of the simulator's tests:
//
//	{"cases": [{"id": "ring", "n_pix": 64, "pixel_scale": 0.2, "psf_fwhm": 0.7,
//	  "lens": {"theta_E": 1.6, "q": 0.95, "phi": 0.4, "center_x": 0, "center_y": 0,
//	           "gamma1": 0.01, "gamma2": 0},
//	  "lens_light": [{"amp": 20, "R_sersic": 0.9, "n_sersic": 4, "q": 0.9, "phi": 0.4,
//	                  "center_x": 0, "center_y": 0}],
//	  "source": []}]}
//
//	{"cases": [{"id": "a", "kind": "SIE+SHEAR", "theta_E": 1, "q": 0.8, "phi": 0,
//	  "center_x": 0, "center_y": 0, "gamma1": 0.05, "gamma2": 0, "ra_0": 0, "dec_0": 0,
//	  "x": [1, 2], "y": [0, 0.5]}]}
//
// With "psf_beta" beside "psf_fwhm" the point-spread function is Moffat's; "psf_file" and
// "psf_sampling" (arcsec) instead name an .npy of its samples.
//
// Reading is strict. A key that is unknown, missing or given twice, a value of
// the wrong type or out of its range is an error with line and column, since a
// scene with a mistyped parameter would give a wrong image without a word.
package cases
