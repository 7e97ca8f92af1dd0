package torch

// #include "lt.h"
import "C"

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// A Profile says where the time of operators went, on all threads together.
type Profile struct {
	Operators []OperatorTime // most self time first

	// Wall is how long it was made. Busy is the part of it in which at least one thread
	// was in an operator: at most the sum of all self times, which is at most Busy ×
	// Threads.
	Wall, Busy time.Duration
	Threads    int // that were in an operator at some time
}

// An OperatorTime is what all calls of one operator took, whatever its overload.
type OperatorTime struct {
	Name  string // in libtorch's words, such as aten::conv2d
	Calls int64
	Self  time.Duration // without the operators that it called
}

// ProfileOperators runs f and says which operators of libtorch ran meanwhile, in any
// session, in programs and backward passes, too, and what they took on the CPU. Work of
// a CUDA device goes on after its operator has ended, and is not seen. Noting a call
// takes a fraction of a microsecond, so f is not to be timed otherwise. One profile can
// be made at a time; the error is f's, or that.
func ProfileOperators(f func() error) (Profile, error) {
	if e := take("profile", C.lt_profile_start()); e != nil {
		return Profile{}, e
	}
	err := f()
	var p *C.lt_profile
	if e := take("profile", C.lt_profile_stop(&p)); e != nil {
		return Profile{}, errors.Join(err, e)
	}
	defer C.lt_profile_free(p)
	return readProfile(p), err
}

func readProfile(p *C.lt_profile) Profile {
	var wall, busy, calls, self C.int64_t
	var threads C.int
	var rows C.size_t
	C.lt_profile_totals(p, &wall, &busy, &threads, &rows)
	out := Profile{Wall: time.Duration(wall), Busy: time.Duration(busy), Threads: int(threads)}
	for i := range rows {
		name := C.GoString(C.lt_profile_row(p, i, &calls, &self))
		out.Operators = append(out.Operators, OperatorTime{name, int64(calls), time.Duration(self)})
	}
	slices.SortStableFunc(out.Operators, func(a, b OperatorTime) int { return cmp.Compare(b.Self, a.Self) })
	return out
}
