package record

import "lensbench/protocol"

// An Entry is one line of the journal. Kind says which pointer field is set.
type Entry struct {
	Kind    string       `json:"kind"`
	Cell    string       `json:"cell,omitempty"` // cell ID
	Time    float64      `json:"time"`           // s since the run started, monotonic within a process
	Worker  *WorkerEntry `json:"worker,omitempty"`
	Block   *BlockEntry  `json:"block,omitempty"`
	Memory  *MemoryEntry `json:"memory,omitempty"`
	Energy  *EnergyEntry `json:"energy,omitempty"`
	Outputs *OutputEntry `json:"outputs,omitempty"`
	Status  *StatusEntry `json:"status,omitempty"`
	Look    *LookEntry   `json:"look,omitempty"`

	Profile *ProfileEntry `json:"profile,omitempty"`
}

// Kinds of entries.
const (
	KindWorker  = "worker"  // an arm's process is up and prepared
	KindBlock   = "block"   // one block, complete
	KindMemory  = "memory"  // result of a memory pass
	KindEnergy  = "energy"  // result of an energy pass
	KindOutputs = "outputs" // outputs of an arm, against the control's
	KindStatus  = "status"  // a cell or arm ended otherwise than ok
	KindLook    = "look"    // a planned look at a cell, and which arms it settled
	KindProfile = "profile" // result of a profile pass
	KindResume  = "resume"  // bench run --resume took over here
	KindEnd     = "end"     // the run is complete
)

// A WorkerEntry records a process that was started and prepared.
type WorkerEntry struct {
	Arm        string         `json:"arm"`
	Restart    int            `json:"restart"` // from 0
	Pass       string         `json:"pass"`    // one of protocol's Pass constants
	Hello      protocol.Hello `json:"hello"`
	Facts      protocol.Facts `json:"facts"`
	Start      float64        `json:"start"`      // s, process start to hello
	First      float64        `json:"first"`      // s, the first iteration after prepare: cold cost
	Iterations int            `json:"iterations"` // per sample, from now on
}

// PassEnergy is the pass in which energy is counted. Workers do in it what they do
// in the time pass.
const PassEnergy = "energy"

// A BlockEntry is one sample of every arm, in the order in which they ran.
type BlockEntry struct {
	Restart int      `json:"restart"`
	Block   int      `json:"block"` // from 0 within its restart
	Samples []Sample `json:"samples"`
}

// A Sample is what the runner saw of one sample, and what the worker said.
type Sample struct {
	Arm        string          `json:"arm"`
	Position   int             `json:"position"`   // in the block, from 0
	Start      float64         `json:"start"`      // s since the run started
	Wall       float64         `json:"wall"`       // s, request sent to answer read: includes the untimed iteration
	Iterations int             `json:"iterations"` // timed
	Said       protocol.Sample `json:"said"`
	Host       HostSample      `json:"host"`
}

// A HostSample is what the host did during a sample: differences of counters.
type HostSample struct {
	Steal    float64 `json:"steal"`    // s of CPU time taken by the hypervisor, all cores
	Others   float64 `json:"others"`   // s of CPU time used by processes that are not of this sample
	Pressure float64 `json:"pressure"` // s in which some task waited for a CPU (PSI), 0 if the kernel has none

	// ClockJump is how much further the wall clock went than the monotonic one, in
	// seconds; an adjustment, or a machine that stood still.
	ClockJump float64 `json:"clock_jump,omitempty"`

	// DeviceMHz is the clock of the slowest accelerator just after the sample; 0 if
	// none is watched or it does not say.
	DeviceMHz int `json:"device_mhz,omitempty"`

	// Throttled are the reasons for which an accelerator's clock was held down
	// below what it is set to; empty if none was, or none is watched.
	Throttled []string `json:"throttled,omitempty"`
}

// A MemoryEntry is the result of one memory pass.
type MemoryEntry struct {
	Arm        string `json:"arm"`
	Restart    int    `json:"restart"`
	TensorPeak int64  `json:"tensor_peak"` // bytes, exact; 0 if the worker cannot count
	RSSPeak    int64  `json:"rss_peak"`    // bytes, the worker's process tree

	// Memory is what TensorPeak was made of; nil if the worker does not know.
	Memory *protocol.Memory `json:"memory,omitempty"`
}

