package nn

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/system/safetensors"
)

// A File is a source of weights: a safetensors file that has exactly the
// parameters of one network.
type File struct{ f *safetensors.File }

// OpenFile opens a file of weights for the parameters ps. A tensor that is
// missing, not asked for, of another shape or of another type is an error that
// names it. Only the counters of BatchNorm (num_batches_tracked) may be absent:
// no layer needs them and some tools drop them. The caller closes the file.
func OpenFile(path string, ps *Params) (*File, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	if problems := compare(f, ps); len(problems) > 0 {
		f.Close()
		return nil, fmt.Errorf("%s: %s", path, list(problems))
	}
	return &File{f}, nil
}

// Fill reads one parameter.
func (f *File) Fill(p *Param, dst []float32) error { return f.f.ReadFloat32(p.Name, dst) }

// Count reads one counter; it is 0 if the file does not have it.
func (f *File) Count(p *Param) (int64, error) {
	if _, ok := f.f.Lookup(p.Name); !ok {
		return 0, nil
	}
	var n [1]int64
	err := f.f.ReadInt64(p.Name, n[:])
	return n[0], err
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// compare returns what is wrong with f as the weights ps: parameters in their
// order, then what is in the file without being asked for.
func compare(f *safetensors.File, ps *Params) (problems []string) {
	wanted := map[string]bool{}
	for _, p := range ps.list {
		wanted[p.Name] = true
		t, ok := f.Lookup(p.Name)
		if problem := mismatch(p, t, ok); problem != "" {
			problems = append(problems, fmt.Sprintf("tensor %q %s", p.Name, problem))
		}
	}
	for _, t := range f.Tensors() {
		if !wanted[t.Name] {
			problems = append(problems, fmt.Sprintf("tensor %q is not in the network", t.Name))
		}
	}
	return problems
}

// mismatch says what is wrong with t as parameter p, in words that follow its
// name.
func mismatch(p *Param, t safetensors.Info, found bool) string {
	want := safetensors.F32
	if p.Counter {
		want = safetensors.I64
	}
	switch {
	case !found && p.Counter:
		return ""
	case !found:
		return "is missing"
	case !slices.Equal(p.Shape, t.Shape):
		return fmt.Sprintf("has shape %s, want %s", safetensors.ShapeString(t.Shape), safetensors.ShapeString(p.Shape))
	case t.DType != want && want == safetensors.F32:
		return fmt.Sprintf("has type %s, want F32: convert it with PyTorch's .float()", t.DType)
	case t.DType != want:
		return fmt.Sprintf("has type %s, want %s", t.DType, want)
	}
	return ""
}

// list joins the first few problems and counts the rest: the weights of another
// network have hundreds.
func list(problems []string) string {
	const shown = 3
	if len(problems) <= shown {
		return strings.Join(problems, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(problems[:shown], "; "), len(problems)-shown)
}
