package survey

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// A Summary says what images are.
type Summary struct {
	Images, Lenses, Others, Unlabelled int
	Constant                           []string // names of images of which a band has one value everywhere
}

// Verify reads all images, compares the files with their hashes where these are
// known, and sums up what they are. watch, if not nil, is told how many are done.
func Verify(ctx context.Context, images Images, watch Watch) (Summary, error) {
	s := Summary{Images: images.Len()}
	bands, height, width := images.Shape()
	var mu sync.Mutex
	var next, done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), s.Images) {
		g.Go(func() error {
			pixels := make([]float32, bands*height*width)
			for i := int(next.Add(1)) - 1; i < s.Images; i = int(next.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := readVerified(images, i, pixels); err != nil {
					return err
				}
				mu.Lock()
				s.add(images, i, constant(pixels, bands))
				mu.Unlock()
				if watch != nil {
					watch(int(done.Add(1)), s.Images)
				}
			}
			return nil
		})
	}
	err := g.Wait()
	slices.Sort(s.Constant)
	return s, err
}

// readVerified reads an image, and compares its file with its hash. Files do that
// on each read.
func readVerified(images Images, i int, pixels []float32) error {
	switch x := images.(type) {
	case *Subset:
		return readVerified(x.of, x.index[i], pixels)
	case *Set:
		if err := (file{path: x.path(i), sha256: x.manifest.Images[i].SHA256}).checkHash(); err != nil {
			return err
		}
	}
	return images.Read(i, pixels)
}

func (s *Summary) add(images Images, i int, constant bool) {
	switch images.Label(i) {
	case IsLens:
		s.Lenses++
	case NotLens:
		s.Others++
	default:
		s.Unlabelled++
	}
	if constant {
		s.Constant = append(s.Constant, images.Name(i))
	}
}

// constant says whether a band has one value everywhere, as a picture that came
// out black has.
func constant(pixels []float32, bands int) bool {
	each := len(pixels) / bands
	for b := range bands {
		plane := pixels[b*each : (b+1)*each]
		if !slices.ContainsFunc(plane, func(v float32) bool { return v != plane[0] }) {
			return true
		}
	}
	return false
}

// Watched are images that remember which of those that were read have a band of one
// value, for who does not read them all beforehand.
type Watched struct {
	Images
	mu       sync.Mutex
	constant map[string]bool
}

// Read reads image i; see Images.
func (w *Watched) Read(i int, dst []float32) error {
	err := w.Images.Read(i, dst)
	if bands, _, _ := w.Shape(); err == nil && constant(dst, bands) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.constant == nil {
			w.constant = map[string]bool{}
		}
		w.constant[w.Name(i)] = true
	}
	return err
}

// Constant returns the names of those images, sorted.
func (w *Watched) Constant() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.constant))
}

// String is the summary in words.
func (s Summary) String() string {
	return fmt.Sprintf("%d images: %d lenses, %d others, %d without a label", s.Images, s.Lenses, s.Others, s.Unlabelled)
}
