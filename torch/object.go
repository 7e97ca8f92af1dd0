package torch

// #include "lt.h"
import "C"

// An Object is a value that only operators look into, such as weights packed for
// one. [Scope.CallAll] returns objects, which are the caller's to free, and operators
// take them as arguments. A [Program] keeps those that it was given.
type Object struct{ p *C.lt_object }

func (o *Object) handle(name string) *C.lt_object {
	switch {
	case o == nil:
		panic(&Error{Op: name, Kind: ErrArgument, Message: "object is nil"})
	case o.p == nil:
		panic(&Error{Op: name, Kind: ErrUseAfterFree, Message: "object was freed"})
	}
	return o.p
}

// Free frees o. Freeing twice does nothing.
func (o *Object) Free() {
	if o == nil {
		return
	}
	C.lt_object_free(o.p)
	o.p = nil
}
