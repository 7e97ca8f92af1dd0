package cases

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/system/sky"
)

const image = `{"cases": [
 {"id": "ring", "kind": "a lens", "n_pix": 64, "pixel_scale": 0.2, "psf_fwhm": 0.7,
  "lens": {"theta_E": 1.6, "q": 0.95, "phi": 0.4, "center_x": 0.02, "center_y": -0.03, "gamma1": 0.01, "gamma2": -5e-3},
  "lens_light": [{"amp": 20, "R_sersic": 0.9, "n_sersic": 4, "q": 0.9, "phi": 0.45, "center_x": 0.02, "center_y": -0.03}],
  "source": []}
]}`

const points = `{"seed": 1, "cases": [
 {"id": "a", "kind": "SIE+SHEAR", "theta_E": 1, "q": 0.8, "phi": 0, "center_x": 0, "center_y": 0,
  "gamma1": 0.05, "gamma2": 0, "ra_0": 0.1, "dec_0": 0, "x": [1, 2.5], "y": [0, -1e1]}
]}`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadImages(t *testing.T) {
	list, err := ReadImages(write(t, image), sky.BnApprox)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d scenes, %v", len(list), err)
	}
	c := list[0]
	light := sky.Sersic{Amp: 20, Radius: 0.9, N: 4, Q: 0.9, Phi: 0.45, X: 0.02, Y: -0.03, Bn: sky.BnApprox}
	lens := sky.Lens{Mass: sky.SIE{ThetaE: 1.6, Q: 0.95, Phi: 0.4, X: 0.02, Y: -0.03}, Shear: sky.Shear{Gamma1: 0.01, Gamma2: -0.005}}
	if c.ID != "ring" || c.Grid != (sky.Grid{Pixels: 64, Scale: 0.2}) || c.FWHM != 0.7 || *c.Scene.Lens != lens ||
		len(c.Scene.Light) != 1 || c.Scene.Light[0] != light || len(c.Scene.Source) != 0 {
		t.Errorf("read %+v", c)
	}
	list, err = ReadImages(write(t, noLens(image)), sky.BnExact)
	if err != nil || list[0].Scene.Lens != nil {
		t.Errorf("without a lens: %+v, %v", list, err)
	}
}

func TestReadPSF(t *testing.T) {
	for with, want := range map[string]Image{
		`"psf_fwhm": 0.7, "psf_beta": 3.5`:           {FWHM: 0.7, Beta: 3.5},
		`"psf_file": "psf.npy", "psf_sampling": 0.1`: {PSFFile: "psf.npy", PSFSampling: 0.1},
	} {
		list, err := ReadImages(write(t, strings.Replace(image, `"psf_fwhm": 0.7`, with, 1)), sky.BnExact)
		if err != nil {
			t.Fatal(err)
		}
		if c := list[0]; c.FWHM != want.FWHM || c.Beta != want.Beta || c.PSFFile != want.PSFFile || c.PSFSampling != want.PSFSampling {
			t.Errorf("%s: read %+v", with, c)
		}
	}
}

// noLens replaces the lens by null.
func noLens(text string) string {
	from := strings.Index(text, `{"theta_E"`)
	to := from + strings.Index(text[from:], "}") + 1
	return text[:from] + "null" + text[to:]
}

func TestReadPoints(t *testing.T) {
	list, err := ReadPoints(write(t, points))
	if err != nil || len(list) != 1 || list[0].ID != "a" || len(list[0].X) != 2 || list[0].Y[1] != -10 {
		t.Fatalf("read %+v, %v", list, err)
	}
	want := sky.Lens{Mass: sky.SIE{ThetaE: 1, Q: 0.8}, Shear: sky.Shear{Gamma1: 0.05, X: 0.1}}.Field(1, 0)
	if got := list[0].Field(1, 0); got != want {
		t.Errorf("field %+v, want %+v", got, want)
	}
}

