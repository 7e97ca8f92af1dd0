package torch

// #include "lt.h"
import "C"

import "fmt"

// A Phase is a part of a training step, with peaks of memory of its own. The
// process is in one phase at a time. [Scope.Backward] is PhaseBackward by itself;
// the others are begun with [Scope.InPhase].
type Phase int

// Phases.
const (
	anyPhase      Phase = C.LT_PHASE_ANY
	PhaseNone     Phase = C.LT_PHASE_NONE // outside all others
	PhaseForward  Phase = C.LT_PHASE_FORWARD
	PhaseBackward Phase = C.LT_PHASE_BACKWARD
	PhaseUpdate   Phase = C.LT_PHASE_UPDATE // of the weights, by the optimiser
)

// Phases are those of a training step, in order.
var Phases = []Phase{PhaseForward, PhaseBackward, PhaseUpdate}

var phaseNames = [...]string{PhaseNone: "none", PhaseForward: "forward", PhaseBackward: "backward", PhaseUpdate: "update"}

func (p Phase) String() string {
	if p < 0 || int(p) >= len(phaseNames) {
		return fmt.Sprintf("phase %d", int(p))
	}
	return phaseNames[p]
}

// InPhase runs f in a phase.
func (sc *Scope) InPhase(p Phase, f func()) {
	before := enterPhase(C.int(p))
	defer enterPhase(before)
	f()
}

func enterPhase(p C.int) (before C.int) {
	must("phase", C.lt_memory_phase(p, &before))
	return before
}

// PhasePeak is [MemoryPeak] of the stretches in a phase since the last
// [ResetPeak]; zeros if there were none.
func PhasePeak(p Phase) (b Breakdown) {
	must("peak of a phase", C.lt_memory_peak(C.int(p), (*C.int64_t)(&b[0])))
	return b
}
