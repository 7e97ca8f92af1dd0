package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"lensbench/accelerator"
)

func accelerators(_ context.Context, o Options) []Finding {
	open := o.Accelerators
	if open == nil {
		open = accelerator.Open
	}
	m, err := open()
	if err != nil {
		return []Finding{{Missing, "device", err.Error(), ""}}
	}
	defer m.Close()
	var all []Finding
	for i, d := range m.Devices() {
		all = append(all, ofDevice(fmt.Sprintf("device %d", i), d)...)
	}
	return all
}

// ofDevice has a line for the device, and one for each thing that is not as it
// should be.
func ofDevice(subject string, d accelerator.Device) []Finding {
	says := d.Name
	if d.Driver != "" {
		says += ", driver " + d.Driver
	}
	if d.SM > 0 && d.MaxSM > 0 {
		says += fmt.Sprintf(", %d of %d MHz", d.SM, d.MaxSM)
	}
	if d.Memory > 0 {
		says += fmt.Sprintf(", %s of %s used", humanize.IBytes(d.MemoryUsed), humanize.IBytes(d.Memory))
	}
	if d.ECC != nil {
		says += ", ECC " + onOff(*d.ECC)
	}
	if d.MIG != nil {
		says += ", MIG " + onOff(*d.MIG)
	}
	all := []Finding{{Fine, subject, says, ""}}
	warn := func(says, fix string) { all = append(all, Finding{Warning, subject, says, fix}) }
	if len(d.Throttled) > 0 {
		warn("its clock is held down: "+strings.Join(d.Throttled, ", "), "cool it, or look at its power supply; samples taken meanwhile are left out")
	}
	if d.Uncorrected > 0 {
		warn(fmt.Sprintf("%d errors of memory that could not be corrected", d.Uncorrected), "reset the device; replace it if they come back")
	}
	if d.MIG != nil && *d.MIG {
		warn("is cut into slices (MIG), which share its clock and power with other tenants", "numbers hold for such a slice alone; as root: nvidia-smi -mig 0")
	}
	if d.Persistence != nil && !*d.Persistence {
		warn("the driver unloads when nobody uses it, which makes starts slow and clocks jump", "as root: nvidia-smi -pm 1")
	}
	return append(all, tenants(subject, d)...)
}

func onOff(v bool) string {
	if v {
		return "on"
	}
	return "off"
}

// idleMemory is what a driver may hold on a device that nobody uses.
const idleMemory = 1 << 30

// tenants are others on the device. In a container they may be invisible, but
// their memory is not.
func tenants(subject string, d accelerator.Device) []Finding {
	var who []string
	for _, p := range d.Processes {
		text := fmt.Sprintf("process %d", p.PID)
		if p.Memory > 0 {
			text += " with " + humanize.IBytes(p.Memory)
		}
		who = append(who, text)
	}
	switch {
	case who != nil:
		return []Finding{{Warning, subject, "others compute on it: " + strings.Join(who, ", "), "end them, or choose another device with CUDA_VISIBLE_DEVICES"}}
	case d.MemoryUsed > idleMemory:
		return []Finding{{Warning, subject, humanize.IBytes(d.MemoryUsed) + " of its memory are in use by processes that are not visible here",
			"look from outside of the container: nvidia-smi"}}
	}
	return nil
}
