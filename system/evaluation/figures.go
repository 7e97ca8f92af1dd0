package evaluation

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"lensbench/system/metric"
)

// A drawing is a figure of the page.
type drawing struct{ Title, Caption, SVG string }

// drawings are all figures for which there are numbers.
func (d *Document) drawings() []drawing {
	first := d.Classifiers[0]
	others := float64(d.Data.Images - d.Data.Lenses)
	out := []drawing{
		{"ROC", "Dots: thresholds chosen beforehand, as they turned out. Dashed grey: chance.", d.roc(false)},
		{"ROC at low false-positive rates", fmt.Sprintf("The same, on a logarithmic axis that begins at one false positive in %s.", grouped(int64(others))), d.roc(true)},
		{"Precision and recall", "At the share of lenses among these images; dashed grey. In a survey it is one in thousands: see purity.", d.precisionRecall()},
		{"Reliability of " + first.Name, "Above: share of lenses in bins of probability, with Wilson's intervals. On the dashed line probabilities mean what they say. Below: images in each bin.", reliability(first)},
		{"Scores of " + first.Name, scoreCaption(first), scores(first)},
	}
	if first.Kinds != nil {
		out = append(out, drawing{"Scores by kind", "Thick: the middle half. Thin: 5 to 95 %. Dot: median.", kindScores(first)})
	}
	point := first.Points[0]
	if point.Kinds != nil {
		out = append(out, drawing{"False positives by kind", "Share of each kind that passes, with 95 % intervals. No dot: none of the kind passed, and its share is below the end of the line.", kindRates(first)})
	}
	if point.ThetaE != nil {
		out = append(out, drawing{"Completeness by Einstein radius", completenessCaption(first), completeness(first, "Einstein radius θ_E (arcsec)", false,
			func(p Point) []metric.Range { return p.ThetaE })})
	}
	if point.FluxRatio != nil {
		name := "flux ratio" // short: on a logarithmic axis gonum/plot makes room for a name as if it stood further right
		if d.Data.FluxBand != "" {
			name += " in " + d.Data.FluxBand
		}
		out = append(out, drawing{"Completeness by flux ratio", completenessCaption(first) + " The flux ratio is that of the arc to the galaxy in front of it.",
			completeness(first, name, true,
				func(p Point) []metric.Range { return p.FluxRatio })})
	}
	return out
}

func (d *Document) roc(logarithmic bool) string {
	p := newPlot("false-positive rate", "true-positive rate")
	unitAxis(&p.X)
	unitAxis(&p.Y)
	least := 1 / float64(d.Data.Images-d.Data.Lenses)
	if logarithmic {
		logAxis(&p.X, min(least, 0.1), 1)
	}
	var chance plotter.XYs
	for k := range 101 {
		x := math.Pow(10, math.Log10(least)*(1-float64(k)/100))
		chance = append(chance, plotter.XY{X: x, Y: x})
	}
	guide(p, chance...)
	for k, c := range d.Classifiers {
		var points plotter.XYs
		for i, corner := range c.Curve {
			// A step: its height holds from the point's FPR on.
			if logarithmic && i+1 < len(c.Curve) && c.Curve[i+1].FPR < least {
				continue
			}
			x := corner.FPR
			if logarithmic {
				x = max(x, least)
			}
			points = append(points, plotter.XY{X: x, Y: corner.TPR})
		}
		line(p, k, c.Name, points)
		var at []mark
		for _, point := range c.Points {
			x := point.FPR.Value
			if logarithmic {
				x = max(x, least)
			}
			at = append(at, mark{x, point.TPR.Value, point.TPR.Low, point.TPR.High})
		}
		marks(p, k, at)
	}
	if logarithmic {
		p.Legend.Top, p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs = true, true, 6, -4
	}
	return svg([]*plot.Plot{p})
}

