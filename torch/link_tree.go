//go:build !relocatable

package torch

// Test binaries lie in temporary directories, so they look for the shim in the
// source tree. Released programs are built with the tag relocatable: the path
// of a checkout in them would make equal sources give unequal binaries.

// #cgo LDFLAGS: -Wl,-rpath,${SRCDIR}/../bin
import "C"
