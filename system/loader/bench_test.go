package loader

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"lensbench/system/augment"
	"lensbench/system/stretch"
	"lensbench/system/survey"
)

// BenchmarkEpoch reads 256 images of 64×64 pixels in three bands from files,
// which the system has in memory. compare_dataloader.py sets lens load beside
// PyTorch's DataLoader.
func BenchmarkEpoch(b *testing.B) {
	set, err := survey.Simulate(filepath.Join(b.TempDir(), "set"), survey.Spec{Seed: 1, Count: 256, Pixels: 64})
	if err != nil {
		b.Fatal(err)
	}
	policy := &augment.Policy{Dihedral: true, Shift: 4, Zoom: 0.1, Rotation: 15, Noise: 0.5}
	for _, do := range []struct {
		name    string
		policy  *augment.Policy
		stretch stretch.Stretch
	}{{"read", nil, ""}, {"stretch", nil, stretch.Asinh}, {"augment+stretch", policy, stretch.Asinh}} {
		for _, workers := range []int{0, 1, 2} {
			b.Run(fmt.Sprintf("do=%s/workers=%d", do.name, workers), func(b *testing.B) {
				l, err := New(set, Config{Batch: 32, Workers: workers, Prefetch: 4, Shuffle: true, Augment: do.policy, Stretch: do.stretch})
				if err != nil {
					b.Fatal(err)
				}
				number, images := 0, 0
				for b.Loop() {
					images += run(b, l.Epoch(context.Background(), number, 0))
					number++
				}
				b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

// run reads a stream to its end and returns the number of its images.
func run(b *testing.B, s *Stream) (images int) {
	defer s.Close()
	for {
		batch, err := s.Next()
		if err == io.EOF {
			return images
		}
		if err != nil {
			b.Fatal(err)
		}
		images += len(batch.Index)
		s.Release(batch)
	}
}
