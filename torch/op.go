package torch

// #include <stdlib.h>
// #include "lt.h"
import "C"

import (
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

// An Op is an operator of libtorch.
type Op struct {
	name     string // with the overload, for errors
	schema   string // name as in the schema: aten::conv2d
	overload string
	find     sync.Once
	p        *C.lt_op
	err      *Error
}

var found sync.Map // of [2]string{schema, overload} to *Op, only those that exist

// operator names an operator that is looked up when it is first called.
func operator(name, overload string) *Op {
	full := name
	if overload != "" {
		full += "." + overload
	}
	return &Op{name: full, schema: name, overload: overload}
}

// Find returns the operator of a schema name and overload, for example
// ("aten::add", "Tensor") or ("aten::conv2d", "").
func Find(name, overload string) (*Op, error) {
	key := [2]string{name, overload}
	if op, ok := found.Load(key); ok {
		return op.(*Op), nil
	}
	op := operator(name, overload)
	if op.handle(); op.err != nil {
		return nil, op.err
	}
	found.Store(key, op)
	return op, nil
}

// Named is Find for an operator that is looked up when it is first called, which
// then panics if there is none.
func Named(name, overload string) *Op { return operator(name, overload) }

// handle finds the operator once.
func (o *Op) handle() *C.lt_op {
	o.find.Do(o.lookUp)
	return o.p
}

func (o *Op) lookUp() {
	if strings.IndexByte(o.schema+o.overload, 0) >= 0 { // the end of a string in C
		o.err = &Error{Op: strconv.Quote(o.name), Kind: ErrUnknownOperator, Message: "a name holds no zero byte"}
		return
	}
	name, overload := C.CString(o.schema), C.CString(o.overload)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(overload))
	o.err = take(o.name, C.lt_op_find(name, overload, &o.p))
}

// Name returns the operator's name with its overload: aten::add.Tensor.
func (o *Op) Name() string { return o.name }

// Schema returns the operator's declaration in libtorch's words.
func (o *Op) Schema() string { return C.GoString(C.lt_op_schema(o.handle())) }
