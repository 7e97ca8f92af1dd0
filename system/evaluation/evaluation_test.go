package evaluation

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lensbench/system/metric"
)

//go:generate go test -update .

// TestText is what a terminal shows.
func TestText(t *testing.T) {
	onlyOne := fixture(300)
	onlyOne.Classifiers = onlyOne.Classifiers[1:]
	onlyOne.Classifiers[0].Validation = nil
	onlyOne.Network, onlyOne.Validation, onlyOne.Data.Split = nil, nil, ""
	onlyOne.Notes = []string{"A note of whoever evaluates."}
	many := fixture(300)
	for len(many.Classifiers) < 4 {
		many.Classifiers = append(many.Classifiers, many.Classifiers[1])
	}
	perfect := fixture(60)
	perfect.Classifiers = perfect.Classifiers[:1]
	for i, m := range perfect.Test {
		perfect.Classifiers[0].Test[i] = float64(8*m.Label - 4)
	}
	for i, m := range perfect.Validation {
		perfect.Classifiers[0].Validation[i] = float64(6*m.Label-3) + float64(i%3)
	}
	for name, in := range map[string]Input{"two": fixture(1000), "scores": onlyOne, "many": many, "perfect": perfect} {
		var b bytes.Buffer
		if err := evaluated(t, in).WriteText(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", b.Bytes())
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > Width {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
	}
}

var (
	figures  = regexp.MustCompile(`(?s)<svg.*?</svg>`)
	pictures = regexp.MustCompile(`base64,[A-Za-z0-9+/=]*`)
)

// TestPage: golden but for figures and pictures; it needs nothing from elsewhere.
func TestPage(t *testing.T) {
	in := fixture(1000)
	in.Test[0].Kind = `<script>alert("x")</script>` // what users write is text
	var b bytes.Buffer
	if err := evaluated(t, in).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	drawn := figures.FindAll(b.Bytes(), -1)
	if len(drawn) != 9 {
		t.Errorf("%d figures, want 9", len(drawn))
	}
	for _, svg := range drawn {
		if err := wellFormed(svg); err != nil {
			t.Errorf("%v in %.200s", err, svg)
		}
	}
	page := figures.ReplaceAll(b.Bytes(), []byte("<svg>…</svg>"))
	page = pictures.ReplaceAll(page, []byte("base64,…"))
	golden(t, "page.html", page)
	for _, outside := range []string{"http:", "https:", "<script", "@import", "<link", "NaN", "Inf"} {
		if bytes.Contains(page, []byte(outside)) {
			t.Errorf("page has %q", outside)
		}
	}
}

func wellFormed(text []byte) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestFigure: one figure as a whole.
func TestFigure(t *testing.T) {
	d := evaluated(t, fixture(1000))
	golden(t, "reliability.svg", []byte(reliability(d.Classifiers[0])))
}

// TestFiguresOfLittle: whatever is not known is left out, and nothing panics.
func TestFiguresOfLittle(t *testing.T) {
	in := Input{Test: []Image{{Name: "a", Label: 1}, {Name: "b"}}, Classifiers: []Classifier{{"scores", Logits, []float64{1, 1}, nil}},
		Bootstrap: metric.Bootstrap{Replicates: 10}}
	var b bytes.Buffer
	d := evaluated(t, in)
	if err := d.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	if n := len(figures.FindAll(b.Bytes(), -1)); n != 5 {
		t.Errorf("%d figures, want 5", n)
	}
	if len(d.Mistakes) != 1 || d.Mistakes[0].Name != "b" {
		t.Errorf("mistakes are %+v", d.Mistakes)
	}
	in.Test[0].ThetaE, in.Test[0].FluxRatio, in.Test[1].Kind = 1, 0.25, "ring"
	if err := evaluated(t, in).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
}

// TestThresholdsAreChosenOnValidation and applied to the test images.
func TestThresholdsAreChosenOnValidation(t *testing.T) {
	in := fixture(1000)
	d := evaluated(t, in)
	for _, c := range in.Classifiers {
		v, err := c.Scale.sample(c.Validation, labels(in.Validation))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(d.Classifiers, func(r Result) bool { return r.Name == c.Name })
		for k, p := range d.Classifiers[i].Points {
			if p.Rate != Rates[k] || p.Threshold != v.ThresholdAtFPR(p.Rate) {
				t.Errorf("%s: threshold for %v is %v", c.Name, p.Rate, p.Threshold)
			}
			var counts metric.Counts
			for j, m := range in.Test {
				switch passed := c.Test[j] >= p.Threshold; {
				case passed && m.Label == 1:
					counts.TruePositives++
				case passed:
					counts.FalsePositives++
				case m.Label == 1:
					counts.FalseNegatives++
				default:
					counts.TrueNegatives++
				}
			}
			if p.Counts != counts || p.TPR.Value != counts.Recall() || p.FPR != metric.Binomial(counts.FalsePositives, counts.Others()) {
				t.Errorf("%s: for %v: %+v, counted %+v", c.Name, p.Rate, p, counts)
			}
			if p.Own.Value < p.TPR.Value && p.Counts.FPR() <= p.Rate {
				t.Errorf("%s: for %v the test's own TPR %v is less than %v, which has a FPR of %v", c.Name, p.Rate, p.Own.Value, p.TPR.Value, p.Counts.FPR())
			}
		}
	}
}

// TestPartsAddUp: ranges and kinds hold each image once.
func TestPartsAddUp(t *testing.T) {
	d := evaluated(t, fixture(1000))
	for _, c := range d.Classifiers {
		for _, p := range c.Points {
			for what, ranges := range map[string][]metric.Range{"θ_E": p.ThetaE, "flux ratio": p.FluxRatio} {
				var images, passed int64
				for _, r := range ranges {
					images, passed = images+r.Images, passed+r.Passed
				}
				if images != p.Counts.Lenses() || passed != p.Counts.TruePositives {
					t.Errorf("%s: %d lenses by %s, %d found; want %+v", c.Name, images, what, passed, p.Counts)
				}
			}
			var images, passed int64
			for _, k := range p.Kinds {
				images, passed = images+k.Images, passed+k.Passed
			}
			if len(p.Kinds) != 6 || images != p.Counts.Others() || passed != p.Counts.FalsePositives {
				t.Errorf("%s: %d others of %d kinds, %d pass; want %+v", c.Name, images, len(p.Kinds), passed, p.Counts)
			}
		}
		var images int64
		for k := range c.Histogram.Lenses {
			images += c.Histogram.Lenses[k] + c.Histogram.Others[k]
		}
		for _, b := range c.Reliability {
			images -= b.Images
		}
		if images != 0 {
			t.Errorf("%s: histogram and bins differ by %d images", c.Name, images)
		}
	}
}

// TestMistakes are those on the wrong side of ½, of each label the worst.
func TestMistakes(t *testing.T) {
	in := fixture(1000)
	d := evaluated(t, in)
	scores := in.Classifiers[0].Test
	count := [2]int{}
	for _, m := range d.Mistakes {
		count[m.Label]++
		if in.Test[m.Index] != m.Image || (scores[m.Index] >= 0) == (m.Label == 1) || m.Picture == nil {
			t.Errorf("%+v with score %v is no mistake", m, scores[m.Index])
		}
		for i, other := range in.Test {
			worse := other.Label == m.Label && (scores[i] >= 0) != (other.Label == 1) && math.Abs(scores[i]) > math.Abs(scores[m.Index])
			if worse && !slices.ContainsFunc(d.Mistakes, func(m Mistake) bool { return m.Index == i }) {
				t.Errorf("image %d with score %v is worse than %d with %v, and not shown", i, scores[i], m.Index, scores[m.Index])
			}
		}
	}
	if count != [2]int{4, 4} {
		t.Errorf("%v mistakes are shown", count)
	}
}

// TestCurveIsThin: the points that are left out lie near those that stay.
func TestCurveIsThin(t *testing.T) {
	in := fixture(8000)
	s, err := metric.OfLogits(in.Classifiers[0].Test, labels(in.Test))
	if err != nil {
		t.Fatal(err)
	}
	all := s.Curve()
	thinned := thin(all)
	if len(thinned) > 2000 || len(thinned) >= len(all) {
		t.Errorf("%d points of %d stay", len(thinned), len(all))
	}
	first, last := thinned[0], thinned[len(thinned)-1]
	if first.FPR != 0 || first.TPR != 0 || first.Precision != nil || last.FPR != 1 || last.TPR != 1 {
		t.Errorf("it goes from %+v to %+v", first, last)
	}
	for _, p := range all {
		near := slices.ContainsFunc(thinned, func(c Corner) bool {
			return math.Abs(c.FPR-p.Counts.FPR()) < resolution && math.Abs(c.TPR-p.Counts.Recall()) < resolution
		})
		if !near {
			t.Fatalf("%+v is far from the points that stay", p.Counts)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(in *Input)
		want   string
	}{
		{"no lens", func(in *Input) {
			for i := range in.Test {
				in.Test[i].Label = 0
			}
		}, `split "test": no lens among 20 images to test on; both kinds are needed`},
		{"only lenses", func(in *Input) {
			for i := range in.Validation {
				in.Validation[i].Label = 1
			}
		}, `split "validation": no image that is no lens among 10 images to choose thresholds on; both kinds are needed`},
		{"no label", func(in *Input) { in.Test[3].Label = -1 }, "images/000003.npy has no label; every image to test on needs one"},
		{"not a number", func(in *Input) { in.Classifiers[1].Test[2] = math.NaN() }, "trivial features: the score of image 2 is NaN; want a finite number"},
		{"infinite", func(in *Input) { in.Classifiers[0].Validation[2] = math.Inf(1) }, "network: the score of image 2 is +Inf; want a finite number"},
		{"too few scores", func(in *Input) { in.Classifiers[0].Test = in.Classifiers[0].Test[1:] }, "network: 19 and 10 scores for 20 and 10 images"},
		{"no probability", func(in *Input) { in.Classifiers[1].Test[2] = 1.5 }, "trivial features: probability 2 is 1.5; want 0 to 1"},
	} {
		in := fixture(20)
		c.change(&in)
		if _, err := New(in); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// TestDocumentInJSON comes back as it was, but for pictures.
func TestDocumentInJSON(t *testing.T) {
	d := evaluated(t, fixture(100))
	var b bytes.Buffer
	if err := d.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got Document
	decoder := json.NewDecoder(&b)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != Schema || got.Classifiers[0].AUROC != d.Classifiers[0].AUROC || !reflect.DeepEqual(got.Classifiers[0].Points, d.Classifiers[0].Points) ||
		!reflect.DeepEqual(got.Network, d.Network) || len(got.Mistakes) != len(d.Mistakes) {
		t.Errorf("got %+v", got)
	}
}

// TestEdges cover what they are for with round numbers.
func TestEdges(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{0.5, 2.1, []float64{0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25}},
		{0.31, 1.29, []float64{0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3}},
		{-11, 11, []float64{-12.5, -10, -7.5, -5, -2.5, 0, 2.5, 5, 7.5, 10, 12.5}},
	} {
		if got := evenEdges(c.low, c.high); !slices.Equal(got, c.want) {
			t.Errorf("even edges from %v to %v are %v, want %v", c.low, c.high, got, c.want)
		}
	}
	if got := doublingEdges(0.3, 1.2); !slices.Equal(got, []float64{0.25, 0.5, 1, 2}) {
		t.Errorf("doubling edges are %v", got)
	}
	for _, v := range [][2]float64{{1, 1}, {0.001, 0.0011}, {3, 3000}, {0.7, 0.9}} {
		for _, edges := range [][]float64{evenEdges(v[0], v[1]), doublingEdges(v[0], v[1])} {
			if n := len(edges); n < 2 || n > 13 || edges[0] > v[0] || edges[n-1] < v[1] || !slices.IsSorted(edges) {
				t.Errorf("edges from %v to %v are %v", v[0], v[1], edges)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct{ got, want string }{
		{plain(metric.Estimate{Value: 0.98123, Low: 0.97901, High: 0.98339}).String(), "0.9812 [0.9790, 0.9834]"},
		{plain(metric.Estimate{Value: 1, Low: 1, High: 1}).String(), "1 [1, 1]"},
		{plain(metric.Estimate{Value: none, Low: none, High: none}).String(), "–"},
		{plain(metric.Estimate{Value: 0.5, Low: none, High: none}).String(), "0.5"},
		{percent(metric.Estimate{Value: 0.123, Low: 0.101, High: 0.157}).String(), "12 % [10, 16]"},
		{percent(metric.Estimate{Value: 0.0002, Low: 0.000005, High: 0.0011}).String(), "0.020 % [0.00050, 0.11]"},
		{purityOf(Purity{1e-3, metric.Estimate{Value: 1, Low: 0.2345, High: 1}}, metric.Counts{TruePositives: 3}).String(), "> 23 %"},
		{rate(0) + rate(0.001) + rate(0.1), "00.1 %10 %"},
		{oneIn(1e-4), "1 in 10,000"},
		{grouped(1234567) + grouped(999) + grouped(1000), "1,234,5679991,000"},
		{bound(-0.3779) + " " + bound(5) + " " + bound(0.00012), "−0.378 5 0.00012"},
		{probability(0.9999996) + " " + probability(0.5) + " " + probability(1), "0.9999996 0.500 1.000"},
		{digits(-0.00001, 3, math.Round), "0.000"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}
