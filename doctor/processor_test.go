package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/accelerator"
)

// made is a system with these files.
func made(t *testing.T, files map[string]string) system {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return system{root}
}

func TestProcessor(t *testing.T) {
	const cpu = "sys/devices/system/cpu/"
	for _, tt := range []struct {
		name  string
		files map[string]string
		look  func(system) Finding
		level Level
		says  string
	}{
		{"turbo of Intel", map[string]string{cpu + "intel_pstate/no_turbo": "0"}, system.turbo, Warning, "on: "},
		{"no turbo of Intel", map[string]string{cpu + "intel_pstate/no_turbo": "1"}, system.turbo, Fine, "off"},
		{"boost of AMD", map[string]string{cpu + "cpufreq/boost": "1"}, system.turbo, Warning, "on: "},
		{"no boost", map[string]string{cpu + "cpufreq/boost": "0"}, system.turbo, Fine, "off"},
		{"turbo of a virtual machine", nil, system.turbo, Fine, "not visible"},
		{"SMT", map[string]string{cpu + "smt/active": "1"}, system.smt, Warning, "two threads share a core"},
		{"no SMT", map[string]string{cpu + "smt/active": "0"}, system.smt, Fine, "off"},
		{"clock", map[string]string{cpu + "cpu0/cpufreq/scaling_cur_freq": "2100000", cpu + "cpu0/cpufreq/cpuinfo_max_freq": "3500000"}, system.clock, Fine, "2.10 GHz now, 3.50 at most"},
		{"a hot core", map[string]string{cpu + "cpu0/cpufreq/scaling_cur_freq": "2100000", cpu + "cpu0/thermal_throttle/core_throttle_count": "7"}, system.clock, Warning, "7 times"},
		{"clock of a virtual machine", nil, system.clock, Missing, "no scaling_cur_freq"},
		{"no pressure", map[string]string{"proc/pressure/cpu": "some avg10=0.00 avg60=0.31 avg300=0.10 total=1\nfull avg10=0 avg60=99 avg300=0 total=0"}, system.pressure, Fine, "0.3 % of the last minute"},
		{"pressure", map[string]string{"proc/pressure/cpu": "some avg10=0.00 avg60=45.00 avg300=0.10 total=1"}, system.pressure, Warning, "45 % of the last minute"},
		{"an old kernel", nil, system.pressure, Missing, "does not count it"},
		{"nonsense", map[string]string{"proc/pressure/cpu": "some avg60=x"}, system.pressure, Missing, "cannot be read"},
		{"all cores", map[string]string{cpu + "online": "0-3"}, func(s system) Finding { return cores(4, online(s), nil) }, Fine, "4, all of the machine"},
		{"some cores", map[string]string{cpu + "online": "0-3,8-11"}, func(s system) Finding { return cores(2, online(s), nil) }, Fine, "2 of the machine's 8"},
		{"one core", nil, func(s system) Finding { return cores(1, online(s), nil) }, Warning, "takes it from the arm"},
		{"threads taken away", nil, func(s system) Finding { return cores(4, online(s), []string{"OMP_NUM_THREADS=1"}) }, Warning, "OMP_NUM_THREADS=1 gives libtorch 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.look(made(t, tt.files))
			if f.Level != tt.level || !strings.Contains(f.Says, tt.says) || (f.Level == Warning) != (f.Fix != "") && f.Level != Missing {
				t.Errorf("%+v; want level %v, %q", f, tt.level, tt.says)
			}
		})
	}
}

// devices is a monitor of made-up devices.
type devices []accelerator.Device

func (d devices) Devices() []accelerator.Device { return d }
func (devices) Clocks() []accelerator.Clock     { return nil }
func (devices) Energy() (float64, error)        { return 0, nil }
func (devices) Close()                          {}

func TestAccelerators(t *testing.T) {
	yes, no := true, false
	good := accelerator.Device{Name: "NVIDIA H100", Driver: "580.1", Clock: accelerator.Clock{SM: 1980}, MaxSM: 1980, Memory: 80 << 30, ECC: &yes, MIG: &no, Persistence: &yes}
	for _, tt := range []struct {
		name   string
		change func(*accelerator.Device)
		says   string // "": one line, and all is well
	}{
		{"good", func(*accelerator.Device) {}, ""},
		{"hot", func(d *accelerator.Device) { d.Throttled = []string{accelerator.HardwareThermal} }, "its clock is held down: hw_thermal_slowdown"},
		{"broken memory", func(d *accelerator.Device) { d.Uncorrected = 3 }, "3 errors of memory"},
		{"sliced", func(d *accelerator.Device) { d.MIG = &yes }, "is cut into slices (MIG)"},
		{"not persistent", func(d *accelerator.Device) { d.Persistence = &no }, "the driver unloads"},
		{"shared", func(d *accelerator.Device) { d.Processes = []accelerator.Tenant{{PID: 7, Memory: 2 << 30}, {PID: 8}} }, "others compute on it: process 7 with 2.0 GiB, process 8"},
		{"shared, unseen", func(d *accelerator.Device) { d.MemoryUsed = 30 << 30 }, "30 GiB of its memory are in use by processes that are not visible here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := good
			tt.change(&d)
			all := accelerators(t.Context(), Options{Accelerators: func() (accelerator.Monitor, error) { return devices{d}, nil }})
			if !strings.HasPrefix(all[0].Says, "NVIDIA H100, driver 580.1, 1980 of 1980 MHz") || all[0].Level != Fine {
				t.Errorf("%+v", all[0])
			}
			if tt.says == "" {
				if len(all) != 1 {
					t.Errorf("%+v", all[1:])
				}
				return
			}
			if len(all) != 2 || all[1].Level != Warning || all[1].Fix == "" || !strings.Contains(all[1].Says, tt.says) {
				t.Errorf("%+v; want a warning with %q", all[1:], tt.says)
			}
		})
	}
	none := fmt.Errorf("%w: no driver", accelerator.ErrAbsent)
	if all := accelerators(t.Context(), Options{Accelerators: func() (accelerator.Monitor, error) { return nil, none }}); len(all) != 1 || all[0].Level != Missing || all[0].Says != none.Error() {
		t.Errorf("%+v", all)
	}
}
