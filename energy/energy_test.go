package energy

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/accelerator"
)

// powercap makes zones: directory → name, energy_uj, max_energy_range_uj.
func powercap(t *testing.T, zones map[string][3]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for dir, z := range zones {
		for i, file := range []string{"name", "energy_uj", "max_energy_range_uj"} {
			write(t, filepath.Join(root, "sys/class/powercap", dir, file), z[i])
		}
	}
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPackagesAreAddedUp(t *testing.T) {
	root := powercap(t, map[string][3]string{
		"intel-rapl:0":   {"package-0", "1000000", "262143328850"},
		"intel-rapl:0:0": {"dram", "5", "262143328850"}, // a part of package-0
		"intel-rapl:1":   {"package-1", "262143000000", "262143328850"},
		"intel-rapl:2":   {"psys", "7", "262143328850"}, // the board, packages included
	})
	m, err := Open(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Begin(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "sys/class/powercap")
	write(t, filepath.Join(dir, "intel-rapl:0/energy_uj"), "3500000")
	write(t, filepath.Join(dir, "intel-rapl:1/energy_uj"), "171150") // came round: 328850 + 171150
	write(t, filepath.Join(dir, "intel-rapl:2/energy_uj"), "9000000")
	j, err := m.End()
	if err != nil || len(j) != 1 || math.Abs(j[Processor]-3) > 1e-9 {
		t.Errorf("%v, %v; want 2.5 J and 0.5 J of the packages", j, err)
	}
}

// joules is a monitor whose devices count.
type joules struct {
	at  float64
	err error
}

func (*joules) Devices() []accelerator.Device { return nil }
func (*joules) Clocks() []accelerator.Clock   { return nil }
func (*joules) Close()                        {}
func (j *joules) Energy() (float64, error)    { return j.at, j.err }

func TestDevicesCountBesideProcessors(t *testing.T) {
	d := &joules{at: 100}
	m, err := Open(t.TempDir(), d) // no powercap
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Begin(); err != nil {
		t.Fatal(err)
	}
	d.at = 342
	if j, err := m.End(); err != nil || len(j) != 1 || j[Accelerator] != 242 {
		t.Errorf("%v, %v", j, err)
	}
	d.at = 1
	if j, err := m.End(); err == nil {
		t.Errorf("a counter that goes backwards counts %v", j)
	}
}

// What cannot be read is absent with a reason, never 0.
func TestAbsent(t *testing.T) {
	odd := powercap(t, map[string][3]string{"intel-rapl:0": {"package-0", "1", "0"}})
	gone := powercap(t, map[string][3]string{"intel-rapl:0": {"package-0", "1", "5"}})
	if err := os.Remove(filepath.Join(gone, "sys/class/powercap/intel-rapl:0/energy_uj")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, root string
		devices    accelerator.Monitor
		says       string
	}{
		{"a virtual machine", t.TempDir(), nil, "shows no counter of its processors' energy"},
		{"no range", odd, nil, "does not say where its counter begins again"},
		{"no counter", gone, nil, "energy_uj: "},
		{"devices that do not count", t.TempDir(), &joules{err: errors.New("device 0 does not count energy")}, "; device 0 does not count energy"},
	} {
		if m, err := Open(tt.root, tt.devices); err == nil || m != nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v; want %q in it", tt.name, err, tt.says)
		}
	}
	if err := unreadable("energy_uj", &os.PathError{Err: os.ErrPermission}); !strings.Contains(err.Error(), "as root: chmod a+r") {
		t.Error(err)
	}
}
