package decoded

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lensbench/system/survey"
)

var errBroken = errors.New("broken")

// counted are images that count how often they are read; the last cannot be.
type counted struct {
	n     int
	reads []atomic.Int64
}

func (c *counted) Len() int                          { return c.n }
func (c *counted) Shape() (bands, height, width int) { return 2, 3, 4 }
func (c *counted) Label(i int) int                   { return i % 2 }
func (c *counted) Name(int) string                   { return "image" }
func (c *counted) Read(i int, dst []float32) error {
	c.reads[i].Add(1)
	if i == c.n-1 {
		return errBroken
	}
	for k := range dst {
		dst[k] = float32(100*i + k)
	}
	return nil
}

// stores are both ways to keep images.
func stores(t *testing.T, images survey.Images) map[string]*Store {
	t.Helper()
	dir := t.TempDir()
	mapped, err := Mapped(images, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mapped.Close(); err != nil {
			t.Error(err)
		}
		if err := mapped.Close(); err != nil {
			t.Error("closed twice:", err)
		}
	})
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("%s has a name", files[0].Name())
	}
	return map[string]*Store{"in memory": InMemory(images), "mapped": mapped}
}

// Every image is decoded once, whoever wants it, and is what the files have.
func TestReadOnce(t *testing.T) {
	for name := range map[string]bool{"in memory": true, "mapped": true} {
		images := &counted{50, make([]atomic.Int64, 50)}
		s := stores(t, images)[name]
		var all sync.WaitGroup
		for g := range 4 {
			all.Go(func() {
				dst, want := make([]float32, 24), make([]float32, 24)
				for k := range 300 {
					i := (k*7 + g) % 50
					err := s.Read(i, dst)
					if i == 49 {
						if !errors.Is(err, errBroken) {
							t.Errorf("%s: image that cannot be read: %v", name, err)
						}
						continue
					}
					for k := range want {
						want[k] = float32(100*i + k)
					}
					if err != nil || !slices.Equal(dst, want) {
						t.Errorf("%s: image %d: %v, %v", name, i, dst, err)
					}
				}
			})
		}
		all.Wait()
		for i := range images.reads {
			if n := images.reads[i].Load(); n != 1 {
				t.Errorf("%s: image %d was read %d times", name, i, n)
			}
		}
		if s.Label(3) != 1 || s.Len() != 50 {
			t.Errorf("%s: label %d of %d images", name, s.Label(3), s.Len())
		}
	}
}

func TestNoPlace(t *testing.T) {
	images := &counted{50, make([]atomic.Int64, 50)}
	if _, err := Mapped(images, "/nowhere"); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Error(err)
	}
}
