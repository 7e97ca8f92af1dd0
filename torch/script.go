package torch

// #include <stdlib.h>
// #include "lt.h"
import "C"

import (
	"os"
	"path/filepath"
	"unsafe"
)

// A Script is a module in TorchScript: tensors by name, and functions written in that
// language, a part of Python. Its functions are compiled by libtorch and run without
// Python or Go between their operators. Files of scripts are those that torch.jit.save
// writes and torch.jit.load reads.
//
// A script is of no session. Several may run it at the same time, since a run changes
// nothing in it; whatever changes it must not happen at the same time as any other use.
type Script struct{ p *C.lt_script }

// NewScript returns a script without tensors and functions, in evaluation mode. The
// name is that of its type, an identifier of Python. The caller frees it.
func NewScript(name string) (*Script, error) {
	s, text := &Script{}, C.CString(name)
	defer C.free(unsafe.Pointer(text))
	if e := C.lt_script_new(text, &s.p); e != nil {
		return nil, take("new script", e)
	}
	return s, nil
}

// LoadScript reads a file that [Script.WriteFile] or torch.jit.save wrote, and puts it
// into evaluation mode. The caller frees the script.
func LoadScript(path string) (*Script, error) {
	s, text := &Script{}, C.CString(path)
	defer C.free(unsafe.Pointer(text))
	if e := C.lt_script_load(text, &s.p); e != nil {
		return nil, take("load script "+path, e)
	}
	return s, nil
}

// A TensorKind says what a tensor is to a script's state_dict.
type TensorKind bool

// The kinds.
const (
	Parameter TensorKind = false
	Buffer    TensorKind = true
)

// Set adds a tensor, whose memory the script shares. Dots in its name are modules
// within modules, as in PyTorch's state_dict: functions call layer.0.weight
// getattr(self.layer, "0").weight.
func (s *Script) Set(name string, t *Tensor, kind TensorKind) error {
	if t == nil || t.p == nil {
		return freed("set "+name+" of a script", t)
	}
	return s.named("set "+name+" of a script", name, func(p *C.lt_script, name *C.char) *C.lt_error {
		return C.lt_script_set(p, name, t.p, C.int(bit(bool(kind))))
	})
}

// Define compiles functions, each with self for its first argument, and adds them. Of
// libtorch's operators they can call those that are called torch.… in Python. A
// mistake in the source is an error of kind [ErrInvalid] that shows where it is.
func (s *Script) Define(source string) error {
	return s.named("define functions of a script", source+"\n", func(p *C.lt_script, source *C.char) *C.lt_error {
		return C.lt_script_define(p, source)
	})
}

// Freeze makes tensors constants of the function forward and computes with them what
// can be computed once: BatchNorm goes into convolutions. All other functions go.
func (s *Script) Freeze() error {
	return s.change("freeze script", func(p *C.lt_script) *C.lt_error { return C.lt_script_freeze(p) })
}

// Optimise freezes the script unless it is frozen, and rewrites forward for inference on
// this machine: convolutions work on weights in oneDNN's order. Such a script is not
// for files.
func (s *Script) Optimise() error {
	return s.change("optimise script", func(p *C.lt_script) *C.lt_error { return C.lt_script_optimise(p) })
}

// WriteFile writes the script to a file, complete or not at all.
func (s *Script) WriteFile(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return &Error{Op: "write script " + path, Kind: ErrArgument, Message: err.Error()}
	}
	f.Close()
	defer os.Remove(f.Name()) // a no-op once it has been renamed
	err = s.named("write script "+path, f.Name(), func(p *C.lt_script, path *C.char) *C.lt_error { return C.lt_script_save(p, path) })
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// Graph returns the operations of a function in libtorch's words.
func (s *Script) Graph(function string) (text string, err error) {
	err = s.named("graph of "+function, function, func(p *C.lt_script, function *C.char) *C.lt_error {
		var out *C.char
		e := C.lt_script_graph(p, function, &out)
		text = C.GoString(out) // "" for NULL
		C.lt_text_free(out)
		return e
	})
	return text, err
}

// Run runs a function on inputs, which stay the caller's, and returns the tensor that
// it returns, or those of its tuple; one may be a view of an input. It panics with
// the *Error of the operator that fails.
func (s *Script) Run(sc *Scope, function string, inputs ...*Tensor) []*Tensor {
	whole := "run " + function + " of a script"
	sc.open(whole)
	if s.p == nil {
		panic(freedScript(whole))
	}
	in, name := handles(whole, inputs), C.CString(function)
	defer C.free(unsafe.Pointer(name))
	var out [maxResults]*C.lt_tensor
	var n C.int
	must(whole, C.lt_script_run(s.p, name, unsafe.SliceData(in), C.int(len(in)), &out[0], maxResults, &n))
	var results []*Tensor
	for _, p := range out[:n] {
		results = append(results, sc.own(p))
	}
	return results
}

// Forward runs the function forward, which returns one tensor.
func (s *Script) Forward(sc *Scope, inputs ...*Tensor) *Tensor {
	return s.Run(sc, "forward", inputs...)[0]
}

// Free frees the script and the tensors that are its alone. Freeing twice does nothing.
func (s *Script) Free() {
	C.lt_script_free(s.p)
	s.p = nil
}

func freedScript(name string) *Error {
	return &Error{Op: name, Kind: ErrUseAfterFree, Message: "the script was freed"}
}

// change calls f on the script's handle.
func (s *Script) change(name string, f func(p *C.lt_script) *C.lt_error) error {
	if s.p == nil {
		return freedScript(name)
	}
	if e := f(s.p); e != nil {
		return take(name, e)
	}
	return nil
}

// named calls f on the script's handle and a text.
func (s *Script) named(name, text string, f func(p *C.lt_script, text *C.char) *C.lt_error) error {
	return s.change(name, func(p *C.lt_script) *C.lt_error {
		c := C.CString(text)
		defer C.free(unsafe.Pointer(c))
		return f(p, c)
	})
}