func (d *Document) precisionRecall() string {
	p := newPlot("recall", "precision")
	unitAxis(&p.X)
	unitAxis(&p.Y)
	base := float64(d.Data.Lenses) / float64(d.Data.Images)
	guide(p, plotter.XY{X: 0, Y: base}, plotter.XY{X: 1, Y: base})
	for k, c := range d.Classifiers {
		var points plotter.XYs
		for _, corner := range c.Curve {
			if corner.Precision != nil {
				points = append(points, plotter.XY{X: corner.TPR, Y: *corner.Precision})
			}
		}
		line(p, k, c.Name, points)
	}
	p.Legend.Left, p.Legend.XOffs = true, 6
	return svg([]*plot.Plot{p})
}

func reliability(c Result) string {
	top, bottom := newPlot("", "share of lenses"), newPlot("probability", "images")
	unitAxis(&top.X)
	unitAxis(&top.Y)
	unitAxis(&bottom.X)
	guide(top, plotter.XY{}, plotter.XY{X: 1, Y: 1})
	var list []mark
	most := 1.
	for _, b := range c.Reliability {
		if b.Images > 0 {
			list = append(list, mark{b.Probability.Value, b.Share.Value, b.Share.Low, b.Share.High})
		}
		most = max(most, float64(b.Images))
	}
	var path plotter.XYs
	for _, m := range list {
		path = append(path, plotter.XY{X: m.x, Y: m.y})
	}
	line(top, 0, "", path)
	marks(top, 0, list)
	edges, counts := []float64{0}, []int64{}
	for _, b := range c.Reliability {
		edges, counts = append(edges, b.High), append(counts, b.Images)
	}
	bars(bottom, 0, "", edges, counts)
	logAxis(&bottom.Y, 0.7, most*1.6)
	return svg([]*plot.Plot{top, bottom}, 0.66, 0.34)
}

// bars adds the outline of a histogram, filled faintly. The axis is logarithmic
// from 0.7, where nothing is.
func bars(p *plot.Plot, k int, name string, edges []float64, counts []int64) {
	var outline plotter.XYs
	for i, n := range counts {
		y := max(float64(n), 0.7)
		outline = append(outline, plotter.XY{X: edges[i], Y: y}, plotter.XY{X: edges[i+1], Y: y})
	}
	floor := slices.Concat(plotter.XYs{{X: edges[0], Y: 0.7}}, outline, plotter.XYs{{X: edges[len(edges)-1], Y: 0.7}})
	fill, err := plotter.NewPolygon(floor)
	if err == nil {
		fill.Color = faded(colourOf(k))
		fill.LineStyle.Width = 0
		p.Add(fill)
	}
	line(p, k, name, outline)
}

func scoreCaption(c Result) string {
	if c.Scores == Logits {
		return "Calibrated logits; 0 is probability ½. Scores beyond the axis are in the outer bins."
	}
	return "Probabilities that an image is a lens."
}

func scores(c Result) string {
	p := newPlot(c.Scores.one(), "images")
	h := c.Histogram
	bars(p, 0, "lenses", h.Edges, h.Lenses)
	bars(p, 1, "others", h.Edges, h.Others)
	most := max(slices.Max(h.Lenses), slices.Max(h.Others))
	logAxis(&p.Y, 0.7, float64(most)*4) // room for the legend
	roundAxis(&p.X, h.Edges[0], h.Edges[len(h.Edges)-1])
	p.Legend.Top, p.Legend.YOffs = true, -4
	return svg([]*plot.Plot{p})
}

// names are the ticks of an axis of kinds, the first on top.
func names(a *plot.Axis, kinds []string) {
	var ticks plot.ConstantTicks
	for k, name := range kinds {
		ticks = append(ticks, plot.Tick{Value: -float64(k), Label: name})
	}
	a.Tick.Marker, a.Min, a.Max = ticks, -float64(len(kinds))+0.5, 0.5
	a.Tick.Length = 0
}

