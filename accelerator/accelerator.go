package accelerator

import "errors"

// ErrAbsent means that there is no accelerator that can be read here. The text
// around it says why.
var ErrAbsent = errors.New("no accelerator can be read")

// A Monitor reads the accelerators of this machine. It is for one goroutine.
type Monitor interface {
	// Devices looks at everything; it takes some milliseconds.
	Devices() []Device

	// Clocks looks at what may change from one sample to the next; it takes well
	// under a millisecond per device.
	Clocks() []Clock

	// Energy is what all devices have used since some moment in the past, in
	// joules; only differences mean something. The error says which device does
	// not count.
	Energy() (joules float64, err error)

	Close()
}

// A Clock is the state of a device at one moment.
type Clock struct {
	SM        int      // MHz of the processors; 0 if the device does not say
	Throttled []string // why the clock is held down by something other than load or settings
}

// A Device is one accelerator.
type Device struct {
	Name, UUID, Driver string
	Clock
	MaxSM       int      // MHz
	Memory      uint64   // bytes
	MemoryUsed  uint64   // bytes, by anybody
	ECC         *bool    // errors of memory are corrected
	Uncorrected uint64   // errors of memory since the driver was loaded, if ECC
	MIG         *bool    // the device is cut into slices
	Persistence *bool    // the driver stays loaded while nobody uses the device
	Processes   []Tenant // that compute on it and are visible from here

	// Absent says why a number is not there, by what it is: "clock", "throttling",
	// "memory", "ecc", "mig", "persistence", "processes", "energy".
	Absent map[string]string
}

// A Tenant is a process that uses a device.
type Tenant struct {
	PID    int
	Memory uint64 // bytes on the device, 0 if the driver does not say
}

// Reasons for which a clock is held down, as nvidia-smi names them. A cap on
// power is not among them: under full load it is how a device works.
const (
	HardwareSlowdown   = "hw_slowdown"
	HardwareThermal    = "hw_thermal_slowdown"
	HardwarePowerBrake = "hw_power_brake_slowdown"
	SoftwareThermal    = "sw_thermal_slowdown"
)
