package trained

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/stretch"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// save makes a network of formula weights at dir.
func save(t *testing.T, dir string) *Network {
	t.Helper()
	m, err := model.New("resnet18", 1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := Save(dir, Manifest{Model: "resnet18", Bands: 1, Pixels: 32, Input: 32, Stretch: stretch.Asinh, Temperature: 1.5,
		Thresholds: map[string]float64{"fpr=0.01": 2.5}}, m.Params, nn.Formula{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFind(t *testing.T) {
	cache := t.TempDir()
	saved := save(t, filepath.Join(Models(cache), "mine"))
	for _, name := range []string{"mine", saved.Dir} {
		n, err := Find(name, cache)
		if err != nil || n.Dir != saved.Dir || n.Manifest.SHA256 != saved.Manifest.SHA256 || n.Manifest.Thresholds["fpr=0.01"] != 2.5 {
			t.Errorf("%s: %+v, %v; want %+v", name, n, err, saved)
		}
	}
	if _, err := Find("mien", cache); err == nil || !strings.Contains(err.Error(), `; did you mean "mine"? there is mine; make train`) {
		t.Errorf("error %v does not name the nearest", err)
	}
	if _, err := Find("yours", t.TempDir()); err == nil || !strings.Contains(err.Error(), `no trained network "yours"`) || !strings.Contains(err.Error(), "make train") {
		t.Errorf("error %v does not say what is missing and how to get it", err)
	}
}

func TestOpenErrors(t *testing.T) {
	for _, c := range []struct {
		name, file, from, to string
		want                 string
	}{
		{"weights changed", WeightsName, "backbone", "packbone", "SHA-256 is"},
		{"other schema", ManifestName, `"schema": 1`, `"schema": 2`, "schema 2, this program reads 1"},
		{"unknown key", ManifestName, `"bands"`, `"colours"`, `unknown field "colours"`},
		{"unknown stretch", ManifestName, `"asinh"`, `"sinh"`, `stretch "sinh" is not known`},
		{"temperature", ManifestName, `"temperature": 1.5`, `"temperature": 0`, "temperature 0 is not positive"},
		{"cut short", ManifestName, "\n}", "", "not a manifest of a trained network"},
	} {
		dir := filepath.Join(t.TempDir(), "n")
		save(t, dir)
		path := filepath.Join(dir, c.file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(b), c.from, c.to, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want the path and %q", c.name, err, c.want)
		}
	}
}

func TestResize(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.FromFloat32([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 1, 1, 4, 4)
		if Resize(sc, x, 4) != x {
			t.Error("an image of the right size is another now")
		}
		y := Resize(sc, x, 2)
		got := make([]float32, 4)
		if err := y.CopyFloat32(got); err != nil {
			t.Fatal(err)
		}
		// A triangle of half-width 2 about the edge between the first two pixels weighs the four 3:3:1:0.
		want := []float32{3.5714285, 5.142857, 9.857142, 11.428572}
		if !slices.EqualFunc(got, want, func(a, b float32) bool { return a-b < 1e-5 && b-a < 1e-5 }) {
			t.Errorf("shrunk to %v, want %v", got, want)
		}
	})
}
