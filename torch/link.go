package torch

// The program finds the shim beside itself, or where the loader is told to look.

// #cgo CFLAGS: -I${SRCDIR}/shim
// #cgo LDFLAGS: -L${SRCDIR}/../bin -llt -Wl,-rpath,$ORIGIN
import "C"
