//go:build cgo

package accelerator

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
)

// driver is NVML with so many devices that are all alike.
func driver(n int, d *mock.Device) *mock.Interface {
	return &mock.Interface{
		InitFunc:                   func() nvml.Return { return nvml.SUCCESS },
		ShutdownFunc:               func() nvml.Return { return nvml.SUCCESS },
		DeviceGetCountFunc:         func() (int, nvml.Return) { return n, nvml.SUCCESS },
		DeviceGetHandleByIndexFunc: func(int) (nvml.Device, nvml.Return) { return d, nvml.SUCCESS },
		SystemGetDriverVersionFunc: func() (string, nvml.Return) { return "580.1", nvml.SUCCESS },
	}
}

// whole is a device that answers everything.
func whole() *mock.Device {
	return &mock.Device{
		GetNameFunc:         func() (string, nvml.Return) { return "NVIDIA H100", nvml.SUCCESS },
		GetUUIDFunc:         func() (string, nvml.Return) { return "GPU-1", nvml.SUCCESS },
		GetClockInfoFunc:    func(nvml.ClockType) (uint32, nvml.Return) { return 1200, nvml.SUCCESS },
		GetMaxClockInfoFunc: func(nvml.ClockType) (uint32, nvml.Return) { return 1980, nvml.SUCCESS },
		GetCurrentClocksThrottleReasonsFunc: func() (uint64, nvml.Return) {
			return nvml.ClocksThrottleReasonSwPowerCap | nvml.ClocksThrottleReasonHwThermalSlowdown | nvml.ClocksThrottleReasonHwSlowdown, nvml.SUCCESS
		},
		GetMemoryInfoFunc: func() (nvml.Memory, nvml.Return) { return nvml.Memory{Total: 80 << 30, Used: 3 << 30}, nvml.SUCCESS },
		GetEccModeFunc: func() (nvml.EnableState, nvml.EnableState, nvml.Return) {
			return nvml.FEATURE_ENABLED, nvml.FEATURE_ENABLED, nvml.SUCCESS
		},
		GetTotalEccErrorsFunc: func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) { return 2, nvml.SUCCESS },
		GetMigModeFunc:        func() (int, int, nvml.Return) { return nvml.DEVICE_MIG_ENABLE, 1, nvml.SUCCESS },
		GetPersistenceModeFunc: func() (nvml.EnableState, nvml.Return) {
			return nvml.FEATURE_DISABLED, nvml.SUCCESS
		},
		GetComputeRunningProcessesFunc: func() ([]nvml.ProcessInfo, nvml.Return) {
			return []nvml.ProcessInfo{{Pid: 42, UsedGpuMemory: 1 << 30}, {Pid: 43, UsedGpuMemory: ^uint64(0)}}, nvml.SUCCESS
		},
		GetTotalEnergyConsumptionFunc: func() (uint64, nvml.Return) { return 1500, nvml.SUCCESS },
	}
}

func TestDevice(t *testing.T) {
	m, err := open(driver(1, whole()))
	if err != nil {
		t.Fatal(err)
	}
	d := m.Devices()[0]
	if d.Name != "NVIDIA H100" || d.Driver != "580.1" || d.SM != 1200 || d.MaxSM != 1980 || d.Memory != 80<<30 || d.MemoryUsed != 3<<30 {
		t.Errorf("%+v", d)
	}
	if !*d.ECC || d.Uncorrected != 2 || !*d.MIG || *d.Persistence {
		t.Errorf("ECC %v with %d errors, MIG %v, persistence %v", *d.ECC, d.Uncorrected, *d.MIG, *d.Persistence)
	}
	if want := []string{HardwareSlowdown, HardwareThermal}; !slices.Equal(d.Throttled, want) {
		t.Errorf("throttled by %v; want %v, since a cap on power is no fault", d.Throttled, want)
	}
	if want := []Tenant{{42, 1 << 30}, {43, 0}}; !slices.Equal(d.Processes, want) {
		t.Errorf("%v; want %v", d.Processes, want)
	}
	if len(d.Absent) != 0 {
		t.Errorf("absent: %v", d.Absent)
	}
}

func TestClocksAndEnergy(t *testing.T) {
	m, err := open(driver(2, whole()))
	if err != nil {
		t.Fatal(err)
	}
	if c := m.Clocks(); len(c) != 2 || c[1].SM != 1200 || len(c[1].Throttled) != 2 {
		t.Errorf("%+v", c)
	}
	if j, err := m.Energy(); err != nil || j != 3 {
		t.Errorf("%v J, %v; want 2 × 1500 mJ", j, err)
	}
}

// What a device does not give is absent with a reason, and nothing else is lost.
func TestADeviceThatSaysLittle(t *testing.T) {
	d := whole()
	d.GetClockInfoFunc = func(nvml.ClockType) (uint32, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	d.GetEccModeFunc = func() (nvml.EnableState, nvml.EnableState, nvml.Return) { return 0, 0, nvml.ERROR_NOT_SUPPORTED }
	d.GetMigModeFunc = func() (int, int, nvml.Return) { return 0, 0, nvml.ERROR_NOT_SUPPORTED }
	d.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 0, nvml.ERROR_NO_PERMISSION }
	m, err := open(driver(1, d))
	if err != nil {
		t.Fatal(err)
	}
	got := m.Devices()[0]
	for _, what := range []string{"clock", "ecc", "mig", "energy"} {
		if got.Absent[what] == "" {
			t.Errorf("%s is absent without a reason: %v", what, got.Absent)
		}
	}
	if got.ECC != nil || got.MIG != nil || got.Uncorrected != 0 || got.Name == "" || got.Memory == 0 {
		t.Errorf("%+v", got)
	}
	if _, err := m.Energy(); err == nil || !strings.Contains(err.Error(), "device 0 does not count energy") {
		t.Error(err)
	}
}

func TestNothingThere(t *testing.T) {
	without := driver(0, nil)
	for name, lib := range map[string]*mock.Interface{
		"no driver":      {InitFunc: func() nvml.Return { return nvml.ERROR_LIBRARY_NOT_FOUND }},
		"a broken one":   {InitFunc: func() nvml.Return { return nvml.ERROR_DRIVER_NOT_LOADED }},
		"without device": without,
	} {
		if _, err := open(lib); !errors.Is(err, ErrAbsent) || len(err.Error()) <= len(ErrAbsent.Error()) {
			t.Errorf("%s: %v; want %v with a reason", name, err, ErrAbsent)
		}
	}
	if len(without.ShutdownCalls()) != 1 {
		t.Error("NVML is not shut down")
	}
}

// TestOpen is about this machine: it has devices, or says why not.
func TestOpen(t *testing.T) {
	m, err := Open()
	if err != nil {
		if !errors.Is(err, ErrAbsent) {
			t.Error(err)
		}
		t.Log(err)
		return
	}
	defer m.Close()
	if len(m.Devices()) == 0 || len(m.Clocks()) != len(m.Devices()) {
		t.Errorf("%d devices, %d clocks", len(m.Devices()), len(m.Clocks()))
	}
}
