package torch

// #include "lt.h"
import "C"

import "unsafe"

// A MemoryEvent is how memory was after an allocation, a release or a change of
// phase. A block is in the category that it came to before the trace ended.
type MemoryEvent struct {
	Seconds float64 // since some moment in the past, monotonic
	Bytes   Breakdown
	Phase   Phase
}

// A MemoryTrace is a stretch of time, event by event.
type MemoryTrace struct {
	Events  []MemoryEvent // the first is how things were at the start
	Dropped int64         // events at the end for which there was no room
}

// TraceMemory starts a trace of at most so many events, 64 bytes each. It ends
// one that goes on. Nothing is traced unless memory is counted, but how things
// are at the start.
func TraceMemory(events int) error {
	if events < 1 {
		return &Error{Op: "trace memory", Kind: ErrArgument, Message: "room for no event; want 1 or more"}
	}
	if e := take("trace memory", C.lt_memory_trace_start(C.size_t(events))); e != nil {
		return e
	}
	return nil
}

// StopMemoryTrace ends the trace and returns it; it is empty if none was
// started.
func StopMemoryTrace() MemoryTrace {
	var dropped C.int64_t
	raw := make([]C.lt_memory_event, C.lt_memory_trace_stop(&dropped))
	if len(raw) > 0 {
		C.lt_memory_trace_take(unsafe.SliceData(raw))
	}
	t := MemoryTrace{Events: make([]MemoryEvent, len(raw)), Dropped: int64(dropped)}
	for i, e := range raw {
		t.Events[i] = MemoryEvent{Seconds: float64(e.time) / 1e9, Phase: Phase(e.phase)}
		for k, n := range e.bytes {
			t.Events[i].Bytes[k] = int64(n)
		}
	}
	return t
}
