package worker

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/prometheus/procfs"

	"lensbench/protocol"
	"lensbench/torch"
)

func hello() (*protocol.Hello, error) {
	build, err := build()
	if err != nil {
		return nil, err
	}
	h := &protocol.Hello{
		Protocol: protocol.Version,
		Worker:   "lens",
		Build:    build,
		Libraries: map[string]string{
			"libtorch": torch.Version(),
			"kernels":  torch.CPUCapability(),
			"go":       runtime.Version(),
		},
		Kinds:   kinds,
		Devices: append([]protocol.Device{processor()}, accelerators()...),
	}
	for _, f := range protocol.Fields() {
		h.Settings = append(h.Settings, f.Key)
	}
	return h, nil
}

// build identifies this program's own code: the first digits of a SHA-256 over
// the executable and the shim that it has loaded.
func build() (string, error) {
	shim, err := loaded("liblt.so")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, path := range []string{"/proc/self/exe", shim} {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// loaded returns the path of the shared library whose name begins so.
func loaded(name string) (string, error) {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return "", err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if i := strings.IndexByte(s.Text(), '/'); i >= 0 && strings.Contains(s.Text(), "/"+name) {
			return s.Text()[i:], nil
		}
	}
	return "", fmt.Errorf("%s is not among the loaded libraries", name)
}

// features of a processor that a scenario may need, as Linux names them.
var features = []string{"avx512_bf16", "amx_bf16", "avx512_fp16", "amx_fp16", "avx512_vnni", "avx_vnni", "amx_int8"}

// accelerators are the CUDA devices that libtorch sees. What they compute in hardware is
// left out: this worker makes no use of it.
func accelerators() (all []protocol.Device) {
	if torch.LoadCUDA() != nil {
		return nil
	}
	for i := range torch.CUDADevices() {
		all = append(all, protocol.Device{Kind: protocol.DeviceCUDA, Name: torch.Place{CUDA: true, Index: i}.String()})
	}
	return all
}

// processor describes the CPU.
func processor() protocol.Device {
	d := protocol.Device{Kind: "cpu", Features: []string{}}
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return d
	}
	cpus, err := fs.CPUInfo()
	if err != nil || len(cpus) == 0 {
		return d
	}
	d.Name = cpus[0].ModelName
	for _, f := range features {
		if slices.Contains(cpus[0].Flags, f) {
			d.Features = append(d.Features, f)
		}
	}
	return d
}