func kindScores(c Result) string {
	p := newPlot(c.Scores.one(), "")
	var kinds []string
	for k, kind := range c.Kinds {
		kinds = append(kinds, kind.Kind)
		hue, y, q := 1, -float64(k), kind.Quantiles
		if kind.Label == 1 {
			hue = 0
		}
		p.Add(&plotter.Line{XYs: plotter.XYs{{X: q[0], Y: y}, {X: q[4], Y: y}}, LineStyle: draw.LineStyle{Color: colourOf(hue), Width: 1}},
			&plotter.Line{XYs: plotter.XYs{{X: q[1], Y: y}, {X: q[3], Y: y}}, LineStyle: draw.LineStyle{Color: colourOf(hue), Width: 6}},
			&plotter.Scatter{XYs: plotter.XYs{{X: q[2], Y: y}}, GlyphStyle: draw.GlyphStyle{Color: faint, Radius: 2.4, Shape: draw.CircleGlyph{}}})
	}
	names(&p.Y, kinds)
	roundAxis(&p.X, p.X.Min, p.X.Max)
	return svg([]*plot.Plot{p})
}

func kindRates(c Result) string {
	p := newPlot("false-positive rate", "")
	var kinds []string
	for _, k := range c.Points[0].Kinds {
		kinds = append(kinds, k.Kind)
	}
	least := 1.
	for i, point := range shown(c) {
		style := draw.LineStyle{Color: colourOf(i), Width: 1.1}
		var at plotter.XYs
		for k, passed := range point.Kinds {
			y := -float64(k) - 0.22*(float64(i)-1)
			low := max(passed.Share.Low, 1e-5)
			least = min(least, max(passed.Share.Value/2, passed.Share.High/10))
			p.Add(&plotter.Line{XYs: plotter.XYs{{X: low, Y: y}, {X: passed.Share.High, Y: y}}, LineStyle: style})
			if passed.Passed > 0 {
				at = append(at, plotter.XY{X: passed.Share.Value, Y: y})
			}
		}
		dot := &plotter.Scatter{XYs: at, GlyphStyle: draw.GlyphStyle{Color: colourOf(i), Radius: 2.6, Shape: draw.CircleGlyph{}}}
		p.Add(dot)
		p.Legend.Add("for FPR "+rate(point.Rate), dot)
	}
	names(&p.Y, kinds)
	p.Y.Min -= 1.1 // room for the legend
	logAxis(&p.X, least, 1)
	p.Legend.Left, p.Legend.XOffs = true, 6
	return svg([]*plot.Plot{p})
}

// shown are the points of which completeness and kinds are drawn: all but FPR = 0,
// which hangs on a single image.
func shown(c Result) []Point {
	return slices.DeleteFunc(slices.Clone(c.Points), func(p Point) bool { return p.Rate == 0 })
}

func completenessCaption(c Result) string {
	return fmt.Sprintf("Share of lenses that %s finds, at thresholds chosen for three false-positive rates, with Wilson's intervals.", c.Name)
}

func completeness(c Result, name string, logarithmic bool, of func(Point) []metric.Range) string {
	p := newPlot(name, "completeness")
	unitAxis(&p.Y)
	ranges := of(c.Points[0])
	low, high := ranges[0].Low, ranges[len(ranges)-1].High
	roundAxis(&p.X, low, high)
	if logarithmic {
		logAxis(&p.X, low, high)
	}
	for i, point := range shown(c) {
		var list []mark
		var path plotter.XYs
		for _, r := range of(point) {
			if r.Images == 0 {
				continue
			}
			// Beside each other, so that bars do not hide bars.
			at := 0.5 + 0.12*(float64(i)-1)
			x := r.Low + at*(r.High-r.Low)
			if logarithmic {
				x = r.Low * math.Pow(r.High/r.Low, at)
			}
			list = append(list, mark{x, r.Share.Value, r.Share.Low, r.Share.High})
			path = append(path, plotter.XY{X: x, Y: r.Share.Value})
		}
		line(p, i, "FPR "+rate(point.Rate), path)
		marks(p, i, list)
	}
	p.Y.Max = 1.25 // room for the legend
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs = true, true, 6, -4
	return svg([]*plot.Plot{p})
}
