package footprint

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"lensbench/torch"
)

// Size of a figure.
const (
	figureWidth  = 640 * vg.Length(1)
	figureHeight = 330 * vg.Length(1)
	dotsPerInch  = 144
)

// Colours of Okabe & Ito, which are told apart with any kind of colour vision.
var (
	colours = map[torch.Category]color.Color{
		torch.Weights:     color.NRGBA{0x00, 0x72, 0xB2, 255}, // blue
		torch.Optimiser:   color.NRGBA{0x56, 0xB4, 0xE9, 255}, // sky blue
		torch.Other:       color.NRGBA{0x99, 0x99, 0x99, 255}, // grey
		torch.Gradients:   color.NRGBA{0xD5, 0x5E, 0x00, 255}, // vermilion
		torch.Activations: color.NRGBA{0xE6, 0x9F, 0x00, 255}, // orange
	}
	ink   = color.NRGBA{0x33, 0x33, 0x33, 255}
	faint = color.NRGBA{0xE3, 0xE3, 0xE3, 255}
)

// layers are the areas from below: what stays is below what comes and goes.
var layers = []torch.Category{torch.Weights, torch.Optimiser, torch.Other, torch.Gradients, torch.Activations}

// FileKinds are the kinds of files that Timeline writes, by the ends of names.
var FileKinds = []string{".svg", ".png"}

// Timeline draws the bytes of each category over the time of all steps, as the
// kind of file that the name ends in, and returns what writes it.
func (f *Footprint) Timeline(name string) (io.WriterTo, error) {
	if n := len(f.Trace.Events); n < 2 || f.Trace.Events[n-1].Seconds == f.Trace.Events[0].Seconds {
		return nil, fmt.Errorf("%s: no trace to draw", name)
	}
	p := f.plot()
	switch strings.ToLower(filepath.Ext(name)) {
	case ".svg":
		c := vgsvg.New(figureWidth, figureHeight)
		f.draw(p, draw.New(c))
		return c, nil
	case ".png":
		c := vgimg.NewWith(vgimg.UseWH(figureWidth, figureHeight), vgimg.UseDPI(dotsPerInch))
		f.draw(p, draw.New(c))
		return vgimg.PngCanvas{Canvas: c}, nil
	}
	return nil, fmt.Errorf("%s: a figure is one of %s", name, strings.Join(FileKinds, ", "))
}

// legendWidth is the room for the legend, beside the areas that it would cover.
const legendWidth = 96 * vg.Length(1)

func (f *Footprint) draw(p *plot.Plot, c draw.Canvas) {
	p.Legend.XOffs = legendWidth - 4
	p.Draw(draw.Crop(c, 4, -legendWidth, 4, -4))
}

func (f *Footprint) plot() *plot.Plot {
	p := styled()
	p.Title.Text = f.title()
	p.X.Label.Text, p.Y.Label.Text = "time of training, ms", "tensors, MiB"
	times, heights := f.curves()
	for i := len(layers) - 1; i >= 0; i-- { // the top first: its name is then first in the legend
		area := &plotter.Polygon{XYs: []plotter.XYs{outline(times, heights[i], heights[i+1])}, Color: colours[layers[i]]}
		p.Add(area)
		p.Legend.Add(layers[i].String(), area)
	}
	top := peakOf(heights[len(layers)])
	for _, at := range f.steps() {
		p.Add(&plotter.Line{XYs: plotter.XYs{{X: at, Y: 0}, {X: at, Y: 1.05 * top}},
			LineStyle: draw.LineStyle{Color: ink, Width: 0.7, Dashes: []vg.Length{3, 3}}})
	}
	evenTicks(&p.X, times[len(times)-1])
	evenTicks(&p.Y, 1.05*top)
	return p
}

func (f *Footprint) title() string {
	s := f.Settings
	title := fmt.Sprintf("%s, batch %d, %d×%d pixels, %d bands; dashed: a step begins", s.Model, s.Batch, s.Pixels, s.Pixels, s.Bands)
	if f.Trace.Dropped > 0 {
		title += fmt.Sprintf("; %d events at the end are missing", f.Trace.Dropped)
	}
	return title
}

