package runner

import (
	"fmt"

	"lensbench/protocol"
	"lensbench/record"
)

// meetNeeds drops the arms that this machine cannot run, before any of the
// cell is started.
func (c *cellRun) meetNeeds() error {
	return c.each(c.inOrder(), 0, func(a *arm) error {
		if len(a.Needs) == 0 {
			return nil
		}
		hello, known := c.greet(a.Worker)
		if !known {
			return nil // what keeps it from starting will be the arm's status
		}
		if why := missing(a.Needs, hello, c.run.Machine); why != "" {
			return failf(record.Skipped, "%s", why)
		}
		return nil
	})
}

// greet asks a worker who it is, once in a session.
func (c *cellRun) greet(worker string) (protocol.Hello, bool) {
	if hello, asked := c.hellos[worker]; asked {
		return hello, true
	}
	hello, err := Greet(c.ctx, c.opts.Workers[worker], seconds(c.cell.Plan.TimeLimit))
	if err != nil {
		return hello, false
	}
	c.hellos[worker] = hello
	return hello, true
}

// missing says what the arm needs that its worker does not find here. For
// builds that list no devices the driver answers, which knows of CUDA alone.
func missing(needs []string, hello protocol.Hello, m record.Machine) string {
	if len(hello.Devices) > 0 {
		why := protocol.Lacks(needs, hello.Devices)
		if why == protocol.Lacks([]string{protocol.NeedCUDA}, nil) && m.GPU != "" {
			why = fmt.Sprintf("needs cuda; the driver shows %s, but the worker %s finds no CUDA device", m.GPU, hello.Worker)
		}
		return why
	}
	for _, need := range needs {
		_, several := protocol.DevicesNeeded(need)
		switch accelerator := several || need == protocol.NeedCUDA; {
		case accelerator && m.GPU == "":
			return fmt.Sprintf("needs %s; this machine has none", need)
		case need != protocol.NeedCUDA:
			return fmt.Sprintf("needs %s; this build of the worker %s does not list its devices", need, hello.Worker)
		}
	}
	return ""
}
