package survey

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tags of a TIFF, section 8 of its revision 6.0.
const (
	tiffSamples = 277
	tiffPlanar  = 284
)

// checkTIFF refuses what package tiff reads in part, or refuses without saying
// why: several pictures, of which it takes the first; planes of colours one behind
// the other; and BigTIFF. What is malformed is left to that package.
func checkTIFF(b []byte) error {
	var order binary.ByteOrder = binary.LittleEndian
	if len(b) < 8 {
		return nil
	}
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	if order.Uint16(b[2:]) == 43 {
		return errors.New("is a BigTIFF; want a TIFF of 32-bit offsets")
	}
	tags, next := tiffDirectory(b, order)
	switch {
	case next != 0:
		return errors.New("TIFF of several pictures; want one, or a file for each")
	case tags[tiffPlanar] == 2 && tags[tiffSamples] > 1:
		return fmt.Errorf("TIFF of %d planes one behind the other (PlanarConfiguration 2); want pixels with their colours together", tags[tiffSamples])
	}
	return nil
}

// tiffDirectory returns the tags of the first directory that have a value of 16
// bits, and where the next directory is; 0: nowhere.
func tiffDirectory(b []byte, order binary.ByteOrder) (tags map[uint16]uint16, next uint32) {
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return nil, 0
	}
	n := int64(order.Uint16(b[at:]))
	end := at + 2 + 12*n
	if end+4 > int64(len(b)) {
		return nil, 0
	}
	const short = 3 // the type of 16 bits
	tags = map[uint16]uint16{}
	for e := b[at+2 : end]; len(e) > 0; e = e[12:] {
		if order.Uint16(e[2:]) == short && order.Uint32(e[4:]) == 1 {
			tags[order.Uint16(e)] = order.Uint16(e[8:])
		}
	}
	return tags, order.Uint32(b[end:])
}
