package torch_test

import (
	"os"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// TestMain runs the tests, or in a process that a test has started again the
// part that needs a process of its own.
func TestMain(m *testing.M) {
	if child, ok := children[os.Getenv("TORCH_TEST_CHILD")]; ok {
		os.Exit(child())
	}
	torchtest.Main(m)
}

// floats copies a float32 tensor of any shape.
func floats(t testing.TB, x *torch.Tensor) []float32 {
	t.Helper()
	v := make([]float32, x.Numel())
	if err := x.CopyFloat32(v); err != nil {
		t.Fatal(err)
	}
	return v
}
