package raster

// Filters: what was taken from the bytes of a row before compression.
const (
	filterNone = iota
	filterLeft
	filterAbove
	filterMean
	filterPaeth
)

// unfilter undoes the filters of all rows, each a filter's number and stride
// bytes, pixel of them for a pixel.
func unfilter(raw []byte, stride, pixel int) error {
	above := make([]byte, stride) // of the first row: zeros
	for y := 0; len(raw) > 0; y++ {
		row := raw[1 : 1+stride]
		switch raw[0] {
		case filterNone:
		case filterLeft:
			for i := pixel; i < len(row); i++ {
				row[i] += row[i-pixel]
			}
		case filterAbove:
			for i, a := range above[:len(row)] {
				row[i] += a
			}
		case filterMean:
			unfilterMean(row, above, pixel)
		case filterPaeth:
			unfilterPaeth(row, above, pixel)
		default:
			return formatError("row %d has filter %d, want 0 to 4", y, raw[0])
		}
		above, raw = row, raw[1+stride:]
	}
	return nil
}

func unfilterMean(row, above []byte, pixel int) {
	above = above[:len(row)]
	for i := range pixel {
		row[i] += above[i] / 2
	}
	for i := pixel; i < len(row); i++ {
		row[i] += byte((int(row[i-pixel]) + int(above[i])) / 2)
	}
}

func unfilterPaeth(row, above []byte, pixel int) {
	above = above[:len(row)]
	for i := range pixel {
		row[i] += above[i]
	}
	for c := range pixel { // a channel's byte at a time: its neighbours stay in registers
		left, corner := int(row[c]), int(above[c])
		for i := c + pixel; i < len(row); i += pixel {
			up := int(above[i])
			left = int(row[i] + byte(paeth(left, up, corner)))
			row[i], left = byte(left), left&0xff
			corner = up
		}
	}
}

// paeth returns which of the three is nearest to left + up - corner; of equally
// near ones the first.
func paeth(left, up, corner int) int {
	toLeft, toUp := up-corner, left-corner // of the estimate
	toCorner := toLeft + toUp
	toLeft, toUp, toCorner = max(toLeft, -toLeft), max(toUp, -toUp), max(toCorner, -toCorner)
	if toLeft <= toUp && toLeft <= toCorner {
		return left
	}
	if toUp <= toCorner {
		return up
	}
	return corner
}
