package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"lensbench/system/npy"
	"lensbench/system/survey"
)

// An Identity tells a set of images from others.
type Identity struct {
	Images int    `json:"images"`
	Lenses int    `json:"lenses"`
	Digest string `json:"digest"` // SHA-256 of the images' shape, names and labels, and of some pixels
}

// looked is the number of images whose pixels are looked at. All of them would
// take minutes for a large survey; whoever replaces one image in a thousand
// under its old name is not noticed.
const looked = 64

// Identify looks at a set of labelled images; what, for errors, is what they are
// for. Both classes must be there.
func Identify(images survey.Images, what string) (Identity, error) {
	id := Identity{Images: images.Len()}
	bands, height, width := images.Shape()
	h := sha256.New()
	fmt.Fprintln(h, bands, height, width, id.Images)
	for i := range id.Images {
		label := images.Label(i)
		if label == survey.Unlabelled {
			return id, fmt.Errorf("%s has no label; %s needs one for every image", images.Name(i), what)
		}
		id.Lenses += label
		fmt.Fprintln(h, label, filepath.Base(images.Name(i)))
	}
	if err := id.check(what); err != nil {
		return id, err
	}
	pixels := make([]float32, bands*height*width)
	n := min(looked, id.Images)
	for k := range n {
		if err := images.Read(k*id.Images/n, pixels); err != nil {
			return id, err
		}
		if err := npy.Write(h, []int{len(pixels)}, pixels); err != nil {
			return id, err
		}
	}
	id.Digest = hex.EncodeToString(h.Sum(nil))
	return id, nil
}

func (id Identity) check(what string) error {
	switch id.Lenses {
	case 0:
		return fmt.Errorf("none of the %d images for %s is a lens; both classes are needed", id.Images, what)
	case id.Images:
		return fmt.Errorf("all of the %d images for %s are lenses; both classes are needed", id.Images, what)
	}
	return nil
}

// Data are the images of a run.
type Data struct {
	Bands      int      `json:"bands"`
	Pixels     int      `json:"pixels"` // side of an image
	Train      Identity `json:"train"`
	Validation Identity `json:"validation"`
}

func identifyBoth(train, validation survey.Images) (d Data, err error) {
	bands, height, width := train.Shape()
	if height != width {
		return d, fmt.Errorf("images have %d×%d pixels; networks are trained on square ones", height, width)
	}
	if b, h, w := validation.Shape(); b != bands || h != height || w != width {
		return d, fmt.Errorf("images for training have %d bands of %d×%d pixels, those for validation %d of %d×%d", bands, height, width, b, h, w)
	}
	d.Bands, d.Pixels = bands, height
	if d.Train, err = Identify(train, "training"); err != nil {
		return d, err
	}
	d.Validation, err = Identify(validation, "validation")
	return d, err
}