// curves are times in ms and for each the height, in MiB, of the lower edge of each
// layer, and of the top.
func (f *Footprint) curves() (times []float64, heights [][]float64) {
	heights = make([][]float64, len(layers)+1)
	for _, e := range thinned(f.Trace.Events) {
		times = append(times, f.milliseconds(e))
		sum := 0.0
		heights[0] = append(heights[0], 0)
		for i, c := range layers {
			sum += float64(e.Bytes[c]) / mebibyte
			heights[i+1] = append(heights[i+1], sum)
		}
	}
	return times, heights
}

// thinned leaves out what is too narrow to see: of the events of a quarter of a
// point of the figure's width, the one with the most bytes and the last are kept.
func thinned(events []torch.MemoryEvent) (out []torch.MemoryEvent) {
	const slots = 4 * float64(figureWidth)
	first, last := events[0].Seconds, events[len(events)-1].Seconds
	slot := func(e torch.MemoryEvent) int { return int(slots * (e.Seconds - first) / (last - first)) }
	for begin := 0; begin < len(events); {
		end, top := begin+1, begin
		for ; end < len(events) && slot(events[end]) == slot(events[begin]); end++ {
			if events[end].Bytes.Total() > events[top].Bytes.Total() {
				top = end
			}
		}
		out = append(out, events[top])
		if top < end-1 {
			out = append(out, events[end-1])
		}
		begin = end
	}
	return out
}

func (f *Footprint) milliseconds(e torch.MemoryEvent) float64 {
	return 1000 * (e.Seconds - f.Trace.Events[0].Seconds)
}

// steps are when forward passes begin, in ms.
func (f *Footprint) steps() (at []float64) {
	for i, e := range f.Trace.Events[1:] {
		if e.Phase == torch.PhaseForward && f.Trace.Events[i].Phase != torch.PhaseForward {
			at = append(at, f.milliseconds(e))
		}
	}
	return at
}

// outline goes along the top to the right and along the bottom back. Bytes stay as
// they are until the next event: edges are steps.
func outline(times, low, high []float64) plotter.XYs {
	points := stairs(times, high)
	back := stairs(times, low)
	for i := len(back) - 1; i >= 0; i-- {
		points = append(points, back[i])
	}
	return points
}

func stairs(times, heights []float64) (points plotter.XYs) {
	for i, t := range times {
		if i > 0 && heights[i] == heights[i-1] && i < len(times)-1 {
			continue
		}
		if i > 0 {
			points = append(points, plotter.XY{X: t, Y: points[len(points)-1].Y})
		}
		points = append(points, plotter.XY{X: t, Y: heights[i]})
	}
	return points
}

func peakOf(heights []float64) (top float64) {
	for _, h := range heights {
		top = max(top, h)
	}
	return top
}

// evenTicks is an axis from 0 with names at multiples of a round step.
func evenTicks(a *plot.Axis, high float64) {
	step := math.Pow(10, math.Floor(math.Log10(high/4)))
	for _, k := range []float64{5, 2} {
		if high/(k*step) >= 4 {
			step *= k
			break
		}
	}
	a.Min, a.Max = 0, high
	var ticks plot.ConstantTicks
	for i := 0; float64(i)*step <= high; i++ {
		v := float64(i) * step
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', max(0, -int(math.Floor(math.Log10(step)))), 64)})
	}
	a.Tick.Marker = ticks
}

// styled is an empty figure.
func styled() *plot.Plot {
	p := plot.New()
	p.TextHandler = text.Plain{Fonts: font.DefaultCache}
	sans := func(size vg.Length) font.Font { return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size} }
	p.BackgroundColor = color.White
	p.Title.TextStyle.Font, p.Title.TextStyle.Color, p.Title.Padding = sans(11), ink, 6
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font, axis.Label.TextStyle.Color = sans(11), ink
		axis.Tick.Label.Font, axis.Tick.Label.Color = sans(10), ink
		axis.LineStyle = draw.LineStyle{Color: ink, Width: 0.7}
		axis.Tick.LineStyle = draw.LineStyle{Color: ink, Width: 0.7}
		axis.Padding = 0
	}
	p.Legend.TextStyle.Font, p.Legend.TextStyle.Color = sans(10), ink
	p.Legend.Top, p.Legend.ThumbnailWidth, p.Legend.Padding = true, 16, 3
	grid := plotter.NewGrid()
	grid.Horizontal = draw.LineStyle{Color: faint, Width: 0.6}
	grid.Vertical = draw.LineStyle{Color: faint, Width: 0.6}
	p.Add(grid)
	return p
}
