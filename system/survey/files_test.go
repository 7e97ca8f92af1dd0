package survey

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/system/npy"
)

// pngFile returns a PNG of one row of grey pixels.
func pngFile(t *testing.T, pixels ...byte) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, len(pixels), 1))
	for x, v := range pixels {
		m.SetGray(x, 0, color.Gray{Y: v})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func npyFile(t *testing.T, shape []int, data ...float32) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, shape, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func directory(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFilesAreTheImagesOfADirectory(t *testing.T) {
	for kind, files := range map[string]map[string][]byte{
		"npy": {"b.npy": npyFile(t, []int{1, 1, 3}, 4, 5, 6), "a.npy": npyFile(t, []int{1, 1, 3}, 1, 2, 3), ".hidden": nil},
		"png": {"b.png": pngFile(t, 4, 5, 6), "a.png": pngFile(t, 1, 2, 3), ".hidden": nil},
	} {
		dir := directory(t, files)
		f, err := OpenImages(dir)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		bands, height, width := f.Shape()
		if f.Len() != 2 || bands != 1 || height != 1 || width != 3 || f.Label(0) != Unlabelled || f.Name(1) != filepath.Join(dir, "b."+kind) {
			t.Errorf("%s: %d images of [%d %d %d], the second %s", kind, f.Len(), bands, height, width, f.Name(1))
		}
		for i, want := range [][]float32{{1, 2, 3}, {4, 5, 6}} {
			got := make([]float32, 3)
			if err := f.Read(i, got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: image %d is %v (%v), want %v", kind, i, got, err, want)
			}
		}
	}
}

func TestOpenFilesErrors(t *testing.T) {
	for want, files := range map[string]map[string][]byte{
		"has no files": {".hidden": nil},
		"a.txt is none of .npy, .fits, .png, .tiff": {"a.txt": nil},
		"b.png are not of one kind":                 {"a.npy": npyFile(t, []int{1, 1, 1}, 1), "b.png": pngFile(t, 1)},
		"shape (1,), want [bands":                   {"a.npy": npyFile(t, []int{1}, 1)},
		"a.npy: not a readable .npy":                {"a.npy": nil},
		"a.png: not a readable PNG":                 {"a.png": []byte("GIF89a12")},
		"shape (0, 1, 1), want [bands":              {"a.npy": npyFile(t, []int{0, 1, 1})},
	} {
		if _, err := OpenFiles(directory(t, files)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := OpenFiles(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v of a directory that is not there", err)
	}
}

func TestFilesThatDifferFromTheFirst(t *testing.T) {
	good := npyFile(t, []int{1, 1, 2}, 1, 2)
	for want, files := range map[string]map[string][]byte{
		"b.npy: shape (1, 2, 1), want (1, 1, 2)": {"a.npy": good, "b.npy": npyFile(t, []int{1, 2, 1}, 1, 2)},
		"b.npy: want float32 (1, 1, 2)":          {"a.npy": good, "b.npy": good[:len(good)-1]},
		"b.png: shape (1, 1, 3), want (1, 1, 2)": {"a.png": pngFile(t, 1, 2), "b.png": pngFile(t, 1, 2, 3)},
		"b.png: not a readable PNG":              {"a.png": pngFile(t, 1, 2), "b.png": pngFile(t, 1, 2)[:60]},
	} {
		f, err := OpenFiles(directory(t, files))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Read(1, make([]float32, 2)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
