package train

import (
	"errors"
	"math"
	"strings"
	"testing"

	"lensbench/torch"
)

// Where there is a CUDA device, a run on it comes to about the loss that it comes to on
// the CPU; where there is none, the error says so before
// anything is written.
func TestOnDevice(t *testing.T) {
	on := someJob(t.TempDir())
	on.Settings.Device = CUDA
	r, err := Start(t.Context(), on)
	if errors.Is(err, torch.ErrNoDevice) {
		if !strings.Contains(err.Error(), "device cuda: no such device here: ") {
			t.Error(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	off := train(t, someJob(t.TempDir()))
	if d := math.Abs(r.Validation.Loss - off.Validation.Loss); d > 0.05 {
		t.Errorf("loss %g on the device, %g on the CPU", r.Validation.Loss, off.Validation.Loss)
	}
}

// A budget is enforced by the allocator of the CPU's tensors alone.
func TestBudgetOnDevice(t *testing.T) {
	r := run{Job: Job{Budget: 1 << 30}, at: torch.Place{CUDA: true}}
	if _, err := r.limitMemory(); err == nil || !strings.Contains(err.Error(), "is for a batch that is searched") {
		t.Error(err)
	}
}
