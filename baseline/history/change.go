package history

import (
	"cmp"
	"math"
	"slices"
	"time"

	"lensbench/verdict"
)

// Level is the probability that a directory of independent noise shows any
// change point. It is this small because nights that resemble the ones before,
// and looking every night, cost a multiple of it: with 50 metrics over 100
// nights at most one change is found by mistake on average, if nights resemble
// the one before by up to 0.7 (the tests of package verdict).
const Level = 0.002

// slack is how far the night of an acknowledgement may be off.
const slack = 3 * 24 * time.Hour

// A Track is a series in the order of its nights.
type Track struct {
	Points  []Point
	Changes []Change
}

// A Change is where a track moved for good.
type Change struct {
	Point  Point   // first at the new level
	Before float64 // median ratio up to it
	After  float64 // median ratio from it on
	P      float64
	Why    string // acknowledged; "" if nobody has
}

// Tracks sorts points into series and finds their change points. unused are
// acknowledgements that fit none.
func Tracks(points []Point, acknowledged []Acknowledgement) (tracks []Track, unused []Acknowledgement, err error) {
	by := map[Series]*Track{}
	var order []Series
	for _, p := range points {
		s := p.Series()
		if by[s] == nil {
			by[s] = &Track{}
			order = append(order, s)
		}
		by[s].Points = append(by[s].Points, p)
	}
	used := make([]bool, len(acknowledged))
	for _, s := range order {
		t := by[s]
		slices.SortStableFunc(t.Points, func(a, b Point) int { return a.Night.Compare(b.Night) })
		if err := t.find(Level / float64(len(order))); err != nil {
			return nil, nil, err
		}
		t.acknowledge(acknowledged, used)
		tracks = append(tracks, *t)
	}
	slices.SortStableFunc(tracks, func(a, b Track) int {
		x, y := a.Points[0], b.Points[0]
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Metric, y.Metric), cmp.Compare(x.Arm, y.Arm), x.Night.Compare(y.Night))
	})
	for i, a := range acknowledged {
		if !used[i] {
			unused = append(unused, a)
		}
	}
	return tracks, unused, nil
}

func (t *Track) find(level float64) error {
	logs := make([]float64, len(t.Points))
	for i, p := range t.Points {
		logs[i] = math.Log(p.Ratio)
	}
	found, err := verdict.ChangePoints(logs, level)
	if err != nil {
		return err
	}
	for _, c := range found {
		t.Changes = append(t.Changes, Change{Point: t.Points[c.Index], Before: math.Exp(c.Before), After: math.Exp(c.After), P: c.P})
	}
	return nil
}

// acknowledge gives each change the nearest entry that fits.
func (t *Track) acknowledge(list []Acknowledgement, used []bool) {
	for i := range t.Changes {
		c := &t.Changes[i]
		nearest := slack + 1
		for j, a := range list {
			if a.Name != c.Point.Name || a.Arm != c.Point.Arm || a.Metric != c.Point.Metric {
				continue
			}
			if off := c.Point.Night.Truncate(24 * time.Hour).Sub(a.night).Abs(); off < nearest {
				nearest, c.Why = off, a.Why
				used[j] = true
			}
		}
	}
}

// Open lists the changes that nobody has acknowledged.
func Open(tracks []Track) []Change {
	var out []Change
	for _, t := range tracks {
		for _, c := range t.Changes {
			if c.Why == "" {
				out = append(out, c)
			}
		}
	}
	return out
}
