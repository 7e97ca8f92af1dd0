package torch

// #include "lt.h"
import "C"

import (
	"fmt"
	"strings"
)

// A Kind says what callers can do about an [Error]. Each kind is itself an error
// to compare with: errors.Is(err, torch.ErrOutOfMemory).
type Kind int

// The kinds of errors. All but the last are those of lt.h.
const (
	ErrInvalid         Kind = C.LT_ERR_INVALID         // an operator rejected shapes, types or values
	ErrOutOfMemory     Kind = C.LT_ERR_MEMORY          // an allocation failed
	ErrNotImplemented  Kind = C.LT_ERR_NOT_IMPLEMENTED // libtorch has no kernel for these types
	ErrUnknownOperator Kind = C.LT_ERR_UNKNOWN_OP      // no operator of that name and overload
	ErrArgument        Kind = C.LT_ERR_ARGUMENT        // number or type of arguments differ from the schema
	ErrInternal        Kind = C.LT_ERR_INTERNAL        // anything else that libtorch threw
	ErrConnection      Kind = C.LT_ERR_CONNECTION      // another process is gone, or did not answer in time
	ErrUseAfterFree    Kind = 100                      // a tensor or scope was used after it was freed
)

var kindNames = map[Kind]string{
	ErrInvalid:         "invalid operation",
	ErrOutOfMemory:     "out of memory",
	ErrNotImplemented:  "not implemented",
	ErrUnknownOperator: "unknown operator",
	ErrArgument:        "wrong argument",
	ErrInternal:        "internal error",
	ErrConnection:      "lost connection",
	ErrUseAfterFree:    "use after free",
}

func (k Kind) Error() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("error kind %d", int(k))
}

// An Error is a failure of libtorch or of its use.
type Error struct {
	Op      string // operator with its arguments, or the function that failed
	Kind    Kind
	Message string // libtorch's own words
}

func (e *Error) Error() string { return e.Op + ": " + e.Message }

// Unwrap returns the kind, so that errors.Is finds it.
func (e *Error) Unwrap() error { return e.Kind }

// take turns e, which it frees, into an *Error, and NULL into nil.
func take(op string, e *C.lt_error) *Error {
	if e == nil {
		return nil
	}
	defer C.lt_error_free(e)
	message := C.GoString(C.lt_error_message(e))
	message, _, _ = strings.Cut(message, "\n\n") // what follows lists every backend and where it was compiled
	return &Error{Op: op, Kind: Kind(C.lt_error_kind(e)), Message: strings.TrimSpace(message)}
}

// must panics with e unless it is NULL. It is for what runs inside sessions. If a
// Go function has failed that libtorch had called, the panic is that function's.
func must(op string, e *C.lt_error) {
	if e == nil {
		return
	}
	if cause := C.lt_error_cause(e); cause != 0 {
		defer C.lt_error_free(e)
		panic(held(cause))
	}
	panic(take(op, e))
}
