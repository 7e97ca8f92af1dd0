package history

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"
)

// Size of a figure, in pixels, and its margins.
const (
	figureWidth  = 720
	figureHeight = 260
	marginLeft   = 64
	marginRight  = 16
	marginTop    = 34
	marginBottom = 30
)

// WriteSVG draws a track: a point with its 99 % interval for every night, the
// level between change points, and a line at each change, dashed if it is
// acknowledged. The file needs nothing beside it.
func (t Track) WriteSVG(w io.Writer) error {
	var b strings.Builder
	f := newFrame(t)
	p := t.Points[0]
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		figureWidth, figureHeight, figureWidth, figureHeight)
	title := fmt.Sprintf("%s: %s of %s ÷ %s", p.Name, p.Metric, p.Arm, p.Anchor)
	fmt.Fprintf(&b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"%d\" y=\"18\" font-size=\"13\">%s</text>\n", html.EscapeString(title), marginLeft, html.EscapeString(title))
	f.axes(&b)
	for i, q := range t.Points {
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#9ab"/>`+"\n", f.x(i), f.x(i), f.y(q.Low), f.y(q.High))
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="#246"><title>%s: %.4f [%.4f, %.4f]</title></circle>`+"\n",
			f.x(i), f.y(q.Ratio), q.Night.Format(time.DateOnly), q.Ratio, q.Low, q.High)
	}
	t.levels(&b, f)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// levels draws the medians between changes, and the changes.
func (t Track) levels(b *strings.Builder, f frame) {
	from := 0
	for i, c := range t.Changes {
		at := t.index(c.Point)
		f.level(b, from, at-1, c.Before)
		dash, label := "", "changed"
		if c.Why != "" {
			dash, label = ` stroke-dasharray="4 3"`, c.Why
		}
		x := (f.x(at-1) + f.x(at)) / 2
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#b30"%s/>`+"\n", x, x, marginTop, figureHeight-marginBottom, dash)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="#b30">%s: %s</text>`+"\n", x+4, marginTop+10+12*(i%3), html.EscapeString(label), percentage(c.After/c.Before))
		from = at
		if i == len(t.Changes)-1 {
			f.level(b, from, len(t.Points)-1, c.After)
		}
	}
}

func (t Track) index(p Point) int {
	for i, q := range t.Points {
		if q.Run == p.Run {
			return i
		}
	}
	return 0
}

// percentage is +2.0 % for a ratio of 1.02.
func percentage(ratio float64) string { return fmt.Sprintf("%+.1f %%", 100*(ratio-1)) }

// A frame maps nights and ratios to pixels.
type frame struct {
	points    []Point
	low, high float64 // ratios at the bottom and the top
}

func newFrame(t Track) frame {
	f := frame{points: t.Points, low: math.Inf(1), high: math.Inf(-1)}
	for _, p := range t.Points {
		f.low, f.high = min(f.low, p.Low), max(f.high, p.High)
	}
	pad := max(0.05*(f.high-f.low), 1e-4*f.high)
	f.low, f.high = f.low-pad, f.high+pad
	return f
}

func (f frame) x(i int) float64 {
	const wide = figureWidth - marginLeft - marginRight
	return marginLeft + wide*(float64(i)+0.5)/float64(len(f.points))
}

func (f frame) y(ratio float64) float64 {
	const tall = figureHeight - marginTop - marginBottom
	return marginTop + tall*(f.high-ratio)/(f.high-f.low)
}

// axes are three ratios and the first and last night.
func (f frame) axes(b *strings.Builder) {
	decimals := max(2, int(math.Ceil(-math.Log10(f.high-f.low)))+1)
	for _, part := range []float64{0.1, 0.5, 0.9} {
		v := f.low + part*(f.high-f.low)
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.*f</text>`+"\n",
			marginLeft, figureWidth-marginRight, f.y(v), f.y(v), marginLeft-6, f.y(v)+4, decimals, v)
	}
	last := f.points[len(f.points)-1].Night
	fmt.Fprintf(b, `<text x="%d" y="%d">%s</text><text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", marginLeft, figureHeight-10,
		f.points[0].Night.Format(time.DateOnly), figureWidth-marginRight, figureHeight-10, last.Format(time.DateOnly))
}

func (f frame) level(b *strings.Builder, from, to int, ratio float64) {
	fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#246" stroke-width="1.5"/>`+"\n", f.x(from), f.x(to), f.y(ratio), f.y(ratio))
}
