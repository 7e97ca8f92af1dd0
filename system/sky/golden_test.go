package sky

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// The images of a seed may not change without Version changing with them.
func TestGoldenImages(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: objects and noisy images of seed 1, 32 pixels\n", Version)
	s := NewSimulator(preset(t), 1, 32)
	dst := make([]float32, s.Len())
	for i := range 4 {
		o := s.Image(i, dst)
		fmt.Fprintf(&b, "%d: %s, front R %.6f at (%.6f, %.6f), g %.4f and %.4f, ratio in i %.4f\n", i, o.Kind,
			o.Scene.Light[0].Radius, o.Scene.Light[0].X, o.Scene.Light[0].Y, o.LightMag["g"], o.SourceMag["g"], o.FluxRatio["i"])
		for band := range 3 {
			image := dst[band*32*32 : (band+1)*32*32]
			sum := 0.0
			for _, v := range image {
				sum += float64(v)
			}
			fmt.Fprintf(&b, "  %.3f e/s in all, pixels %.4f %.4f %.4f\n", sum, image[0], image[500], image[16*32+16])
		}
	}
	path := filepath.Join("testdata", "images.golden")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("images of seed 1 have changed: change Version too, and run with -update\ngot\n%s\nwant\n%s", b.Bytes(), want)
	}
}
