package plan

import (
	"testing"

	"lensbench/torch/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }
