package history

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lensbench/record"
)

// Fits says why a night would not go on with what is kept, nil if it would: it is of
// another machine, beside another anchor, or, by the clock, before the last one. A new
// series of another machine or anchor is fine where that is wanted; a clock that went
// back never is. An empty history fits all.
func (d Dir) Fits(m record.Machine, anchor string, now time.Time, newSeries bool) error {
	points, err := d.Points()
	if err != nil || len(points) == 0 {
		return err
	}
	path := filepath.Join(string(d), PointsFile)
	last := slices.MaxFunc(points, func(a, b Point) int { return a.Night.Compare(b.Night) })
	if now.Before(last.Night) {
		return fmt.Errorf("%s: its last night is %s, and this machine's clock says %s; set the clock", path,
			last.Night.Format(time.DateTime), now.UTC().Format(time.DateTime))
	}
	if newSeries {
		return nil
	}
	var machines []string
	var here []Point
	for _, p := range points {
		if p.Machine == m.ID() {
			here = append(here, p)
		} else if !slices.Contains(machines, p.Machine) {
			machines = append(machines, p.Machine)
		}
	}
	if len(here) == 0 {
		return fmt.Errorf("%s: its nights are of machine %s, and this is machine %s (%s, %d CPUs, libtorch %s); name another directory, or begin a series of this machine with --new-series",
			path, strings.Join(machines, ", "), m.ID(), m.CPUModel, m.CPUs, m.Libtorch)
	}
	last = slices.MaxFunc(here, func(a, b Point) int { return a.Night.Compare(b.Night) })
	if last.Fixed != anchor {
		return fmt.Errorf("%s: its anchor is build %s, and this one is build %s: ratios to the one say nothing of those to the other; name the same anchor, or begin a series with --new-series",
			path, last.Fixed, anchor)
	}
	return nil
}
