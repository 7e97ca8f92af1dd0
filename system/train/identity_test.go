package train

import (
	"errors"
	"strings"
	"testing"

	"lensbench/system/survey"
)

// pictures are images in memory: lenses are a ring, others are nothing, all in
// noise.
type pictures struct {
	bands, side int
	labels      []int
	seed        int
	broken      int // image that cannot be read; 0: none
}

var errBroken = errors.New("disk on fire")

func (p *pictures) Len() int                          { return len(p.labels) }
func (p *pictures) Shape() (bands, height, width int) { return p.bands, p.side, p.side }
func (p *pictures) Label(i int) int                   { return p.labels[i] }
func (p *pictures) Name(i int) string                 { return "set/" + string(rune('a'+i%26)) + ".npy" }

func (p *pictures) Read(i int, dst []float32) error {
	if p.broken != 0 && i == p.broken {
		return errBroken
	}
	state := uint64(i+1) * 0x9E3779B97F4A7C15 * uint64(p.seed*2+1)
	for k := range dst {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		dst[k] = float32(state>>40) / (1 << 24)
		x, y := k%p.side-p.side/2, k/p.side%p.side-p.side/2
		if r := x*x + y*y; p.labels[i] == 1 && 9 <= r && r < 25 {
			dst[k] += 2
		}
	}
	return nil
}

// some returns n small pictures, every other a lens.
func some(n, seed int) *pictures {
	p := &pictures{bands: 1, side: 16, seed: seed}
	for i := range n {
		p.labels = append(p.labels, i%2)
	}
	return p
}

func TestIdentify(t *testing.T) {
	id, err := Identify(some(100, 1), "training")
	if err != nil || id.Images != 100 || id.Lenses != 50 || len(id.Digest) != 64 {
		t.Fatalf("%+v, %v", id, err)
	}
	for _, c := range []struct {
		name   string
		change func(p *pictures)
	}{
		{"other pixels", func(p *pictures) { p.seed = 2 }},
		{"other labels", func(p *pictures) { p.labels[0], p.labels[1] = 1, 0 }},
		{"fewer", func(p *pictures) { p.labels = p.labels[:98] }},
		{"another shape", func(p *pictures) { p.side = 8 }},
	} {
		p := some(100, 1)
		c.change(p)
		other, err := Identify(p, "training")
		if err != nil || other.Digest == id.Digest {
			t.Errorf("%s: the digest is the same, %v", c.name, err)
		}
	}
}

func TestIdentifyErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p *pictures)
		want   string
	}{
		{"no lens", func(p *pictures) { clear(p.labels) }, "none of the 4 images for validation is a lens; both classes are needed"},
		{"only lenses", func(p *pictures) { p.labels = []int{1, 1} }, "all of the 2 images for validation are lenses; both classes are needed"},
		{"no label", func(p *pictures) { p.labels[2] = survey.Unlabelled }, "set/c.npy has no label; validation needs one for every image"},
		{"unreadable", func(p *pictures) { p.broken = 3 }, errBroken.Error()},
	} {
		p := some(4, 1)
		c.change(p)
		if _, err := Identify(p, "validation"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestPartsMustMatch(t *testing.T) {
	train, validation := some(4, 1), some(4, 2)
	validation.bands = 3
	_, err := identifyBoth(train, validation)
	if err == nil || !strings.Contains(err.Error(), "images for training have 1 bands of 16×16 pixels, those for validation 3 of 16×16") {
		t.Error(err)
	}
}
