// Package npy reads and writes arrays of float32 and float64 in NumPy's .npy
// format (NEP 1: versions 1.0, 2.0 and 3.0), the files that users of the
// simulator and of the networks already have.
//
// Reading is strict: a file is either exactly one little-endian, C-ordered
// array of the requested type, to the last byte, or an error that says what was
// found, what was expected and how to convert it. Sizes come from the header,
// so nothing is allocated on its word alone: memory grows with the bytes that
// are really there.
//
// github.com/sbinet/npyio was looked at first. Its reader takes the end of the
// file for success (a truncated array comes back as zeros), ignores bytes after
// the data and the order of dimensions, indexes malformed headers out of range,
// and does not know version 3.0; a survey's reader must be able to tell those
// apart, so this package exists.
//
// Not here: other types, Fortran order, structured arrays, .npz archives.
package npy