// Each case is one edit of a correct file, and what its error says.
func TestErrors(t *testing.T) {
	for _, tc := range []struct{ name, in, old, new, want string }{
		{"empty", image, image, "", "1:1: not JSON: the text ends too early"},
		{"cut short", image, `"source": []}` + "\n]}", "", "not JSON: the text ends too early"},
		{"no JSON", image, image, "cases: []", "1:1: not JSON: invalid character 'c'"},
		{"NaN", image, `"theta_E": 1.6`, `"theta_E": NaN`, "3:23: not JSON: invalid character 'N'"},
		{"more after it", image, "\n]}", "\n]} {}", "6:4: more text after the JSON value"},
		{"a list", image, image, "[]", "1:1: the file is a list, want an object"},
		{"no cases", image, `"cases"`, `"case"`, `1:2: the file has no key "cases"; is "case" meant?`},
		{"empty list", image, image, `{"cases": []}`, "1:1: there are no cases"},
		{"unknown top key", image, `{"cases"`, `{"truth": 1, "cases"`, `1:2: the file: unknown key "truth"`},
		{"case no object", image, image, `{"cases": [7]}`, "1:12: case 1 is the number 7, want an object"},
		{"no id", image, `"id": "ring", `, "", `2:2: case 1 has no key "id"`},
		{"id a number", image, `"ring"`, "3", "2:9: case 1: id is the number 3"},
		{"id empty", image, `"ring"`, `""`, `id is the text "", want the name of a file`},
		{"id a path", image, `"ring"`, `"../ring"`, `id is the text "../ring", want the name of a file`},
		{"id hidden", image, `"ring"`, `".ring"`, "want the name of a file"},
		{"id twice", image, "\n]}", `, {"id": "ring"}]}`, `case 2: id "ring" is that of case 1 too`},
		{"misspelt", image, `"psf_fwhm"`, `"psf_fhwm"`, `2:68: case ring has no key "psf_fwhm"; is "psf_fhwm" meant?`},
		{"missing", image, `"n_pix": 64, `, "", `2:2: case ring has no key "n_pix"`},
		{"unknown", image, `"kind"`, `"comment": 1, "kind"`, `2:17: case ring: unknown key "comment"; known are`},
		{"unknown in lens", image, `"gamma2"`, `"gama3": 0, "gamma2"`, `case ring: lens: unknown key "gama3"; did you mean`},
		{"given twice", image, `"q": 0.95`, `"q": 0.95, "q": 0.9`, `3:39: key "q" given twice`},
		{"kind a number", image, `"a lens"`, "1", "case ring: kind is the number 1, want a text"},
		{"text for a number", image, `"q": 0.95`, `"q": "round"`, `3:33: case ring: lens: q is the text "round", want a number`},
		{"null for a number", image, `"q": 0.95`, `"q": null`, "lens: q is null, want a number"},
		{"q above 1", image, `"q": 0.95`, `"q": 1.01`, "lens: q is 1.01, want 0.05 to 1"},
		{"q zero", image, `"q": 0.9,`, `"q": 0,`, "case ring: lens_light[0]: q is 0, want 0.05 to 1"},
		{"theta_E negative", image, "1.6", "-1.6", "theta_E is -1.6, want 0 to 1000 arcsec"},
		{"too large to be a number", image, "1.6", "1e999", "theta_E is 1e999, which is too large"},
		{"no size", image, `"R_sersic": 0.9`, `"R_sersic": 0`, "R_sersic is 0, want 0.001 to 1000 arcsec"},
		{"index", image, `"n_sersic": 4`, `"n_sersic": 40`, "n_sersic is 40, want 0.2 to 12"},
		{"half a pixel", image, `"n_pix": 64`, `"n_pix": 64.5`, "n_pix is 64.5, want a whole number, 1 to 2048"},
		{"no pixels", image, `"n_pix": 64`, `"n_pix": 0`, "n_pix is 0, want a whole number"},
		{"sharper than a pixel", image, `"psf_fwhm": 0.7`, `"psf_fwhm": 0.01`, "psf_fwhm is 0.01, want 0.06 to 20 arcsec (0.3 to 100 pixels)"},
		{"beta too small", image, `"psf_fwhm": 0.7`, `"psf_fwhm": 0.7, "psf_beta": 1`, "psf_beta is 1, want more than 1, up to 100"},
		{"file without sampling", image, `"psf_fwhm": 0.7`, `"psf_file": "psf.npy"`, `case ring has no key "psf_sampling"`},
		{"file and FWHM", image, `"psf_fwhm": 0.7`, `"psf_file": "psf.npy", "psf_sampling": 0.1, "psf_fwhm": 0.7`, `case ring: unknown key "psf_fwhm"`},
		{"sampling too coarse", image, `"psf_fwhm": 0.7`, `"psf_file": "psf.npy", "psf_sampling": 1`, "psf_sampling is 1, want 0.003125 to 0.8 arcsec (1/64 to 4 pixels)"},
		{"no light list", image, `"source": []`, `"source": null`, "case ring: source is null, want a list"},
		{"deep", image, image, strings.Repeat("[", 50), "nested more than 16 levels deep"},
	} {
		text := strings.Replace(tc.in, tc.old, tc.new, 1)
		_, err := ReadImages(write(t, text), sky.BnExact)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "cases.json:") {
			t.Errorf("%s: %v\nwant %q", tc.name, err, tc.want)
		}
	}
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown kind", `"SIE+SHEAR"`, `"NFW"`, `2:22: case a: kind is the text "NFW", want "SIE", "SHEAR" or "SIE+SHEAR"`},
		{"shear with a mass", `"SIE+SHEAR"`, `"SHEAR"`, `case a: unknown key "theta_E"`},
		{"mass with a shear", `"SIE+SHEAR"`, `"SIE"`, `case a: unknown key "gamma1"`},
		{"no origin", `"ra_0": 0.1, `, "", `case a has no key "ra_0"`},
		{"no points", `, "y": [0, -1e1]`, "", `case a has no key "y"`},
		{"unequal lengths", `[1, 2.5]`, `[1, 2.5, 3]`, "2:2: case a: 3 numbers in x and 2 in y"},
		{"a point no number", `[1, 2.5]`, `[1, "2"]`, `case a: x[1] is the text "2", want a number`},
		{"a point too far", `[1, 2.5]`, `[1, 1e200]`, "case a: x[1] is 1e200, want -1e+09 to 1e+09 arcsec"},
		{"q zero", `"q": 0.8`, `"q": 0`, "case a: q is 0, want more than 0, up to 1"},
	} {
		_, err := ReadPoints(write(t, strings.Replace(points, tc.old, tc.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v\nwant %q", tc.name, err, tc.want)
		}
	}
	if _, err := ReadImages("nowhere.json", sky.BnExact); err == nil || !strings.Contains(err.Error(), "nowhere.json") {
		t.Errorf("no file: %v", err)
	}
}

// Whatever the text, reading ends, with scenes that are within their ranges or an
// error with a place.
func FuzzCases(f *testing.F) {
	f.Add(image)
	f.Add(points)
	f.Add(noLens(image))
	f.Add(`{"cases":[{"id":"a","id":"b"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var list []Image
		err := parse([]byte(text), nil, func(o *object, id string) { list = append(list, o.image(id, sky.BnExact)) })
		if err == nil {
			for _, c := range list {
				if c.Grid.Pixels < 1 || !(c.Grid.Scale > 0) || !(c.FWHM > 0) || c.ID == "" {
					t.Errorf("accepted %+v", c)
				}
			}
		} else if !strings.Contains(err.Error(), ":") {
			t.Errorf("error without a place: %v", err)
		}
		if err := parse([]byte(text), nil, func(o *object, id string) { o.points(id) }); err == nil && list != nil {
			t.Error("both a scene and points")
		}
	})
}
