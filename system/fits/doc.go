// Package fits reads and writes images in FITS, the Flexible Image Transport
// System (Pence et al. 2010, A&A 524, A42; keywords and section numbers are those
// of version 4.0 of the standard).
//
// A file is a sequence of header-data units (HDUs), each with a header of 80-byte
// cards and data, padded to blocks of 2880 bytes. Images are the primary HDU or
// IMAGE extensions, of any number of axes, with BITPIX 8, 16, 32, 64, −32 or −64.
// Values are BZERO + BSCALE·stored; integers that equal BLANK are NaN. Shapes are
// given slowest axis first, [bands, rows, columns], so NAXIS1 comes last.
//
// Nothing is allocated on the word of a header: sizes are compared with that of
// the file first. Errors name the file, the HDU and its first byte.
//
// github.com/astrogo/fitsio, which would have been used, can no longer be fetched
// from the Go module proxy; so this package exists.
//
// Not here: tables, compressed images (they are named, and funpack is), world
// coordinates.
package fits
