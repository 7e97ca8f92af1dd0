package evaluation

import (
	"bytes"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Size of a figure.
const (
	figureWidth  = 400 * vg.Length(1)
	figureHeight = 285 * vg.Length(1)
)

// Colours of Okabe & Ito, which are told apart with any kind of colour vision;
// lines have different dashes as well.
var (
	colours = []color.Color{
		color.NRGBA{0x00, 0x72, 0xB2, 255}, // blue
		color.NRGBA{0xD5, 0x5E, 0x00, 255}, // vermilion
		color.NRGBA{0x00, 0x9E, 0x73, 255}, // green
		color.NRGBA{0xCC, 0x79, 0xA7, 255}, // purple
		color.NRGBA{0xE6, 0x9F, 0x00, 255}, // orange
	}
	dashes = [][]vg.Length{nil, {5, 2.5}, {1.5, 2}, {7, 2, 1.5, 2}, {3, 3}}
	ink    = color.NRGBA{0x33, 0x33, 0x33, 255}
	faint  = color.NRGBA{0xE3, 0xE3, 0xE3, 255}
	grey   = color.NRGBA{0x8A, 0x8A, 0x8A, 255}
)

func colourOf(k int) color.Color { return colours[k%len(colours)] }

// faded is a colour with which areas are filled.
func faded(c color.Color) color.Color {
	solid := color.NRGBAModel.Convert(c).(color.NRGBA)
	solid.A = 0x30
	return solid
}

// newPlot returns an empty figure in the common style.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.TextHandler = text.Plain{Fonts: font.DefaultCache}
	sans := func(size vg.Length) font.Font { return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size} }
	p.BackgroundColor = color.White
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = sans(11)
		axis.Label.TextStyle.Color = ink
		axis.Tick.Label.Font = sans(10)
		axis.Tick.Label.Color = ink
		axis.LineStyle = draw.LineStyle{Color: ink, Width: 0.7}
		axis.Tick.LineStyle = draw.LineStyle{Color: ink, Width: 0.7}
		axis.Tick.Length = 4
		axis.Padding = 0
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Label.Padding, p.Y.Label.Padding = 3, 5
	p.Legend.TextStyle.Font = sans(10)
	p.Legend.TextStyle.Color = ink
	p.Legend.ThumbnailWidth = 22
	p.Legend.Padding = 3
	p.Legend.XOffs, p.Legend.YOffs = -6, 4
	grid := plotter.NewGrid()
	grid.Horizontal = draw.LineStyle{Color: faint, Width: 0.6}
	grid.Vertical = draw.LineStyle{Color: faint, Width: 0.6}
	p.Add(grid)
	return p
}

// unitAxis is an axis from 0 to 1.
func unitAxis(a *plot.Axis) {
	a.Min, a.Max = 0, 1
	a.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 0.2, Label: "0.2"}, {Value: 0.4, Label: "0.4"},
		{Value: 0.6, Label: "0.6"}, {Value: 0.8, Label: "0.8"}, {Value: 1, Label: "1"}}
}

// roundAxis is an axis with names at multiples of a round step.
func roundAxis(a *plot.Axis, low, high float64) {
	a.Min, a.Max = low, high
	var ticks plot.ConstantTicks
	for _, v := range evenEdges(low, high) {
		if v >= low && v <= high {
			ticks = append(ticks, plot.Tick{Value: v, Label: bound(v)})
		}
	}
	a.Tick.Marker = ticks
}

// logAxis is a logarithmic axis, with a name at each power of ten.
func logAxis(a *plot.Axis, low, high float64) {
	a.Min, a.Max, a.Scale = low, high, plot.LogScale{}
	var ticks plot.ConstantTicks
	for k := math.Floor(math.Log10(low)); math.Pow(10, k) <= high*1.0001; k++ {
		for m := 1.; m < 10; m++ {
			v := m * math.Pow(10, k)
			if v < low*0.9999 || v > high*1.0001 {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 {
				t.Label = power(v, int(k))
			}
			ticks = append(ticks, t)
		}
	}
	a.Tick.Marker = ticks
}

// power names 10ᵏ.
func power(v float64, k int) string {
	switch {
	case k >= -3 && k < 0:
		return bound(v)
	case k >= 0 && k < 6:
		return grouped(int64(math.Round(v)))
	}
	return "10" + strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷",
		"8", "⁸", "9", "⁹").Replace(strconv.Itoa(k))
}

// line adds a line, of the k-th colour and dash, with a legend unless name is "".
func line(p *plot.Plot, k int, name string, points plotter.XYs) {
	if len(points) == 0 {
		return
	}
	l := &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: colourOf(k), Width: 1.6, Dashes: dashes[k%len(dashes)]}}
	p.Add(l)
	if name != "" {
		p.Legend.Add(name, l)
	}
}

// guide adds a thin grey line.
func guide(p *plot.Plot, points ...plotter.XY) {
	p.Add(&plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: grey, Width: 0.8, Dashes: []vg.Length{3, 3}}})
}

// A mark is a point with error bars.
type mark struct{ x, y, low, high float64 }

// marks adds points with vertical bars.
func marks(p *plot.Plot, k int, list []mark) {
	style := draw.LineStyle{Color: colourOf(k), Width: 1.1}
	var at plotter.XYs
	for _, m := range list {
		p.Add(&plotter.Line{XYs: plotter.XYs{{X: m.x, Y: m.low}, {X: m.x, Y: m.high}}, LineStyle: style})
		at = append(at, plotter.XY{X: m.x, Y: m.y})
	}
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.TriangleGlyph{}, draw.PyramidGlyph{}}
	p.Add(&plotter.Scatter{XYs: at, GlyphStyle: draw.GlyphStyle{Color: colourOf(k), Radius: 2.6, Shape: shapes[k%len(shapes)]}})
}

// svg draws plots above each other, which share their x axis's place; heights are
// shares of the figure.
func svg(plots []*plot.Plot, heights ...float64) string {
	c := vgsvg.New(figureWidth, figureHeight)
	whole := draw.New(c)
	var rows [][]*plot.Plot
	for _, p := range plots {
		rows = append(rows, []*plot.Plot{p})
	}
	if len(plots) == 1 {
		plots[0].Draw(draw.Crop(whole, 2, -8, 2, -6))
	} else {
		aligned := plot.Align(rows, draw.Tiles{Rows: len(plots), Cols: 1, PadRight: 8, PadLeft: 2, PadTop: 6, PadBottom: 2}, whole)
		top := figureHeight - 6
		for k, p := range plots {
			part := aligned[k][0]
			part.Max.Y = top
			top -= vg.Length(heights[k]) * (figureHeight - 8)
			part.Min.Y = top
			p.Draw(part)
		}
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "" // a buffer does not fail
	}
	return inline(b.String())
}

// inline makes an SVG document a part of a page: without its prologue, as wide as
// there is room, and with fonts that a browser has.
func inline(s string) string {
	if i := strings.Index(s, "<svg"); i > 0 {
		s = s[i:]
	}
	end := strings.Index(s, ">")
	head := strings.Join(strings.Fields(s[:end]), " ")
	if i, j := strings.Index(head, "width="), strings.Index(head, "viewBox="); i > 0 && j > i {
		head = head[:i] + head[j:]
	}
	return head + strings.ReplaceAll(s[end:], "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
}
