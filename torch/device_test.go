package torch_test

import (
	"errors"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// Tensors stay on the CPU unless they are moved. A device that is not there is an error
// that says how many are, for tensors and for a session's stream.
func TestPlaces(t *testing.T) {
	n := torch.CUDADevices()
	beyond := torch.Place{CUDA: true, Index: n}
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.FromFloat32([]float32{1, 2}, 2)
		if sc.Move(x, torch.Place{}) != x {
			t.Error("a tensor was moved to where it is")
		}
		if err := sc.Try(func(sc *torch.Scope) { sc.Move(x, beyond) }); !errors.Is(err, torch.ErrArgument) || !strings.Contains(err.Error(), "there is no CUDA device") {
			t.Errorf("moved to %s: %v", beyond, err)
		}
		if err := sc.Try(func(sc *torch.Scope) { sc.Upload(beyond, []float32{1, 2}, 2) }); !errors.Is(err, torch.ErrArgument) || !strings.Contains(err.Error(), "there is no CUDA device") {
			t.Errorf("uploaded to %s: %v", beyond, err)
		}
		data := []float32{1, 2}
		y, got := sc.Upload(torch.Place{}, data, 2), make([]float32, 2)
		data[0] = 3
		if err := y.CopyFloat32(got); err != nil || got[0] != 1 || got[1] != 2 {
			t.Errorf("%v, %v; want a copy of what was given", got, err)
		}
	})
	err := torch.Session{Stream: beyond}.Run(func(*torch.Scope) error { return nil })
	if !errors.Is(err, torch.ErrArgument) || !strings.Contains(err.Error(), "stream of "+beyond.String()) {
		t.Errorf("stream of %s: %v", beyond, err)
	}
}

// Where there is a device, what is computed there is what is computed here, in a stream
// of its own, too.
func TestOnDevice(t *testing.T) {
	if err := torch.LoadCUDA(); err != nil {
		t.Skip(err)
	}
	if torch.CUDADevices() == 0 {
		t.Skip("libtorch sees no CUDA device")
	}
	there := torch.Place{CUDA: true}
	for _, stream := range []torch.Place{{}, there} {
		err := torch.Session{Stream: stream, Inference: true}.Run(func(sc *torch.Scope) error {
			x := sc.Move(sc.FromFloat32([]float32{1, 2, 3, 4}, 2, 2), there)
			got := make([]float32, 4)
			if err := sc.MatMul(x, x).CopyFloat32(got); err != nil {
				return err
			}
			if got[0] != 7 || got[3] != 22 {
				t.Errorf("%v", got)
			}
			data := []float32{5, 6}
			y := sc.Upload(there, data, 2)
			data[0] = 0 // the copy may not have been made yet
			if err := y.CopyFloat32(got[:2]); err != nil || got[0] != 5 || got[1] != 6 {
				t.Errorf("uploaded %v, %v", got[:2], err)
			}
			if err := sc.Try(func(sc *torch.Scope) { sc.Upload(there, data, 3) }); !errors.Is(err, torch.ErrArgument) {
				t.Errorf("2 numbers in a tensor of 3: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
