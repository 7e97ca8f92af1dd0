package torch

// Peaks are what there is to know of the peaks of memory since the last
// [ResetPeak].
type Peaks struct {
	All         Breakdown // MemoryPeak
	Activations int64     // ActivationPeak
	Forward     Breakdown // PhasePeak, and so below
	Backward    Breakdown
	Update      Breakdown
}

// ReadPeaks returns the peaks of this process.
func ReadPeaks() Peaks {
	return Peaks{MemoryPeak(), ActivationPeak(), PhasePeak(PhaseForward), PhasePeak(PhaseBackward), PhasePeak(PhaseUpdate)}
}

// Max returns the peaks of two stretches of time together.
func (p Peaks) Max(q Peaks) Peaks {
	return Peaks{p.All.max(q.All), max(p.Activations, q.Activations), p.Forward.max(q.Forward), p.Backward.max(q.Backward), p.Update.max(q.Update)}
}

// Plus returns the sums of both: bounds of the common peaks of two processes,
// each of which reaches its own at another moment.
func (p Peaks) Plus(q Peaks) Peaks {
	return Peaks{p.All.Plus(q.All), p.Activations + q.Activations, p.Forward.Plus(q.Forward), p.Backward.Plus(q.Backward), p.Update.Plus(q.Update)}
}
