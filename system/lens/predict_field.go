package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"lensbench/cli/status"
	"lensbench/system/atomic"
	"lensbench/system/metric"
	"lensbench/system/npy"
	"lensbench/system/score"
	"lensbench/system/survey"
	"lensbench/system/tile"
	"lensbench/system/trained"
)

func (p *prediction) checkField() error {
	switch {
	case p.images != "" || p.split != "":
		return fmt.Errorf("%q: is instead of --images and --split", "--field "+p.field)
	case p.output == "":
		return errors.New("lens predict: wants --output directory, for candidates and map of the field")
	case p.stride < 0:
		return fmt.Errorf("%q: want 1 pixel or more, up to a tile", fmt.Sprintf("--stride %d", p.stride))
	case !(p.threshold > 0 && p.threshold < 1):
		return fmt.Errorf("%q: want a probability above 0 and below 1", fmt.Sprintf("--threshold %g", p.threshold))
	}
	return nil
}

// runField scores a field tile by tile.
func (p *prediction) runField(ctx context.Context, networks []*trained.Network, stdout io.Writer, line *status.Line) error {
	side := networks[0].Manifest.Pixels
	if p.stride == 0 {
		p.stride = max(side/4, 1)
	}
	images, grid, err := p.openField(side)
	if err != nil {
		return err
	}
	for i, n := range networks {
		if err := score.Suits(n, images); err != nil {
			return fmt.Errorf("%s: %w", p.names[i], err)
		}
	}
	list, probabilities := filepath.Join(p.output, "candidates.csv"), filepath.Join(p.output, "map.npy")
	if err := os.MkdirAll(p.output, 0o755); err != nil {
		return err
	}
	if err := errors.Join(checkWritable(list), checkWritable(probabilities)); err != nil {
		return err
	}
	s, err := p.score(ctx, networks, images, line)
	if err != nil {
		return err
	}
	found := grid.Candidates(s.logit, math.Log(p.threshold/(1-p.threshold)))
	if err := atomic.WriteFile(list, func(w io.Writer) error { return writeCandidates(w, found) }); err != nil {
		return err
	}
	err = atomic.WriteFile(probabilities, func(w io.Writer) error {
		m := grid.Map(s.logit)
		for i, z := range m {
			m[i] = float32(metric.Probability(float64(z)))
		}
		return npy.Write(w, []int{grid.Height, grid.Width}, m)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: %d candidates in %d tiles of %d×%d pixels: %s, %s\n", p.field, len(found), grid.Len(), side, side, list, probabilities)
	return err
}

// openField reads the field and cuts it into tiles.
func (p *prediction) openField(side int) (*tile.Images, *tile.Grid, error) {
	bands, height, width, pixels, err := readField(p.field)
	if err != nil {
		return nil, nil, err
	}
	grid, err := tile.New(height, width, side, p.stride)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.field, err)
	}
	return tile.NewImages(grid, p.field, bands, pixels), grid, nil
}

// readField reads one image of any size.
func readField(path string) (bands, height, width int, pixels []float32, err error) {
	all, err := survey.OpenImages(path)
	if err != nil {
		return 0, 0, 0, nil, err
	}
	if all.Len() != 1 {
		return 0, 0, 0, nil, fmt.Errorf("%s: holds %d images, want the one that is the field; --images scores many", path, all.Len())
	}
	bands, height, width = all.Shape()
	pixels = make([]float32, bands*height*width)
	return bands, height, width, pixels, all.Read(0, pixels)
}

// writeCandidates writes the places of candidates, in pixels from the middle of
// the first one, rows and columns as in the file.
func writeCandidates(w io.Writer, found []tile.Candidate) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"column", "row", "probability", "logit"}}
	for _, f := range found {
		place := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
		rows = append(rows, []string{place(f.Column), place(f.Row), short(metric.Probability(f.Logit)), exact(f.Logit)})
	}
	return c.WriteAll(rows)
}
