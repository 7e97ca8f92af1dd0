// Package trained keeps trained networks, each with what is needed to use it.
//
// A trained network is a directory:
//
//	model.json           what it is: a Manifest
//	weights.safetensors  its parameters, as PyTorch loads them
//	…                    what training left beside them (package train)
//
// Other commands find it by its path, or by its name below models/ in the cache
// directory.
package trained

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lensbench/nearest"
	"lensbench/system/atomic"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/stretch"
)

// Schema is the version of the manifest's form.
const Schema = 1

// Names of the files.
const (
	ManifestName = "model.json"
	WeightsName  = "weights.safetensors"
)

// A Manifest says what a trained network is and how its inputs are made.
type Manifest struct {
	Schema  int             `json:"schema"`
	Model   string          `json:"model"`   // network, see model.Names
	Bands   int             `json:"bands"`   // of its images
	Pixels  int             `json:"pixels"`  // side of its images, in pixels of the survey, before any resizing
	Input   int             `json:"input"`   // side that images are resized to
	Stretch stretch.Stretch `json:"stretch"` // of its images

	Survey     string   `json:"survey,omitempty"`      // preset that it was trained on; empty: none
	BandNames  []string `json:"band_names,omitempty"`  // in the order of its inputs
	PixelScale float64  `json:"pixel_scale,omitempty"` // arcsec; 0: not known

	SHA256 string `json:"sha256"` // of the weights' file, hexadecimal

	// Temperature divides logits before they are probabilities; fitted on
	// validation data, 1 if it was not fitted. See package fusion.
	Temperature float64 `json:"temperature"`
	// Thresholds are logits, before that division, by the name of what each was chosen for on
	// validation data: "fpr=0", "fpr=0.001", "fpr=0.01", "fpr=0.1".
	Thresholds map[string]float64 `json:"thresholds,omitempty"`

	Training json.RawMessage `json:"training,omitempty"` // settings and results, see package train
}

// A Network is a trained network on disk.
type Network struct {
	Dir      string
	Manifest Manifest
}

// Models is the directory of named networks below a cache directory.
func Models(cache string) string { return filepath.Join(cache, "models") }

// ErrNone says that there is no network of a name.
var ErrNone = errors.New("no trained network")

// Surveys is the directory of named surveys below a cache directory.
func Surveys(cache string) string { return filepath.Join(cache, "surveys") }

// Find opens the network that a user calls name: a directory, or the name of one
// in the cache.
func Find(name, cache string) (*Network, error) {
	if _, err := os.Stat(filepath.Join(name, ManifestName)); err == nil {
		return Open(name)
	}
	dir := filepath.Join(Models(cache), name)
	n, err := Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w %q: neither %s nor %s is there; %s",
			ErrNone, name, filepath.Join(name, ManifestName), filepath.Join(dir, ManifestName), instead(name, cache))
	}
	return n, err
}

// instead says what a user may have meant by a name that nothing has.
func instead(name, cache string) string {
	const make = "make train makes the one called default, make train-ensemble its fellows in ensembles, lens train others"
	there := Names(cache)
	if len(there) == 0 {
		return make
	}
	hint := ""
	if near := nearest.Name(name, there); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return hint + "there is " + strings.Join(there, ", ") + "; " + make
}

// Names returns the names of the networks in a cache.
func Names(cache string) (names []string) {
	found, _ := filepath.Glob(filepath.Join(Models(cache), "*", ManifestName))
	for _, path := range found {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	return names
}

// Open opens the network in a directory. Its weights must be those that the
// manifest names.
func Open(dir string) (*Network, error) {
	path := filepath.Join(dir, ManifestName)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	n := &Network{Dir: dir, Manifest: m}
	sum, err := hash(n.WeightsPath())
	if err != nil {
		return nil, err
	}
	if sum != m.SHA256 {
		return nil, fmt.Errorf("%s: SHA-256 is %s, %s says %s; it was changed or cut short", n.WeightsPath(), sum, ManifestName, m.SHA256)
	}
	return n, nil
}

func parse(b []byte) (m Manifest, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("not a manifest of a trained network: %w", err)
	}
	if m.Schema != Schema {
		return m, fmt.Errorf("schema %d, this program reads %d", m.Schema, Schema)
	}
	if _, err := stretch.Parse(string(m.Stretch)); err != nil {
		return m, err
	}
	if !(m.Temperature > 0) {
		return m, fmt.Errorf("temperature %g is not positive", m.Temperature)
	}
	return m, nil
}

// Save writes weights and manifest to a directory, which is made if it is not
// there. The manifest, which gets the weights' hash, comes last: until then the
// directory holds the network that it held before, or a mismatch that Open
// finds.
func Save(dir string, m Manifest, ps *nn.Params, src nn.Source) (*Network, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	n := &Network{Dir: dir, Manifest: m}
	if err := ps.WriteFile(n.WeightsPath(), src); err != nil {
		return nil, err
	}
	sum, err := hash(n.WeightsPath())
	if err != nil {
		return nil, err
	}
	n.Manifest.Schema, n.Manifest.SHA256 = Schema, sum
	return n, n.SaveManifest()
}

// SaveManifest writes the manifest anew, with a temperature or thresholds that
// were found later.
func (n *Network) SaveManifest() error {
	b, err := json.MarshalIndent(n.Manifest, "", " ")
	if err != nil {
		return err
	}
	return atomic.WriteFile(filepath.Join(n.Dir, ManifestName), func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}

// WeightsPath returns the path of the weights.
func (n *Network) WeightsPath() string { return filepath.Join(n.Dir, WeightsName) }

// Model describes the network; it has no weights yet.
func (n *Network) Model() (*model.Model, error) { return model.New(n.Manifest.Model, n.Manifest.Bands) }

func hash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
