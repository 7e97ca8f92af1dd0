package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strings"

	"github.com/prometheus/procfs"
)

// A Host is the machine that this process runs on, as its kernel shows it.
type Host struct {
	Root string // where proc and sys are mounted; empty is "/". Tests have roots of their own
}

func (h Host) path(elem ...string) string {
	return filepath.Join(append([]string{"/", h.Root}, elem...)...)
}

// read returns a file's content without the white space around it, or "".
func (h Host) read(elem ...string) string {
	b, err := os.ReadFile(h.path(elem...))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}

// Machine reads the identity of the machine. libtorch is the version that its
// workers report; bench itself does not link it.
func (h Host) Machine(libtorch string) (Machine, error) {
	fs, err := procfs.NewFS(h.path("proc"))
	if err != nil {
		return Machine{}, fmt.Errorf("machine identity: %w", err)
	}
	model, instructions, err := processor(fs)
	if err != nil {
		return Machine{}, fmt.Errorf("machine identity: %w", err)
	}
	memory, err := h.memory(fs)
	if err != nil {
		return Machine{}, fmt.Errorf("machine identity: %w", err)
	}
	gpu, driver := h.gpu()
	return Machine{
		CPUModel: model,
		CPUs:     min(runtime.NumCPU(), h.cpuLimit()),
		Memory:   toGiB(memory),
		GPU:      gpu,
		Driver:   driver,
		Libtorch: libtorch,
		Governor: h.governor(),

		Instructions: instructions,
	}, nil
}

// extensions are those that libtorch and oneDNN choose kernels by, as Linux names them.
var extensions = []string{
	"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_bf16", "amx_int8", "amx_fp16",
	"asimd", "sve", "sve2", "bf16", "i8mm", // ARM
}

// processor returns the model, and those of extensions that all processors have.
func processor(fs procfs.FS) (model, instructions string, err error) {
	cpus, err := fs.CPUInfo()
	if err != nil {
		return "", "", err
	}
	model = runtime.GOARCH // some virtual machines hide the model
	if i := slices.IndexFunc(cpus, func(c procfs.CPUInfo) bool { return c.ModelName != "" }); i >= 0 {
		model = cpus[i].ModelName
	}
	var has []string
	for _, name := range extensions {
		if len(cpus) > 0 && !slices.ContainsFunc(cpus, func(c procfs.CPUInfo) bool { return !slices.Contains(c.Flags, name) }) {
			has = append(has, name)
		}
	}
	return model, strings.Join(has, " "), nil
}

// memory is what processes here can have: the machine's or the cgroup's.
func (h Host) memory(fs procfs.FS) (int64, error) {
	m, err := fs.Meminfo()
	if err != nil {
		return 0, err
	}
	if m.MemTotalBytes == nil {
		return 0, fmt.Errorf("%s has no MemTotal", h.path("proc/meminfo"))
	}
	return min(int64(*m.MemTotalBytes), h.memoryLimit()), nil
}

// toGiB rounds to whole GiB, at least one: kernels of one machine type reserve
// slightly different amounts.
func toGiB(bytes int64) int64 {
	const gib = 1 << 30
	return max(1, (bytes+gib/2)/gib) * gib
}

var version = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// gpu reads what NVIDIA's driver shows in /proc, which containers with a GPU
// have too. NVML (package accelerator) would tell nothing more about identity.
func (h Host) gpu() (model, driver string) {
	infos, err := filepath.Glob(h.path("proc/driver/nvidia/gpus/*/information"))
	if err != nil || len(infos) == 0 {
		return "", ""
	}
	count := map[string]int{}
	for _, path := range infos {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "Model:"); ok {
				count[strings.TrimSpace(name)]++
			}
		}
	}
	var models []string
	for name, n := range count {
		models = append(models, fmt.Sprintf("%d × %s", n, name))
	}
	sort.Strings(models)
	return strings.Join(models, ", "), version.FindString(h.read("proc/driver/nvidia/version"))
}

// governor is the class of the cores' frequency governors.
func (h Host) governor() string {
	paths, _ := filepath.Glob(h.path("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
	class := "none"
	for i, path := range paths {
		b, err := os.ReadFile(path)
		name := string(bytes.TrimSpace(b))
		if err != nil || (i > 0 && name != class) || (name != "performance" && name != "powersave") {
			return "other"
		}
		class = name
	}
	return class
}

// Context reads what is worth knowing about the machine at this moment.
// workerEnv is what every worker is started with.
func (h Host) Context(workerEnv []string) Context {
	c := Context{
		Kernel:      h.read("proc/sys/kernel/osrelease"),
		Container:   h.container(),
		Bench:       buildID(),
		Environment: append(threadEnv(), workerEnv...),
	}
	if fs, err := procfs.NewFS(h.path("proc")); err == nil {
		if load, err := fs.LoadAvg(); err == nil {
			c.Load1 = load.Load1
		}
	}
	return c
}

// threadEnv lists the variables of this environment that change how the
// libraries under test use threads and devices.
func threadEnv() []string {
	var out []string
	for _, kv := range os.Environ() {
		for _, prefix := range []string{"OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "CUDA_", "ONEDNN_", "DNNL_", "ATEN_", "TORCH_"} {
			if strings.HasPrefix(kv, prefix) {
				out = append(out, kv)
			}
		}
	}
	sort.Strings(out)
	return out
}

// buildID is a hash of this executable: equal sources give equal binaries, so
// it names the harness better than a version number would.
func buildID() string {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "unknown"
	}
	return hex.EncodeToString(hash.Sum(nil)[:6])
}