// A ProfileEntry is the result of the profile pass of an arm.
type ProfileEntry struct {
	Arm string `json:"arm"`
	Profile
}

// A Profile says where an arm's time went, or why nobody knows. It explains a
// verdict, and is never a reason for one: an arm without a profile is as good.
type Profile struct {
	Iterations int               `json:"iterations,omitempty"` // that Said is of
	Said       *protocol.Profile `json:"said,omitempty"`       // by the worker, checked; nil if there is none
	Status     string            `json:"status"`               // OK, or one of the Status constants
	Reason     string            `json:"reason,omitempty"`     // why there is none
}

// ActivationPeak returns the peak of activations, in bytes; 0 if the worker
// cannot count them.
func (m MemoryEntry) ActivationPeak() int64 {
	if m.Memory == nil {
		return 0
	}
	return m.Memory.ActivationPeak
}

// An EnergyEntry is the result of one energy pass: an arm alone on the machine,
// warm, for some seconds.
type EnergyEntry struct {
	Arm     string             `json:"arm"`
	Restart int                `json:"restart"`
	Items   int                `json:"items"`            // completed
	Seconds float64            `json:"seconds"`          // that they took, as the worker said
	Joules  map[string]float64 `json:"joules,omitempty"` // of the whole machine, by what counted
	Absent  string             `json:"absent,omitempty"` // why nothing could be counted; there are no more passes then
}

// PerItem returns the joules of an item; 0 if nothing was counted.
func (e EnergyEntry) PerItem() float64 {
	sum := 0.0
	for _, j := range e.Joules {
		sum += j
	}
	return sum / float64(max(1, e.Items))
}

// An OutputEntry compares an arm's outputs with the control's.
type OutputEntry struct {
	Arm     string          `json:"arm"`
	Restart int             `json:"restart"`
	When    string          `json:"when"` // "before" or "after" the timing
	Digest  string          `json:"digest"`
	Shape   []int           `json:"shape"`
	Worst   protocol.Number `json:"worst"` // difference to the control's in the measure of Equal's rule; NaN if there is none to give
	Pass    bool            `json:"pass"`
	Why     string          `json:"why,omitempty"`     // the finding in words, of outputs that do not pass
	Seconds float64         `json:"seconds,omitempty"` // that the worker took to answer

	Drift *Drift `json:"drift,omitempty"` // of RuleScores, of outputs that could be compared
}

// A Drift is how far an arm's scores of labelled images are from the control's. It has
// the fields of verdict.Drift, which says what they are.
type Drift struct {
	Images  int     `json:"images"`
	Control float64 `json:"control_auroc"`
	AUROC   float64 `json:"auroc"`
	Changed int     `json:"decisions_changed"`
	Median  float64 `json:"drift_median"`
	P99     float64 `json:"drift_p99"`
	Max     float64 `json:"drift_max"`
}

// A StatusEntry records why an arm, or a whole cell, did not end ok.
type StatusEntry struct {
	Arm     string `json:"arm,omitempty"` // empty: the whole cell
	Restart int    `json:"restart"`
	Status  string `json:"status"` // one of the Status constants
	Reason  string `json:"reason"` // for the reader of the report; what to do, if something can be done
	Stderr  string `json:"stderr,omitempty"`
}

// A LookEntry records a planned look at a cell.
type LookEntry struct {
	Restarts int      `json:"restarts"` // that it came after
	Settled  []string `json:"settled"`  // variants whose every statement is decided; they are not measured again
}

// Statuses of cells and arms. Absent, zero and failed are three different
// things.
const (
	OK           = "ok"
	Invalid      = "invalid"      // the record contradicts itself
	Insufficient = "insufficient" // too few restarts for a verdict
	Skipped      = "skipped"      // this machine lacks what the arm needs
	OOM          = "oom"
	Timeout      = "timeout"
	Crash        = "crash"
	Failed       = "error"
	QualityFail  = "quality_fail" // outputs differ from the control's
	Contaminated = "contaminated" // something else used the machine
	Incomparable = "not-comparable"
)
