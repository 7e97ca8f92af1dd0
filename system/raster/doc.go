// Package raster reads the pictures that users have of the sky as arrays:
// PNG of 8 and 16 bits (ISO/IEC 15948).
//
// Values are the integers in the file, 0 to 255 or to 65535, as float32: no gamma,
// no colour profile, no scale. What a unit of them is belongs to whoever made the
// picture, and package stretch makes it not matter.
//
// Most of a PNG's time is decompression. Package compress/flate and the
// image.Image that image/png makes of every picture took twice as long as what is
// done here: decompression by github.com/klauspost/compress into memory that is
// used again, and straight from there to the planes of an array. Pictures that are
// rare in surveys (interlaced ones, palettes, less than 8 bits) are left to
// image/png.
//
// Reading is strict, as a picture that came out black, or half of it, would only
// be noticed by the scores: checksums, sizes and the end must be right, and
// there must be nothing transparent.
package raster
