package main

import (
	"encoding/csv"
	"io"
	"math"
	"path/filepath"
	"strconv"

	"lensbench/system/atomic"
	"lensbench/system/fusion"
	"lensbench/system/metric"
	"lensbench/system/npy"
	"lensbench/system/survey"
)

// predictedScores are what networks say of images.
type predictedScores struct {
	images          survey.Images
	names           []string // of the networks
	members         []fusion.Member
	logit, variance []float64 // of all networks together; variance may be NaN: not known
}

// write writes the scores to a file of the kind that its name says, or to stdout.
func (s *predictedScores) write(path string, stdout io.Writer) error {
	if path == "" || path == "-" {
		return s.writeCSV(stdout)
	}
	if filepath.Ext(path) == ".npy" {
		return atomic.WriteFile(path, s.writeNumPy)
	}
	return atomic.WriteFile(path, s.writeCSV)
}

func (s *predictedScores) writeNumPy(w io.Writer) error {
	values := make([]float32, len(s.logit))
	for i, z := range s.logit {
		values[i] = float32(z)
	}
	return npy.Write(w, []int{len(values)}, values)
}

// writeCSV writes a line for each image. Labels that are known come along, so
// that lens evaluate --scores reads the file.
func (s *predictedScores) writeCSV(w io.Writer) error {
	known := len(s.logit) > 0 && !math.IsNaN(s.variance[0])
	labelled := false
	for i := range s.images.Len() {
		labelled = labelled || s.images.Label(i) != survey.Unlabelled
	}
	c := csv.NewWriter(w)
	head := []string{"name", "probability", "logit"}
	if known {
		head = append(head, "standard_deviation")
	}
	if labelled {
		head = append(head, "label")
	}
	if len(s.members) > 1 {
		for _, m := range s.members {
			head = append(head, "logit of "+m.Name)
		}
	}
	if err := c.Write(head); err != nil {
		return err
	}
	for i, z := range s.logit {
		row := []string{s.images.Name(i), short(metric.Probability(z)), exact(z)}
		if known {
			row = append(row, short(math.Sqrt(s.variance[i])))
		}
		if labelled {
			row = append(row, labelText(s.images.Label(i)))
		}
		if len(s.members) > 1 {
			for _, m := range s.members {
				row = append(row, exact(m.Logit[i]))
			}
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func labelText(label int) string {
	if label == survey.Unlabelled {
		return ""
	}
	return strconv.Itoa(label)
}

// exact is a number that reads back as the same float32.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', 9, 64) }

// short is a number for people.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
