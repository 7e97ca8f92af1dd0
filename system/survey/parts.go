package survey

import (
	"fmt"
	"strings"

	"lensbench/nearest"
	"lensbench/system/sky"
)

// Names of the parts that a data set is split into.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

// PartNames are all names of parts.
var PartNames = []string{Train, Validation, Test}

// Parted are images that are split into parts. No image is in two of them.
type Parted interface {
	Images
	// Part returns the indices of a part's images, ascending; none if there is no
	// such part.
	Part(name string) []int
}

// Parts returns the names of the parts that images are split into.
func Parts(images Images) (names []string) {
	p, ok := images.(Parted)
	if !ok {
		return nil
	}
	for _, name := range PartNames {
		if len(p.Part(name)) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// Part returns one part of images, under the images' names.
func Part(images Images, name string) (Images, error) {
	there := Parts(images)
	if len(there) == 0 {
		return nil, fmt.Errorf("is not split into parts, so there is no %q", name)
	}
	index := images.(Parted).Part(name)
	if len(index) == 0 {
		hint := ""
		if near := nearest.Name(name, there); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return nil, fmt.Errorf("has no part %q; there is %s%s", name, strings.Join(there, ", "), hint)
	}
	return &Subset{images, index}, nil
}

// A Subset is some of the images of another collection.
type Subset struct {
	of    Images
	index []int
}

// Share returns every world-th of the images, from number rank on.
func Share(images Images, rank, world int) Images {
	if world <= 1 {
		return images
	}
	s := &Subset{of: images}
	for i := rank; i < images.Len(); i += world {
		s.index = append(s.index, i)
	}
	return s
}

// First returns the first n of the images, of which there are at least as many.
func First(images Images, n int) Images {
	if n == images.Len() {
		return images
	}
	return Range(images, 0, n)
}

// Range returns n of the images, from number first on, of which there are as many.
func Range(images Images, first, n int) Images {
	s := &Subset{of: images}
	for i := range n {
		s.index = append(s.index, first+i)
	}
	return s
}

// Len returns the number of images.
func (s *Subset) Len() int { return len(s.index) }

// Shape returns the shape of an image.
func (s *Subset) Shape() (bands, height, width int) { return s.of.Shape() }

// Read reads image i; see Images.
func (s *Subset) Read(i int, dst []float32) error { return s.of.Read(s.index[i], dst) }

// Label returns the label of image i.
func (s *Subset) Label(i int) int { return s.of.Label(s.index[i]) }

// Name returns what image i is called in the whole.
func (s *Subset) Name(i int) string { return s.of.Name(s.index[i]) }

// A Simulated collection knows what it is made of.
type Simulated interface {
	// Object returns what image i shows; it is not to be changed.
	Object(i int) *sky.Object
}

// Truth returns what image i shows, if that is known; it is not to be changed.
func Truth(images Images, i int) (*sky.Object, bool) {
	switch x := images.(type) {
	case Simulated:
		return x.Object(i), true
	case *Subset:
		return Truth(x.of, x.index[i])
	}
	return nil, false
}

// SetOf returns the data set that images are, or are a part of.
func SetOf(images Images) (*Set, bool) {
	switch x := images.(type) {
	case *Set:
		return x, true
	case *Subset:
		return SetOf(x.of)
	}
	return nil, false
}

var (
	_ Parted    = (*Set)(nil)
	_ Simulated = (*Set)(nil)
	_ Images    = (*Subset)(nil)
)

// Part returns the indices of a part. The parts are ranges one behind the other,
// and an image depends on its index alone, so they are disjoint.
func (s *Set) Part(name string) []int {
	spec := s.manifest.Spec
	first, n := 0, 0
	switch name {
	case Train:
		n = spec.Train
	case Validation:
		first, n = spec.Train, spec.Validation
	case Test:
		first, n = spec.Train+spec.Validation, spec.Test
	}
	index := make([]int, n)
	for i := range index {
		index[i] = first + i
	}
	return index
}

// Object returns what image i shows.
func (s *Set) Object(i int) *sky.Object { return &s.manifest.Images[i].Object }
