package torch

// #include "lt.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// A Program is calls of operators one after another, made ready once and run with
// one call of libtorch. Between them are values: the inputs first, then the first
// result of each call, the last of which is the program's. A value is freed after
// the last call that takes it.
//
// A program is of no session. Several may run it at the same time, since a run
// changes nothing in it.
type Program struct {
	p     *C.lt_program
	ops   []*Op
	buf   Scope // for encoding calls; owns nothing
	count int   // of values
}

// A Value is what runs of a program pass from one call to the next.
type Value int

// NewProgram returns a program without calls and the values of its inputs. The
// caller frees it.
func NewProgram(inputs int) (*Program, []Value) {
	p := &Program{buf: Scope{call: &call{}}, count: inputs}
	must("new program", C.lt_program_new(C.int(inputs), &p.p))
	values := make([]Value, inputs)
	for i := range values {
		values[i] = Value(i)
	}
	return p, values
}

// Call adds a call of op and returns its first result, which is a tensor. Arguments
// are as for [Scope.Call], and Value and []Value. Tensors among them stay with the
// program, whoever frees them. It panics as operators do if the arguments are not
// those of op's schema.
func (p *Program) Call(op *Op, args ...any) Value {
	const whole = "add to program"
	if p.p == nil {
		panic(&Error{Op: whole, Kind: ErrUseAfterFree, Message: "the program was freed"})
	}
	handle := op.handle()
	if handle == nil {
		panic(op.err)
	}
	c := p.buf.begin(op)
	for i, a := range args {
		if !c.addValue(a) && !c.add(a) {
			panic(&Error{Op: op.name, Kind: ErrArgument, Message: fmt.Sprintf("argument %d is of Go type %T, which has no counterpart in libtorch", i+1, a)})
		}
	}
	var value C.int
	if e := C.lt_program_add(p.p, handle, unsafe.SliceData(c.args), C.int(len(c.args)), unsafe.SliceData(c.pool), &value); e != nil {
		panic(take(c.String(), e))
	}
	p.ops = append(p.ops, op)
	p.count++
	return Value(value)
}

// addValue encodes a value or values and reports whether a is one.
func (c *call) addValue(a any) bool {
	switch a := a.(type) {
	case Value:
		c.put(C.LT_VALUE, 0, uint64(a))
	case []Value:
		c.list(C.LT_VALUES, len(a), func(i int) uint64 { return uint64(a[i]) })
	default:
		return false
	}
	return true
}

// Len returns the number of calls.
func (p *Program) Len() int { return len(p.ops) }

// Run runs the program on inputs, which stay the caller's, and returns the last
// call's result, which may be a view of an input. It panics with the *Error of the
// operator that fails.
func (p *Program) Run(sc *Scope, inputs ...*Tensor) *Tensor {
	const whole = "run program"
	sc.open(whole)
	if p.p == nil {
		panic(&Error{Op: whole, Kind: ErrUseAfterFree, Message: "the program was freed"})
	}
	in := handles(whole, inputs)
	var out *C.lt_tensor
	var failed C.int
	e := C.lt_program_run(p.p, unsafe.SliceData(in), C.int(len(in)), &out, &failed)
	if e != nil {
		panic(take(p.name(int(failed)), e))
	}
	return sc.own(out)
}

// name names a call, for errors.
func (p *Program) name(call int) string {
	if call >= len(p.ops) {
		return "run program"
	}
	return fmt.Sprintf("call %d of %d of a program, %s", call+1, len(p.ops), p.ops[call].name)
}

// Free frees the program and the tensors that are its alone. Freeing twice does nothing.
func (p *Program) Free() {
	C.lt_program_free(p.p)
	p.p = nil
}
