package evaluation

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// A page is what page.html shows.
type page struct {
	Title       string
	Sentences   []string
	Cards       []card
	Classifiers []string
	Rows        []row
	Thresholds  string
	AboutPoints string
	Points      []pointTable
	Drawings    []inlined
	Mistakes    []sheet
	Provenance  []fact
}

// A card is one of the numbers that matter most.
type card struct {
	Name  string
	Value figure
	Note  string
}

type pointTable struct {
	Name string
	Head []string
	Rows [][]figure
}

type inlined struct {
	drawing
	Image template.HTML
}

// A sheet is mistakes of one kind.
type sheet struct {
	Title string
	Shown []shownMistake
}

type shownMistake struct {
	Name, Probability, What string
	Source                  template.URL // of the picture; "": none
}

type fact struct{ Name, Text string }

// WriteHTML writes the document as a page of one file that needs nothing else.
func (d *Document) WriteHTML(w io.Writer) error {
	sentences := d.sentences()
	p := page{Title: d.title(), Sentences: sentences, Cards: d.cards(), Rows: d.rows(), Thresholds: d.thresholds(),
		AboutPoints: d.aboutPoints(), Mistakes: d.sheets(), Provenance: d.provenance()}
	for _, c := range d.Classifiers {
		p.Classifiers = append(p.Classifiers, c.Name)
		p.Points = append(p.Points, pointsOf(c))
	}
	for _, g := range d.drawings() {
		// Made by this package, from numbers and escaped text.
		p.Drawings = append(p.Drawings, inlined{g, template.HTML(g.SVG)})
	}
	return pageTemplate.Execute(w, p)
}

// cards are the first classifier's numbers, beside them the others' AUROC.
func (d *Document) cards() []card {
	first := d.Classifiers[0]
	var out []card
	for _, c := range d.Classifiers {
		out = append(out, card{"AUROC of " + c.Name, plain(c.AUROC), ""})
	}
	for _, p := range first.Points {
		if p.Rate == 0.001 {
			out = append(out, card{"completeness", percent(p.TPR), "at a threshold for FPR " + rate(p.Rate)})
			for _, v := range p.Purity {
				out = append(out, card{"purity at " + oneIn(v.Prevalence), purityOf(v, p.Counts), "at the same threshold"})
			}
		}
	}
	return append(out, card{"calibration error", plain(first.ECE), "by chance alone " + plain(first.Calibrated).Main})
}

func pointsOf(c Result) pointTable {
	t := pointTable{Name: c.Name, Head: []string{"for FPR", "threshold", "TPR", "FPR", "own TPR"}}
	for _, p := range Prevalences {
		t.Head = append(t.Head, "purity at "+oneIn(p))
	}
	for _, p := range c.Points {
		row := []figure{{Main: rate(p.Rate)}, {Main: bound(p.Threshold)}, percent(p.TPR), percent(p.FPR), percent(p.Own)}
		for _, v := range p.Purity {
			row = append(row, purityOf(v, p.Counts))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// sheets are false positives and missed lenses, the most confident first.
func (d *Document) sheets() []sheet {
	name := d.Classifiers[0].Name
	out := []sheet{{Title: "Most confident mistakes of " + name + ": no lens, taken for one"},
		{Title: "Most confident mistakes of " + name + ": lenses, not found"}}
	for _, m := range d.Mistakes {
		s := shownMistake{Name: m.Name, Probability: probability(m.Probability), What: m.what(d.Data.FluxBand)}
		if m.Picture != nil {
			s.Source = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(m.Picture))
		}
		out[m.Label].Shown = append(out[m.Label].Shown, s)
	}
	return out
}

// what is known of a mistake: ring, or lens of θ_E 1.2″ and flux ratio 0.31.
func (m Mistake) what(band string) string {
	parts := []string{}
	if m.Kind != "" {
		parts = append(parts, m.Kind)
	}
	if m.ThetaE > 0 {
		parts = append(parts, "θ_E "+strconv.FormatFloat(m.ThetaE, 'f', 2, 64)+"″")
	}
	if m.FluxRatio > 0 {
		parts = append(parts, strings.TrimSpace("flux ratio "+strconv.FormatFloat(m.FluxRatio, 'g', 2, 64)+" "+band))
	}
	return strings.Join(parts, ", ")
}

// probability prints p with three decimals, or as many as distinguish it from 0 and 1.
func probability(p float64) string {
	far := min(p, 1-p)
	if far <= 0 || far >= 0.001 {
		return strconv.FormatFloat(p, 'f', 3, 64)
	}
	return strconv.FormatFloat(p, 'f', min(int(math.Ceil(-math.Log10(far))), 9), 64)
}

// provenance is what would repeat the evaluation.
func (d *Document) provenance() []fact {
	var out []fact
	add := func(name, format string, args ...any) { out = append(out, fact{name, fmt.Sprintf(format, args...)}) }
	if n := d.Network; n != nil {
		add("Network", "%s (%s), trained on %s", n.Name, n.Model, orElse(n.Survey, "images of no known survey"))
		add("SHA-256 of the weights", "%s", n.SHA256)
	}
	add("Data", "%s", d.Data.Path)
	if d.Data.SHA256 != "" {
		add("SHA-256 of the data", "%s", d.Data.SHA256)
	}
	if d.Data.Generator != "" {
		add("Simulated by", "%s, survey %s", d.Data.Generator, d.Data.Survey)
	}
	add("Intervals", "bootstrap percentiles of %s replicates, lenses and others drawn separately, seed %d; false-positive rates, and shares of 0 or 1: Clopper and Pearson; "+
		"purity: from Clopper and Pearson's bounds of TPR and FPR; curves by range: Wilson", grouped(int64(d.Bootstrap.Replicates)), d.Bootstrap.Seed)
	add("Definitions", "an image passes a threshold if its score is at least that; AUROC counts ties as half; AUPRC is average precision; "+
		"ECE and MCE have 15 bins of equal width; NLL clips probabilities to 2⁻⁵²")
	return out
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
