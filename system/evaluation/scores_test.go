package evaluation

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestScoresComeBack: what is written is read again, and evaluates to the same.
func TestScoresComeBack(t *testing.T) {
	in := fixture(40)
	var b bytes.Buffer
	if err := WriteScores(&b, in); err != nil {
		t.Fatal(err)
	}
	golden(t, "scores.csv", b.Bytes())
	got, err := ReadScores(&b, "scores.csv", Splits{Test: "test", Validation: "validation", Needed: true})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Test, in.Test) || !reflect.DeepEqual(got.Validation, in.Validation) ||
		!reflect.DeepEqual(got.Classifiers[0].Test, in.Classifiers[0].Test) || got.Split != "validation" || got.Data.Split != "test" {
		t.Fatalf("got %+v", got)
	}
	got.Bootstrap = in.Bootstrap
	a, again := evaluated(t, in).Classifiers[0], evaluated(t, got).Classifiers[0]
	again.Name = a.Name
	if text := inJSON(t, again); text != inJSON(t, a) {
		t.Errorf("scores that were read again evaluate to something else: %s", text)
	}
}

func inJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadScores(t *testing.T) {
	for _, c := range []struct {
		name, text string
		scale      Scale
		scores     []float64
	}{
		{"probabilities", "score,label\n0.5,1\n1,0\n", Probabilities, []float64{0.5, 1}},
		{"under their own name", "label,probability\n1,0.5\n0,0\n", Probabilities, []float64{0.5, 0}},
		{"logits before probabilities", "probability,label,logit\n0.5,1,-3\n0.1,0,4e2\n", Logits, []float64{-3, 400}},
		{"blanks, a byte-order mark, line ends of Windows, labels that went through floats", "\ufeffscore, label\r\n 0.5 ,1.0\r\n0.25, 0.0\r\n",
			Probabilities, []float64{0.5, 0.25}},
		{"columns of others", "id,score,label,comment\nx,0.5,1,\"a, b\"\ny,0.1,0,\n", Probabilities, []float64{0.5, 0.1}},
	} {
		in, err := ReadScores(strings.NewReader(c.text), "x.csv", Splits{Test: "test", Validation: "validation"})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := in.Classifiers[0]; got.Scale != c.scale || !reflect.DeepEqual(got.Test, c.scores) || in.Test[0].Label != 1 || in.Test[1].Label != 0 {
			t.Errorf("%s: %+v", c.name, in)
		}
	}
}

func TestReadScoresRefuses(t *testing.T) {
	for _, c := range []struct {
		text, want string
		splits     Splits
	}{
		{text: "", want: "x.csv: is empty; want a line with the names of columns"},
		{text: "score,label\n", want: "x.csv: no image, only a head line"},
		{text: "a,label\n1,1\n", want: `x.csv: no column "logit" (any number) or "score" (a probability); there are a, label`},
		{text: "score,class\n1,1\n", want: `x.csv: no column "label"; there are score, class`},
		{text: "score,label,score\n", want: `x.csv: two columns are called "score"`},
		{text: "score,label\n0.5,1\nNaN,0\n", want: `x.csv:3: score is "NaN"; want a probability, 0 to 1; a column of other numbers is to be called "logit"`},
		{text: "score,label\n-3.2,0\n", want: `x.csv:2: score is "-3.2"; want a probability, 0 to 1; a column of other numbers is to be called "logit"`},
		{text: "logit,label\nnan,0\n", want: `x.csv:2: logit is "nan"; want a finite number, -1e+12 to 1e+12`},
		{text: "logit,label\n1e300,0\n", want: `x.csv:2: logit is "1e300"; want a finite number, -1e+12 to 1e+12`},
		{text: "logit,label\ninf,0\n", want: `x.csv:2: logit is "inf"; want a finite number, -1e+12 to 1e+12`},
		{text: "logit,label\n,0\n", want: `x.csv:2: logit is ""; want a finite number, -1e+12 to 1e+12`},
		{text: "score,label\n0.5,2\n", want: `x.csv:2: label is "2"; want 1 for a lens or 0 for none`},
		{text: "score,label\n0.5,lens\n", want: `x.csv:2: label is "lens"; want 1 for a lens or 0 for none`},
		{text: "score,label\n0.5,1\n0.5\n", want: `x.csv:3: wrong number of fields`},
		{text: "score,label\n\"0.5,1\n", want: `x.csv:2: extraneous or missing " in quoted-field`},
		{text: "score,label,theta_E\n0.5,1,-1\n", want: `x.csv:2: theta_E is "-1"; want a number > 0, or nothing`},
		{text: "score,label\n0.5,1\n", splits: Splits{"test", "validation", true}, want: `x.csv: no column "split", so there is no split "validation"; there are score, label`},
		{text: "score,label,split\n0.5,1,train\n0.5,1,dev\n", splits: Splits{Test: "test"}, want: `x.csv: no row is of split "test"; there is "dev", "train"`},
		{text: "score,label,split\n0.5,1,test\n", splits: Splits{"test", "val", true}, want: `x.csv: no row is of split "val"; there is "test"`},
	} {
		if _, err := ReadScores(strings.NewReader(c.text), "x.csv", c.splits); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

// FuzzReadScores: whatever the text, what is read can be evaluated.
func FuzzReadScores(f *testing.F) {
	f.Add("split,name,label,kind,theta_E,flux_ratio,logit\ntest,a,1,lens,1.2,0.3,2.5\nvalidation,b,0,ring,,,-1\n")
	f.Add("score,label\n0.5,1\n1,0\n")
	f.Fuzz(func(t *testing.T, text string) {
		in, err := ReadScores(strings.NewReader(text), "x", Splits{Test: "test", Validation: "validation"})
		if err != nil {
			return
		}
		if len(in.Test) == 0 || len(in.Test) != len(in.Classifiers[0].Test) || len(in.Validation) != len(in.Classifiers[0].Validation) {
			t.Fatalf("%d images, %d scores", len(in.Test), len(in.Classifiers[0].Test))
		}
		for i, m := range in.Test {
			if v := in.Classifiers[0].Test[i]; math.IsNaN(v) || math.IsInf(v, 0) || m.Label != 0 && m.Label != 1 || !(m.ThetaE >= 0) || !(m.FluxRatio >= 0) {
				t.Fatalf("%+v with score %v", m, v)
			}
		}
		if len(in.Test) > 100 {
			return
		}
		in.Bootstrap.Replicates = 2
		if d, err := New(in); err == nil {
			if err := d.WriteHTML(&bytes.Buffer{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
