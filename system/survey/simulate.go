package survey

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"lensbench/system/sky"
)

// Simulate makes a data set at dir, which must not exist, or be empty.
func Simulate(dir string, spec Spec) (*Set, error) {
	return simulateAt(context.Background(), dir, spec, func(int, int) {})
}

func simulateAt(ctx context.Context, dir string, spec Spec, watch Watch) (*Set, error) {
	spec, preset, err := spec.resolve()
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	if err := build(ctx, dir, spec, preset, watch); err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	return Open(dir)
}

// A Watch is told how many images of all are made. Any goroutine calls it.
type Watch func(done, of int)

// Ensure returns the data set of this spec at dir and whether it had to be made.
// A complete set of the same spec and generator is used as it is; anything else
// at dir is an error, and left alone. Several processes may ask for the same set
// at once: all get it.
func Ensure(dir string, spec Spec) (set *Set, made bool, err error) {
	return EnsureContext(context.Background(), dir, spec, func(int, int) {})
}

// EnsureContext is Ensure that can be cancelled, which leaves nothing behind, and
// watched.
func EnsureContext(ctx context.Context, dir string, spec Spec, watch Watch) (set *Set, made bool, err error) {
	resolved, _, err := spec.resolve()
	if err != nil {
		return nil, false, fmt.Errorf("simulate: %w", err)
	}
	if set, err := existing(dir, resolved); set != nil || err != nil {
		return set, false, err
	}
	set, err = simulateAt(ctx, dir, spec, watch)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		set, err = existing(dir, resolved)
		return set, false, err
	}
	return set, err == nil, err
}

// existing opens the set at dir if there is one, and checks that it is the one
// that is asked for. It returns nil, nil if there is nothing.
func existing(dir string, want Spec) (*Set, error) {
	if entries, err := os.ReadDir(dir); errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil, nil
	}
	set, err := Open(dir)
	if err != nil {
		return nil, fmt.Errorf("%w; remove %s to make the set anew", err, dir)
	}
	m := set.manifest
	if !m.Spec.sameImages(want) {
		return nil, fmt.Errorf("%s holds another data set (%s), not %s; remove it or choose another directory", dir, m.Spec, want)
	}
	if m.Generator != sky.Version {
		return nil, fmt.Errorf("%s was made by %s, this program is %s; remove it to make the set anew", dir, m.Generator, sky.Version)
	}
	return set, nil
}

// build makes the set beside dir and moves it there.
func build(ctx context.Context, dir string, spec Spec, preset sky.Preset, watch Watch) error {
	w, err := newWorkplace(dir)
	if err != nil {
		return err
	}
	defer w.discard()
	if err := os.Mkdir(filepath.Join(w.dir, "images"), 0o755); err != nil {
		return err
	}
	images, err := writeImages(ctx, w.dir, spec, preset, watch)
	if err != nil {
		return err
	}
	m := Manifest{Schema: Schema, Generator: sky.Version, Spec: spec, Unit: unit, PixelScale: preset.Scale,
		Bands: bandsOf(preset), Images: images}
	if err := m.write(w.dir); err != nil {
		return err
	}
	return w.publish(dir)
}

func writeImages(ctx context.Context, dir string, spec Spec, preset sky.Preset, watch Watch) ([]Entry, error) {
	workers := spec.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	entries := make([]Entry, spec.Count)
	var next, done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(workers, spec.Count) {
		g.Go(func() error {
			sim := sky.NewSimulator(preset, spec.Seed, spec.Pixels)
			buf := make([]float32, sim.Len())
			for i := int(next.Add(1)) - 1; i < spec.Count; i = int(next.Add(1)) - 1 {
				err := ctx.Err() // of the user, or because another goroutine has failed
				if err == nil {
					entries[i], err = writeImage(dir, i, spec, sim, buf)
				}
				if err != nil {
					return err
				}
				watch(int(done.Add(1)), spec.Count)
			}
			return nil
		})
	}
	return entries, g.Wait()
}

func writeImage(dir string, i int, spec Spec, sim *sky.Simulator, buf []float32) (Entry, error) {
	o := sim.Image(i, buf)
	b, err := encode([]int{spec.Bands, spec.Pixels, spec.Pixels}, buf)
	if err != nil {
		return Entry{}, err
	}
	sum := sha256.Sum256(b)
	e := Entry{File: fileName(i), SHA256: hex.EncodeToString(sum[:]), Object: o}
	return e, os.WriteFile(filepath.Join(dir, filepath.FromSlash(e.File)), b, 0o644)
}
