package replay

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lensbench/record"
)

// A Pair is two arms that ran side by side.
type Pair struct {
	Name    string      // such as "matrix product: A′ ÷ A"
	Same    bool        // both did the same work: any difference that is found is false
	Control [][]float64 // s, by restart and block; equal places are of one block
	Variant [][]float64
}

// A Recording is what a trace or a run holds.
type Recording struct {
	Pairs []Pair
	Notes []string // what was left out
}

// Read reads a trace, *.csv or *.csv.gz, or a run: its directory or its
// journal.
func Read(path string) (Recording, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Recording{}, err
	case info.IsDir():
		return readRun(path)
	case filepath.Base(path) == record.JournalFile:
		return readRun(filepath.Dir(path))
	case strings.HasSuffix(path, ".csv") || strings.HasSuffix(path, ".csv.gz"):
		return readTraceFile(path)
	}
	return Recording{}, fmt.Errorf("%s: not a recording; want a trace, *.csv or *.csv.gz, or the directory of a run", path)
}

func readTraceFile(path string) (Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return Recording{}, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return Recording{}, fmt.Errorf("%s: %w", path, err)
		}
		defer z.Close()
		r = z
	}
	rec, err := readTrace(r)
	if err != nil {
		return Recording{}, fmt.Errorf("%s:%w", path, err)
	}
	return rec, nil
}

// readRun makes a pair of every variant of a run and its control.
func readRun(dir string) (Recording, error) {
	run, err := record.ReadRun(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Recording{}, fmt.Errorf("%s: not the directory of a run: it has no %s", dir, record.RunFile)
	}
	if err != nil {
		return Recording{}, err
	}
	entries, dropped, err := record.ReadJournal(dir)
	if err != nil {
		return Recording{}, err
	}
	var rec Recording
	if dropped > 0 {
		rec.Notes = append(rec.Notes, fmt.Sprintf("%d lines of the journal could not be read", dropped))
	}
	for _, c := range run.Cells {
		rec.Pairs = append(rec.Pairs, cellPairs(c, entries)...)
	}
	return rec, nil
}

func cellPairs(c record.Cell, entries []record.Entry) []Pair {
	if len(c.Arms) == 0 {
		return nil
	}
	grids := map[string]*grid{}
	for _, e := range entries {
		if e.Cell != c.ID || e.Block == nil {
			continue
		}
		for _, s := range e.Block.Samples {
			if s.Said.Items > 0 && s.Said.Wall > 0 {
				if grids[s.Arm] == nil {
					grids[s.Arm] = &grid{}
				}
				grids[s.Arm].put(e.Block.Restart, e.Block.Block, s.Said.Wall/float64(s.Said.Items)) // the first of a place stays
			}
		}
	}
	control := c.Arms[0]
	var pairs []Pair
	for _, a := range c.Arms[1:] {
		p := Pair{
			Name: fmt.Sprintf("%s: %s ÷ %s", record.Name(c.Scenario, c.Point), a.Name, control.Name),
			Same: a.Worker == control.Worker && a.Settings.Hash() == control.Settings.Hash(),
		}
		p.Control, p.Variant = meet(grids[control.Name], grids[a.Name])
		if len(p.Control) > 0 {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// A grid holds the samples of one arm by restart and block.
type grid struct{ at map[[2]int]float64 }

// put says whether the place was free.
func (g *grid) put(restart, block int, v float64) bool {
	if g.at == nil {
		g.at = map[[2]int]float64{}
	}
	place := [2]int{restart, block}
	if _, taken := g.at[place]; taken {
		return false
	}
	g.at[place] = v
	return true
}

// meet returns the samples of the places that both arms have, in order.
func meet(a, b *grid) (x, y [][]float64) {
	if a == nil || b == nil {
		return nil, nil
	}
	last := -1
	for _, place := range sortedPlaces(a.at) {
		other, ok := b.at[place]
		if !ok {
			continue
		}
		if len(x) == 0 || place[0] != last {
			x, y = append(x, nil), append(y, nil)
			last = place[0]
		}
		x[len(x)-1] = append(x[len(x)-1], a.at[place])
		y[len(y)-1] = append(y[len(y)-1], other)
	}
	return x, y
}
