package survey

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var split = Spec{Seed: 3, Pixels: 8, Bands: 1, Train: 6, Validation: 3, Test: 4}

// The parts are all images, each once, in order, with their pixels, labels and
// truth.
func TestParts(t *testing.T) {
	set := simulate(t, split)
	if got := Parts(set); !slices.Equal(got, []string{"train", "validation", "test"}) || set.Len() != 13 {
		t.Fatalf("parts %q of %d images", got, set.Len())
	}
	a, b := make([]float32, 64), make([]float32, 64)
	all := 0
	for _, name := range PartNames {
		part, err := Part(set, name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range part.Len() {
			if part.Read(i, a) != nil || set.Read(all, b) != nil || !slices.Equal(a, b) {
				t.Errorf("%s %d is not image %d", name, i, all)
			}
			o, ok := Truth(part, i)
			if !ok || o != set.Object(all) || part.Label(i) != o.Label || part.Name(i) != set.Name(all) {
				t.Errorf("%s %d: label %d, name %s, truth %v", name, i, part.Label(i), part.Name(i), o)
			}
			all++
		}
		if got, ok := SetOf(part); !ok || got != set {
			t.Errorf("%s is of %v", name, got)
		}
	}
	if all != set.Len() {
		t.Errorf("%d images in parts, %d in all", all, set.Len())
	}
}

func TestPartErrors(t *testing.T) {
	some := split
	some.Validation = 0
	for _, tc := range []struct {
		spec       Spec
		name, want string
	}{
		{some, "validation", `has no part "validation"; there is train, test`},
		{split, "tets", `has no part "tets"; there is train, validation, test; did you mean "test"?`},
		{small, "train", `is not split into parts, so there is no "train"`},
	} {
		if _, err := Part(simulate(t, tc.spec), tc.name); err == nil || err.Error() != tc.want {
			t.Errorf("%s of %s: %v, want %q", tc.name, tc.spec, err, tc.want)
		}
	}
	for _, tc := range []struct {
		spec Spec
		want string
	}{
		{Spec{Count: 4, Train: 2, Test: 1, Pixels: 8}, "count 4 is not 3, the sum of train 2, validation 0 and test 1"},
		{Spec{Train: -2, Test: 4, Pixels: 8}, "train -2, validation 0, test 4: none can be negative"},
	} {
		if _, err := Simulate(filepath.Join(t.TempDir(), "x"), tc.spec); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.spec, err, tc.want)
		}
	}
	if images, err := OpenFiles(filepath.Join(simulate(t, small).Dir(), "images")); err != nil || Parts(images) != nil {
		t.Errorf("files have parts %v, %v", Parts(images), err)
	} else if _, ok := Truth(images, 0); ok {
		t.Error("files have a truth")
	}
}
