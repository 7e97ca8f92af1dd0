package protocol

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestLacks(t *testing.T) {
	old := Device{Kind: DeviceCPU, Name: "Old CPU"}
	cpu := Device{Kind: DeviceCPU, Name: "New CPU", Features: []string{"avx512_bf16", "avx512_vnni"}}
	gpu := Device{Kind: DeviceCUDA, Name: "GPU", Features: []string{"bf16", "fp16"}}
	first := Device{Kind: DeviceCUDA, Name: "First GPU", Features: []string{"fp16"}}
	for _, c := range []struct {
		needs   []string
		devices []Device
		want    string
	}{
		{nil, nil, ""},
		{[]string{NeedCUDA}, []Device{cpu, gpu}, ""},
		{[]string{NeedCUDA}, []Device{cpu}, "needs cuda; this machine has none"},
		{[]string{NeedBF16}, []Device{cpu}, ""},
		{[]string{NeedBF16}, []Device{old}, "needs bf16, which is not in the hardware of this machine: 1 (Old CPU)"},
		{[]string{NeedBF16}, []Device{old, gpu}, ""},
		{[]string{NeedInt8, NeedBF16}, []Device{cpu}, ""},
		{[]string{NeedFP16}, []Device{cpu}, "needs fp16, which is not in the hardware of this machine: 1 (New CPU)"},
		{[]string{NeedBF16, NeedCUDA}, []Device{cpu, first}, "needs bf16, which is not in the hardware of this machine: 1 (First GPU)"},
		{[]string{"2 devices"}, []Device{cpu}, "needs 2 devices; this machine has none"},
		{[]string{"2 devices"}, []Device{cpu, gpu}, "needs 2 devices; this machine has 1 (GPU)"},
		{[]string{"2 devices", NeedCUDA, NeedBF16}, []Device{cpu, gpu, gpu}, ""},
	} {
		if got := Lacks(c.needs, c.devices); got != c.want {
			t.Errorf("%v of %v: %q; want %q", c.needs, c.devices, got, c.want)
		}
	}
}

func TestDevicesNeeded(t *testing.T) {
	for need, want := range map[string]int{"2 devices": 2, "10 devices": 10, "64 devices": 64, "65 devices": 0,
		"1 devices": 0, "02 devices": 0, "2 device": 0, "devices": 0, "cuda": 0} {
		if n, ok := DevicesNeeded(need); n != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v; want %d", need, n, ok, want)
		}
	}
}

// TestDevicesInHello is the line that a worker writes.
func TestDevicesInHello(t *testing.T) {
	const line = `{"protocol":1,"worker":"lens","build":"","libraries":null,"kinds":null,"settings":null,` +
		`"devices":[{"kind":"cpu","name":"AMD EPYC","features":["avx512_bf16"]},{"kind":"cuda","name":"NVIDIA H100","features":["bf16","fp16","int8"]}]}`
	var h Hello
	if err := json.Unmarshal([]byte(line), &h); err != nil {
		t.Fatal(err)
	}
	want := []Device{{DeviceCPU, "AMD EPYC", []string{"avx512_bf16"}}, {DeviceCUDA, "NVIDIA H100", []string{"bf16", "fp16", "int8"}}}
	if !reflect.DeepEqual(h.Devices, want) {
		t.Errorf("%+v; want %+v", h.Devices, want)
	}
	if b, err := json.Marshal(h); err != nil || string(b) != line {
		t.Errorf("%s, %v; want %s", b, err, line)
	}
}

// TestVerifyRequest is the line that asks for other outputs.
func TestVerifyRequest(t *testing.T) {
	for want, req := range map[string]Request{
		`{"id":3,"op":"verify"}`:                                {ID: 3, Op: OpVerify},
		`{"id":3,"op":"verify","verify":{"check":"gradients"}}`: {ID: 3, Op: OpVerify, Verify: &VerifyRequest{Check: CheckGradients}},
	} {
		if b, err := json.Marshal(req); err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
	}
}
