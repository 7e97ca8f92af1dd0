package worker

import (
	"math"
	"strings"
	"testing"

	"lensbench/protocol"
)

// Where there is a CUDA device, training on it has the first losses that it has on the
// CPU, about, and says how much of the device's memory it took; where there is none, the
// refusal says so.
func TestTrainingOnDevice(t *testing.T) {
	for _, c := range []struct {
		name, settings string
		tolerance      float64 // share
	}{
		{"fp32", ``, 0.05}, // cuDNN rounds the inputs of convolutions to TF32
		{"fp16 with a scaler", `"precision": "fp16", `, 0.2},
		{"bf16, channels last", `"precision": "bf16", "layout": "channels-last", `, 0.2},
		{"accumulated", `"accumulate": 2, `, 0.05},
		{"checkpointed, dropout", `"model": "vit_b_16", "pixels": 224, "checkpointing": "block", `, 0.3},
		{"a batch that adapts", `"budget": 4096, "images": 8, "adaptive": "doubling", `, 0},
	} {
		base := `"kind": "train", ` + c.settings
		if !strings.Contains(base, `"model"`) {
			base += `"model": "resnet18", "pixels": 32, `
		}
		ask := func(device string) []protocol.Response {
			return talk(t, prepare(`{`+base+`"device": "`+device+`", "batch": 4, "threads": 1, "seed": 11}`, "time", ""),
				`{"id": 2, "op": "verify"}`, `{"id": 3, "op": "sample", "sample": {"untimed": 1, "iterations": 2}}`)
		}
		on := ask("cuda")
		if e := on[0].Error; e != nil {
			if e.Kind != protocol.Unsupported || !strings.Contains(e.Message, "device cuda: no such device here: ") {
				t.Errorf("%s: %+v", c.name, e)
			}
			continue
		}
		if on[2].Sample == nil || on[2].Sample.Extra["device_peak"] <= 0 {
			t.Errorf("%s: %+v", c.name, on[2])
		}
		if c.tolerance == 0 {
			continue
		}
		for i, want := range ask("cpu")[1].Outputs.Values {
			if got := on[1].Outputs.Values[i]; math.Abs(float64(got/want-1)) > c.tolerance {
				t.Errorf("%s: loss %d is %g on the device, %g on the CPU", c.name, i, got, want)
			}
		}
	}
}

// What is counted is on the CPU, so a pass for memory would count next to nothing.
func TestMemoryPassOnDevice(t *testing.T) {
	for _, kind := range []string{`"kind": "train", "model": "resnet18"`, `"kind": "ensemble"`} {
		r := talk(t, prepare(`{`+kind+`, "device": "cuda"}`, "memory", ""))
		if e := r[0].Error; e == nil || e.Kind != protocol.Unsupported || !strings.Contains(e.Message, "tensors are counted on the CPU alone") {
			t.Errorf("%s: %+v", kind, r[0])
		}
	}
}
