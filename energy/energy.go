// Package energy reads how much energy a machine has used, from counters that
// its hardware keeps: RAPL's of the processor packages (powercap in sysfs) and
// those of accelerators (package accelerator). It estimates nothing: where there
// is no counter that can be read, energy is absent, with the reason, and not 0.
//
// The counters are of the whole machine, idle power and neighbours included, so
// that a pass in which one arm runs alone is compared with another such pass.
package energy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lensbench/accelerator"
)

// Sources of energy.
const (
	Processor   = "processor"   // all packages, by RAPL
	Accelerator = "accelerator" // all devices, by NVML
)

// A Meter reads differences. It is for one goroutine.
type Meter struct {
	zones   []*zone
	devices accelerator.Monitor // nil without
	base    float64             // J of the devices at Begin
}

// A zone is one counter of powercap.
type zone struct {
	path   string  // of energy_uj
	most   float64 // µJ at which it begins again from 0
	before float64 // µJ at Begin
}

// Open finds the counters below root, which is "" but in tests, and those of
// devices, nil if there are none. The error says why there is nothing to read.
func Open(root string, devices accelerator.Monitor) (*Meter, error) {
	m := &Meter{}
	var why []string
	zones, err := packages(root)
	if err != nil {
		why = append(why, err.Error())
	}
	m.zones = zones
	if devices != nil {
		if _, err := devices.Energy(); err != nil {
			why = append(why, err.Error())
		} else {
			m.devices = devices
		}
	}
	if m.zones == nil && m.devices == nil {
		return nil, errors.New(strings.Join(why, "; "))
	}
	return m, nil
}

// packages are the zones of whole processor packages. Zones below them are parts
// of what they count, and "psys", the whole board, counts them again.
func packages(root string) ([]*zone, error) {
	dir := filepath.Join("/", root, "sys/class/powercap")
	paths, _ := filepath.Glob(filepath.Join(dir, "intel-rapl:[0-9]*"))
	var out []*zone
	for _, path := range paths {
		if strings.Count(filepath.Base(path), ":") != 1 || !strings.HasPrefix(text(path, "name"), "package") {
			continue
		}
		z := &zone{path: filepath.Join(path, "energy_uj")}
		if _, err := z.read(); err != nil {
			return nil, unreadable(z.path, err)
		}
		most, err := strconv.ParseFloat(text(path, "max_energy_range_uj"), 64)
		if err != nil || !(most > 0) {
			return nil, fmt.Errorf("%s does not say where its counter begins again", path)
		}
		z.most = most
		out = append(out, z)
	}
	if out == nil {
		return nil, fmt.Errorf("this machine shows no counter of its processors' energy (%s), as usual for a virtual one", dir)
	}
	return out, nil
}

func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s is for root alone; as root: chmod a+r %s", path, path)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func text(path ...string) string {
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (z *zone) read() (µJ float64, err error) {
	b, err := os.ReadFile(z.path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(b)), 64)
}

// Begin begins a window. It must be shorter than a counter takes to come round,
// which at full power is some minutes.
func (m *Meter) Begin() (err error) {
	for _, z := range m.zones {
		if z.before, err = z.read(); err != nil {
			return unreadable(z.path, err)
		}
	}
	if m.devices != nil {
		m.base, err = m.devices.Energy()
	}
	return err
}

// End is what was used since Begin, in joules, by source.
func (m *Meter) End() (map[string]float64, error) {
	out := map[string]float64{}
	for _, z := range m.zones {
		now, err := z.read()
		if err != nil {
			return nil, unreadable(z.path, err)
		}
		out[Processor] += z.since(now) / 1e6
	}
	if m.devices != nil {
		now, err := m.devices.Energy()
		if err != nil {
			return nil, err
		}
		if now < m.base {
			return nil, fmt.Errorf("the accelerators' counter of energy went from %v J to %v J", m.base, now)
		}
		out[Accelerator] = now - m.base
	}
	return out, nil
}

// since is the difference in µJ to the reading at Begin.
func (z *zone) since(now float64) float64 {
	if d := now - z.before; d >= 0 {
		return d
	}
	return now - z.before + z.most
}
