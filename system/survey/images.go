package survey

// Unlabelled is the label of an image of which nobody says what it is.
const Unlabelled = -1

// Images are images of one shape, with labels: a data set, a part of one, or
// files that a user already has. Its methods may be called from any number of
// goroutines.
type Images interface {
	// Len returns the number of images.
	Len() int
	// Shape returns what all images share.
	Shape() (bands, height, width int)
	// Read reads image i, [bands, height, width], into dst, which has just that
	// many elements. All of them are finite, or an error names the file, and
	// the HDU and offset where there are such.
	Read(i int, dst []float32) error
	// Label returns 1 if image i is a lens, 0 if it is none, or Unlabelled.
	Label(i int) int
	// Name returns what a user knows image i by: a path, with an HDU perhaps.
	Name(i int) string
}

var _ Images = (*Set)(nil)

// Shape returns the shape of an image.
func (s *Set) Shape() (bands, height, width int) { return s.Bands(), s.Pixels(), s.Pixels() }

// Name returns the path of image i.
func (s *Set) Name(i int) string { return s.path(i) }
