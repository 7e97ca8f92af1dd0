package survey

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"lensbench/system/sky"
)

// Schema is the version of the manifest's form.
const Schema = 1

const (
	manifestName = "manifest.json"
	unit         = "electron/s/pixel above the sky"
)

// A Manifest is the content of manifest.json.
type Manifest struct {
	Schema     int     `json:"schema"`
	Generator  string  `json:"generator"` // sky.Version of the program that made the images
	Spec       Spec    `json:"spec"`
	Unit       string  `json:"unit"`        // of the values in the files
	PixelScale float64 `json:"pixel_scale"` // arcsec
	Bands      []Band  `json:"bands"`
	Images     []Entry `json:"images"` // by index
}

// A Band is one band of every image.
type Band struct {
	Name      string  `json:"name"`
	FWHM      float64 `json:"psf_fwhm"`         // arcsec
	ZeroPoint float64 `json:"zero_point"`       // magnitude of 1 electron/s
	SkyRate   float64 `json:"sky_rate"`         // electrons/s per pixel, already subtracted
	Time      float64 `json:"exposure_time"`    // s, all exposures
	ReadNoise float64 `json:"read_noise_coadd"` // electrons rms per pixel of the coadd
}

// An Entry is one image.
type Entry struct {
	File   string `json:"file"`   // below the data set's directory
	SHA256 string `json:"sha256"` // of the file, hexadecimal
	sky.Object
}

func bandsOf(p sky.Preset) []Band {
	var out []Band
	for _, f := range p.Bands {
		out = append(out, Band{Name: f.Name, FWHM: f.FWHM, ZeroPoint: f.ZeroPoint, SkyRate: f.SkyRate(p.Scale),
			Time: f.Time(), ReadNoise: f.ReadNoiseTotal()})
	}
	return out
}

// write writes the manifest with one line an image.
func (m Manifest) write(dir string) error {
	images := m.Images
	m.Images = []Entry{}
	head, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	b := bytes.NewBuffer(bytes.TrimSuffix(head, []byte("]\n}")))
	for i, e := range images {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		b.WriteString(map[bool]string{true: "\n  ", false: ",\n  "}[i == 0])
		b.Write(line)
	}
	b.WriteString("\n ]\n}\n")
	return os.WriteFile(filepath.Join(dir, manifestName), b.Bytes(), 0o644)
}

// readManifest reads and checks the manifest of a data set.
func readManifest(dir string) (Manifest, error) {
	path := filepath.Join(dir, manifestName)
	b, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, err
	}
	m, err := parseManifest(b)
	if err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func parseManifest(b []byte) (Manifest, error) {
	var version struct{ Schema int }
	if err := json.Unmarshal(b, &version); err != nil {
		return Manifest{}, fmt.Errorf("not a manifest: %w", err)
	}
	if version.Schema != Schema {
		return Manifest{}, fmt.Errorf("schema %d, this program reads %d", version.Schema, Schema)
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("not a manifest: %w", err)
	}
	return m, m.check()
}

func (m Manifest) check() error {
	spec, _, err := m.Spec.resolve()
	if err != nil {
		return err
	}
	if spec != m.Spec || len(m.Bands) != spec.Bands {
		return fmt.Errorf("has %d bands, its spec says %s", len(m.Bands), m.Spec)
	}
	if len(m.Images) != spec.Count {
		return fmt.Errorf("lists %d images, its spec says %d", len(m.Images), spec.Count)
	}
	for i, e := range m.Images {
		if e.File != fileName(i) || len(e.SHA256) != 64 {
			return fmt.Errorf("image %d is %q with SHA-256 %q, want %q and 64 digits", i, e.File, e.SHA256, fileName(i))
		}
	}
	return nil
}

// fileName returns the path of an image below its data set.
func fileName(i int) string { return fmt.Sprintf("images/%06d.npy", i) }
