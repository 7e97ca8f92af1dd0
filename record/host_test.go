package record_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"lensbench/record"
)

// Each archive is a machine: the files of its root, and in "want" what is to
// be read from them. Kernels do not let tests have /proc as they like it.
func TestMachinesAreReadFromTheirKernels(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	paths, err := filepath.Glob("testdata/host/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no machines: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			root, want := unpack(t, path)
			host := record.Host{Root: root}
			m, err := host.Machine("2.11.0")
			if err != nil {
				t.Fatal(err)
			}
			want.Machine.CPUs = min(want.Machine.CPUs, runtime.NumCPU()) // the archive has the cgroup's share
			if d := m.Differences(want.Machine); len(d) > 0 {
				t.Errorf("machine: %s", strings.Join(d, "; "))
			}
			c := host.Context([]string{"GOMP_SPINCOUNT=30000"})
			if c.Container != want.Context.Container || c.Kernel != want.Context.Kernel || c.Load1 != want.Context.Load1 {
				t.Errorf("context %+v; want %+v", c, want.Context)
			}
		})
	}
}

func unpack(t *testing.T, path string) (root string, want record.Run) {
	t.Helper()
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	for _, f := range ar.Files {
		if f.Name == "want" {
			if err := json.Unmarshal(f.Data, &want); err != nil {
				t.Fatal(err)
			}
			continue
		}
		file := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, want
}

func TestThisMachineIsTheSameTwice(t *testing.T) {
	a, err := record.Host{}.Machine("2.11.0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := record.Host{}.Machine("2.11.0")
	if err != nil {
		t.Fatal(err)
	}
	if a != b || a.ID() != b.ID() {
		t.Errorf("%+v, then %+v", a, b)
	}
	if a.CPUs < 1 || a.Memory < 1<<30 || a.CPUModel == "" {
		t.Errorf("incomplete: %+v", a)
	}
}

func TestDifferencesOfMachinesAreNamed(t *testing.T) {
	a := record.Machine{CPUModel: "x", CPUs: 2, Libtorch: "2.11.0"}
	b := a
	if d := a.Differences(b); len(d) != 0 {
		t.Errorf("equal machines differ in %v", d)
	}
	b.CPUs, b.Libtorch = 4, ""
	got := strings.Join(a.Differences(b), "; ")
	if want := "cpus 2, not 4; libtorch 2.11.0, not none"; got != want {
		t.Errorf("differences are %q; want %q", got, want)
	}
}

// Machines of one name and other instructions are others; and what was recorded before
// anybody looked at them has the ID that it had.
func TestInstructionsAreIdentity(t *testing.T) {
	old := record.Machine{CPUModel: "AMD EPYC", CPUs: 2, Memory: 24 << 30, Libtorch: "2.11.0", Governor: "none"}
	var read record.Machine
	if err := json.Unmarshal([]byte(`{"cpu_model":"AMD EPYC","cpus":2,"memory_bytes":25769803776,"gpu":"","driver":"","libtorch":"2.11.0","governor":"none"}`), &read); err != nil || read != old {
		t.Errorf("%+v, %v", read, err)
	}
	if old.ID() != "2031a3c6" {
		t.Errorf("the ID of an old record has become %s", old.ID())
	}
	a, b := old, old
	a.Instructions, b.Instructions = "avx2 fma", "avx2 fma avx512f avx512_bf16"
	if a.ID() == b.ID() || a.ID() == old.ID() {
		t.Errorf("IDs %s, %s and %s", a.ID(), b.ID(), old.ID())
	}
	for _, c := range []struct {
		m, other record.Machine
		want     string
	}{
		{a, b, "instructions avx2 fma, not avx2 fma avx512f avx512_bf16"},
		{old, b, "instructions none, not avx2 fma avx512f avx512_bf16"},
	} {
		if got := strings.Join(c.m.Differences(c.other), "; "); got != c.want {
			t.Errorf("differences %q, want %q", got, c.want)
		}
	}
}
