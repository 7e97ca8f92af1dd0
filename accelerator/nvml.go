//go:build cgo

package accelerator

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Open returns a monitor of NVIDIA's devices, or an error that wraps ErrAbsent.
func Open() (Monitor, error) { return open(nvml.New()) }

// An nvidia monitors by NVML.
type nvidia struct {
	lib     nvml.Interface
	driver  string
	devices []nvml.Device
}

func open(lib nvml.Interface) (*nvidia, error) {
	if r := lib.Init(); r != nvml.SUCCESS {
		if r == nvml.ERROR_LIBRARY_NOT_FOUND {
			return nil, fmt.Errorf("%w: libnvidia-ml.so.1, which comes with NVIDIA's driver, is not here", ErrAbsent)
		}
		return nil, fmt.Errorf("%w: NVML does not start: %v", ErrAbsent, r)
	}
	m := &nvidia{lib: lib}
	n, r := lib.DeviceGetCount()
	if r != nvml.SUCCESS || n == 0 {
		m.Close()
		return nil, fmt.Errorf("%w: NVIDIA's driver shows no device (%v)", ErrAbsent, r)
	}
	for i := range n {
		d, r := lib.DeviceGetHandleByIndex(i)
		if r != nvml.SUCCESS {
			m.Close()
			return nil, fmt.Errorf("%w: device %d: %v", ErrAbsent, i, r)
		}
		m.devices = append(m.devices, d)
	}
	if m.driver, r = lib.SystemGetDriverVersion(); r != nvml.SUCCESS {
		m.driver = ""
	}
	return m, nil
}

func (m *nvidia) Close() { m.lib.Shutdown() }

// reasons are bits of the driver's mask. The mask is read by NVML's older call:
// drivers that lack the newer one would end the process.
var reasons = []struct {
	bit  uint64
	name string
}{
	{nvml.ClocksThrottleReasonHwSlowdown, HardwareSlowdown},
	{nvml.ClocksThrottleReasonHwThermalSlowdown, HardwareThermal},
	{nvml.ClocksThrottleReasonHwPowerBrakeSlowdown, HardwarePowerBrake},
	{nvml.ClocksThrottleReasonSwThermalSlowdown, SoftwareThermal},
}

func throttled(mask uint64) []string {
	var out []string
	for _, r := range reasons {
		if mask&r.bit != 0 {
			out = append(out, r.name)
		}
	}
	return out
}

func (m *nvidia) Clocks() []Clock {
	out := make([]Clock, len(m.devices))
	for i, d := range m.devices {
		if mhz, r := d.GetClockInfo(nvml.CLOCK_SM); r == nvml.SUCCESS {
			out[i].SM = int(mhz)
		}
		if mask, r := d.GetCurrentClocksThrottleReasons(); r == nvml.SUCCESS {
			out[i].Throttled = throttled(mask)
		}
	}
	return out
}

// Energy: the driver counts in millijoules.
func (m *nvidia) Energy() (joules float64, err error) {
	for i, d := range m.devices {
		mJ, r := d.GetTotalEnergyConsumption()
		if r != nvml.SUCCESS {
			return 0, fmt.Errorf("device %d does not count energy: %v", i, r)
		}
		joules += float64(mJ) / 1000
	}
	return joules, nil
}

func (m *nvidia) Devices() []Device {
	var out []Device
	for _, d := range m.devices {
		out = append(out, m.device(d))
	}
	return out
}

// device asks for everything; what is refused is absent with NVML's reason.
func (m *nvidia) device(d nvml.Device) Device {
	out := Device{Driver: m.driver, Absent: map[string]string{}}
	has := func(what string, r nvml.Return) bool {
		if r != nvml.SUCCESS {
			out.Absent[what] = r.String()
		}
		return r == nvml.SUCCESS
	}
	out.Name, _ = d.GetName()
	out.UUID, _ = d.GetUUID()
	if mhz, r := d.GetClockInfo(nvml.CLOCK_SM); has("clock", r) {
		out.SM = int(mhz)
	}
	if mhz, r := d.GetMaxClockInfo(nvml.CLOCK_SM); has("clock", r) {
		out.MaxSM = int(mhz)
	}
	if mask, r := d.GetCurrentClocksThrottleReasons(); has("throttling", r) {
		out.Throttled = throttled(mask)
	}
	if mem, r := d.GetMemoryInfo(); has("memory", r) {
		out.Memory, out.MemoryUsed = mem.Total, mem.Used
	}
	if now, _, r := d.GetEccMode(); has("ecc", r) {
		out.ECC = is(now == nvml.FEATURE_ENABLED)
	}
	if out.ECC != nil && *out.ECC {
		out.Uncorrected, _ = d.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC)
	}
	if now, _, r := d.GetMigMode(); has("mig", r) {
		out.MIG = is(now == nvml.DEVICE_MIG_ENABLE)
	}
	if now, r := d.GetPersistenceMode(); has("persistence", r) {
		out.Persistence = is(now == nvml.FEATURE_ENABLED)
	}
	if list, r := d.GetComputeRunningProcesses(); has("processes", r) {
		for _, p := range list {
			out.Processes = append(out.Processes, Tenant{PID: int(p.Pid), Memory: known(p.UsedGpuMemory)})
		}
	}
	_, r := d.GetTotalEnergyConsumption()
	has("energy", r)
	return out
}

func is(v bool) *bool { return &v }

// known is 0 for the value by which NVML says that it does not know.
func known(bytes uint64) uint64 {
	if bytes == ^uint64(0) {
		return 0
	}
	return bytes
}
