package torch_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"lensbench/torch"
)

func TestVersion(t *testing.T) {
	if v := torch.Version(); !regexp.MustCompile(`^2\.\d+\.\d+`).MatchString(v) {
		t.Errorf("version %q", v)
	}
}

func TestCPUCapability(t *testing.T) {
	if c := torch.CPUCapability(); !regexp.MustCompile(`^[A-Z0-9_]+$`).MatchString(c) {
		t.Errorf("capability %q", c)
	}
}

// Where there is no CUDA part the error names what could not be opened, and
// trying again says the same.
func TestLoadCUDA(t *testing.T) {
	first, second := torch.LoadCUDA(), torch.LoadCUDA()
	if fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("first %v, then %v", first, second)
	}
	if first != nil && !strings.HasPrefix(first.Error(), "load CUDA: lib") {
		t.Errorf("error %v does not name a library", first)
	}
}

func Example() {
	err := torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
		image := sc.FromFloat32([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8}, 1, 1, 3, 3)
		edge := sc.FromFloat32([]float32{1, -1}, 1, 1, 1, 2)
		y := sc.Abs(sc.Conv2D(image, edge, nil, torch.Conv{Stride: [2]int{2, 1}}))
		fmt.Println(y)
		values := make([]float32, y.Numel())
		if err := y.CopyFloat32(values); err != nil {
			return err
		}
		fmt.Println(values)
		sc.MatMul(image, edge)
		return nil
	})
	fmt.Println(strings.SplitAfter(err.Error(), ")")[0])
	// Output:
	// float32[1 1 2 2]
	// [1 1 1 1]
	// aten::matmul(float32[1 1 3 3], float32[1 1 1 2])
}
