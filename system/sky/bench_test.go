package sky

import (
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// peerScene draws a scene as the measurement of lenstronomy's speed does: one
// lens with shear, its light, and a source, all different from scene to scene.
func peerScene(d draw) *Scene {
	shape := func() (q, phi float64) {
		e1, e2 := d.uniform(-0.15, 0.15), d.uniform(-0.15, 0.15)
		e := math.Hypot(e1, e2)
		return (1 - e) / (1 + e), math.Atan2(e2, e1) / 2
	}
	q, phi := shape()
	qs, phis := shape()
	return &Scene{
		Lens: &Lens{SIE{ThetaE: d.uniform(0.6, 2.2), Q: q, Phi: phi},
			Shear{Gamma1: d.uniform(-0.05, 0.05), Gamma2: d.uniform(-0.05, 0.05)}},
		Light: []Sersic{{Amp: 20, Radius: d.uniform(0.5, 1.5), N: 4, Q: q, Phi: phi}},
		Source: []Sersic{{Amp: 20, Radius: d.uniform(0.15, 0.5), N: d.uniform(0.8, 2), Q: qs, Phi: phis,
			X: d.uniform(-0.4, 0.4), Y: d.uniform(-0.4, 0.4)}},
	}
}

// benchmarkRender reports images per second of processor time, which the other
// processes of a machine disturb less than the time on the clock.
func benchmarkRender(b *testing.B, pixels int) {
	d := draw{rand.New(rand.NewPCG(1, 1))}
	var scenes []*Scene
	for range 64 {
		scenes = append(scenes, peerScene(d))
	}
	r := NewRenderer(Grid{Pixels: pixels, Scale: 0.2}, Simulation)
	bands := []Band{{FWHM: 0.7, Light: 1, Source: 1}}
	begin := processorTime(b)
	for i := 0; b.Loop(); i++ {
		r.Render(scenes[i%len(scenes)], bands)
	}
	b.ReportMetric(float64(b.N)/(processorTime(b)-begin), "images/cpu-s")
}

func BenchmarkRender64(b *testing.B)  { benchmarkRender(b, 64) }
func BenchmarkRender112(b *testing.B) { benchmarkRender(b, 112) }

// BenchmarkSimulate is a whole image of a survey: three bands, noise.
func BenchmarkSimulate(b *testing.B) {
	p, err := PresetByName("lsst-y10", 0)
	if err != nil {
		b.Fatal(err)
	}
	s := NewSimulator(p, 1, 64)
	dst := make([]float32, s.Len())
	begin := processorTime(b)
	for i := 0; b.Loop(); i++ {
		s.Image(i, dst)
	}
	b.ReportMetric(float64(b.N)/(processorTime(b)-begin), "images/cpu-s")
}

// processorTime returns the time this process has computed, s.
func processorTime(b *testing.B) float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return float64(t.Nano()) / 1e9
}
