package model

import (
	"os"
	"testing"

	"lensbench/torch/torchtest"
)

// TestMain runs the tests, or in a process that a test has started again the
// part that needs a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("MODEL_TEST_CHILD") == "memory" {
		os.Exit(measureMemory())
	}
	torchtest.Main(m)
}
