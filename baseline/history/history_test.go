package history

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/record"
)

var firstNight = time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)

// point is one metric on a night.
func point(night int, arm string, ratio float64) Point {
	return Point{Night: firstNight.AddDate(0, 0, night), Run: fmt.Sprintf("run-%03d", night), Machine: "1a2b3c4d", Cell: "c0ffee", Name: "amp model=resnet18",
		Metric: record.Throughput, Arm: arm, Anchor: "anchor", Build: "head", Fixed: "base", Ratio: ratio, Low: ratio * 0.99, High: ratio * 1.01, Restarts: 24}
}

// stepped is a track that loses 3 % on night 40 of 60.
func stepped() []Point {
	rng := rand.New(rand.NewPCG(1, 1))
	var out []Point
	for n := range 60 {
		ratio := math.Exp(0.005 * rng.NormFloat64())
		if n >= 40 {
			ratio *= 0.97
		}
		out = append(out, point(n, "bf16", ratio))
	}
	return out
}

func TestAppendedPointsAreRead(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "history"))
	if points, err := dir.Points(); err != nil || points != nil {
		t.Errorf("no history yet: %v, %v", points, err)
	}
	want := []Point{point(0, "bf16", 1.01), point(0, "fp16", 0.99)}
	if err := dir.Append(want); err != nil {
		t.Fatal(err)
	}
	if err := dir.Append([]Point{point(1, "bf16", 1.02)}); err != nil {
		t.Fatal(err)
	}
	got, err := dir.Points()
	if err != nil || len(got) != 3 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, %v", got, err)
	}
	if err := dir.Append(want); err == nil || !strings.Contains(err.Error(), "run run-000 is there already") {
		t.Errorf("a night twice: %v", err)
	}
	if err := dir.Append(nil); err == nil {
		t.Error("nothing is appended")
	}
	if err := dir.Append([]Point{point(2, "bf16", math.NaN())}); err == nil {
		t.Error("NaN is appended")
	}
}

// TestBrokenHistory: what cannot be a point is named by file and line.
func TestBrokenHistory(t *testing.T) {
	good := func(change func(*Point)) string {
		p := point(0, "bf16", 1)
		change(&p)
		dir := Dir(t.TempDir())
		if err := dir.Append([]Point{point(0, "bf16", 1)}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(string(dir), PointsFile))
		if err != nil {
			t.Fatal(err)
		}
		return strings.NewReplacer(`"ratio":1,`, fmt.Sprintf(`"ratio":%v,`, p.Ratio), `"metric":"throughput"`, fmt.Sprintf(`"metric":%q`, p.Metric)).Replace(string(b))
	}
	line := good(func(*Point) {})
	for name, tc := range map[string]struct{ text, want string }{
		"half a line":     {line + line[:40], ":2: unexpected EOF"},
		"not JSON":        {"hello\n", ":1: invalid character"},
		"an unknown key":  {strings.Replace(line, `"ratio"`, `"ration"`, 1), `:1: json: unknown field "ration"`},
		"a ratio of 0":    {good(func(p *Point) { p.Ratio = 0 }), ":1: ratio 0"},
		"outside":         {good(func(p *Point) { p.Ratio = 2 }), ":1: interval 0.99–1.01 does not hold the ratio 2"},
		"no metric":       {good(func(p *Point) { p.Metric = "" }), `metric ""`},
		"the same twice":  {line + "\n" + line, ":3: throughput of bf16 in amp model=resnet18 is of run run-000, as line 1 is"},
		"an object alone": {"{}\n", ":1: no night"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, PointsFile)
		if err := os.WriteFile(path, []byte(tc.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Dir(dir).Points(); err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

func TestAChangeIsFoundAndAcknowledged(t *testing.T) {
	dir := t.TempDir()
	for night, want := range map[string]string{"2026-02-10": "new kernel", "2026-02-12": "new kernel", "2026-02-20": ""} {
		text := fmt.Sprintf("- {name: amp model=resnet18, arm: bf16, metric: throughput, night: %s, why: new kernel}\n", night)
		if err := os.WriteFile(filepath.Join(dir, AcknowledgedFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		list, err := Dir(dir).Acknowledged()
		if err != nil {
			t.Fatal(err)
		}
		tracks, unused, err := Tracks(stepped(), list)
		if err != nil {
			t.Fatal(err)
		}
		c := tracks[0].Changes
		if len(c) != 1 || math.Abs(c[0].After/c[0].Before-0.97) > 0.005 || c[0].Point.Night.Sub(firstNight.AddDate(0, 0, 40)).Abs() > 24*time.Hour {
			t.Fatalf("%+v, want one change by −3 %% on night 40", c)
		}
		if c[0].Why != want || (len(unused) == 0) != (want != "") || (len(Open(tracks)) == 0) != (want != "") {
			t.Errorf("acknowledged on %s: %q, %d entries unused, %d open", night, c[0].Why, len(unused), len(Open(tracks)))
		}
	}
}

func TestBrokenAcknowledgements(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"an unknown key": {"- {nane: a, arm: b, metric: c, night: 2026-01-01, why: d}\n", "nane"},
		"no date":        {"- {name: a, arm: b, metric: c, night: yesterday, why: d}\n", `entry 1: night "yesterday"`},
		"no reason":      {"- {name: a, arm: b, metric: c, night: 2026-01-01}\n", "why must all be there"},
		"not a list":     {"name: a\n", "cannot unmarshal"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, AcknowledgedFile)
		if err := os.WriteFile(path, []byte(tc.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Dir(dir).Acknowledged(); err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	if list, err := Dir(t.TempDir()).Acknowledged(); err != nil || list != nil {
		t.Errorf("no file: %v, %v", list, err)
	}
}

// TestAnotherAnchorIsAnotherSeries: a change of the anchor's build, or of the
// machine, is no change of the metric.
func TestAnotherAnchorIsAnotherSeries(t *testing.T) {
	for name, change := range map[string]func(*Point){
		"anchor":  func(p *Point) { p.Fixed = "later" },
		"machine": func(p *Point) { p.Machine = "ffffffff" },
	} {
		points := stepped()
		for i := range points[40:] {
			change(&points[40+i])
		}
		tracks, _, err := Tracks(points, nil)
		if err != nil || len(tracks) != 2 || len(Open(tracks)) != 0 {
			t.Errorf("another %s: %d series with %d changes, %v", name, len(tracks), len(Open(tracks)), err)
		}
	}
}

// TestOrderOfLinesDoesNotMatter: branches are merged in any order.
func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	points := stepped()
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	tracks, _, err := Tracks(points, nil)
	if err != nil || len(tracks) != 1 || len(tracks[0].Changes) != 1 {
		t.Errorf("%v, %v", tracks, err)
	}
}

// TestPointsOfARun: comparisons that have a ratio and whose arms ended well.
func TestPointsOfARun(t *testing.T) {
	run := record.Run{ID: "r", Started: firstNight, Machine: record.Machine{CPUs: 2}}
	worker := func(arm, build string) record.Entry {
		return record.Entry{Kind: record.KindWorker, Cell: "c", Worker: &record.WorkerEntry{Arm: arm, Pass: protocol.PassTime, Hello: protocol.Hello{Build: build}}}
	}
	cell := record.CellVerdict{Cell: "c", Scenario: "amp", Point: map[string]string{"pixels": "64", "model": "resnet18"}, Status: record.OK,
		Arms: []record.ArmSummary{{Arm: "base", Status: record.OK}, {Arm: "head", Status: record.OK}, {Arm: "bad", Status: record.Crash}},
		Comparisons: []record.Comparison{
			{Metric: record.Throughput, Variant: "head", Control: "base", Ratio: 1.02, Low: 1.01, High: 1.03, Pairs: 40, Restarts: 8},
			{Metric: record.Latency, Variant: "head", Control: "base", Ratio: 0.98, Low: 0, High: math.Inf(1), Pairs: 40, Restarts: 8},
			{Metric: record.MemoryPeak, Variant: "head", Control: "base", Ratio: 1, Low: 1, High: 1, Exact: true},
			{Metric: record.Throughput, Variant: "bad", Control: "base", Ratio: 1.02, Low: 1.01, High: 1.03, Pairs: 40},
			{Metric: record.ActivationPeak, Variant: "head", Control: "base", Ratio: math.NaN()},
		}}
	got := Points(run, []record.Entry{worker("base", "old"), worker("head", "new")}, record.Verdicts{Cells: []record.CellVerdict{cell}})
	if len(got) != 3 {
		t.Fatalf("%+v", got)
	}
	p := got[0]
	if p.Name != "amp model=resnet18 pixels=64" || p.Build != "new" || p.Fixed != "old" || p.Anchor != "base" || p.Ratio != 1.02 || p.check() != nil {
		t.Errorf("%+v", p)
	}
	if p := got[1]; p.Low != p.Ratio || p.High != p.Ratio || p.check() != nil {
		t.Errorf("an open interval: %+v", p)
	}
	cell.Status = record.Contaminated
	if got := Points(run, nil, record.Verdicts{Cells: []record.CellVerdict{cell}}); len(got) != 3 || got[0].Status != record.Contaminated {
		t.Errorf("of a contaminated cell: %+v", got)
	}
	cell.Status = record.Invalid
	if got := Points(run, nil, record.Verdicts{Cells: []record.CellVerdict{cell}}); len(got) != 0 {
		t.Errorf("an invalid cell is kept: %+v", got)
	}
}

// TestFigures are well-formed, stand alone, and show what there is.
func TestFigures(t *testing.T) {
	points := stepped()
	for i := range points {
		points[i].Name = "amp <&> model"
	}
	tracks, _, err := Tracks(points, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, track := range map[string]Track{"changed": tracks[0], "one night": {Points: points[:1]}} {
		var b bytes.Buffer
		if err := track.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if e, ok := token.(xml.StartElement); ok {
				count[e.Name.Local]++
			}
		}
		if count["circle"] != len(track.Points) || count["svg"] != 1 {
			t.Errorf("%s: %v for %d nights", name, count, len(track.Points))
		}
		text := b.String()
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "href") {
			t.Errorf("%s: %s", name, text)
		}
		if changed := strings.Contains(text, "changed: -3.0 %") || strings.Contains(text, "changed: -2.") || strings.Contains(text, "changed: -3."); changed != (name == "changed") {
			t.Errorf("%s: shows a change: %v", name, changed)
		}
	}
}

// TestFits: a night goes on with a history of its machine and anchor, in the order of
// time.
func TestFits(t *testing.T) {
	here := record.Machine{CPUs: 2}
	of := func(m record.Machine, fixed string, night int) Point {
		p := point(night, "head", 1)
		p.Machine, p.Fixed, p.Cell = m.ID(), fixed, fmt.Sprint(night)
		return p
	}
	later := firstNight.AddDate(0, 0, 30)
	for name, tt := range map[string]struct {
		points    []Point
		now       time.Time
		newSeries bool
		want      string
	}{
		"empty":                      {nil, later, false, ""},
		"goes on":                    {[]Point{of(here, "anchor", 0)}, later, false, ""},
		"another machine":            {[]Point{of(record.Machine{CPUs: 4}, "anchor", 0)}, later, false, "its nights are of machine " + record.Machine{CPUs: 4}.ID() + ", and this is machine " + here.ID()},
		"another machine, wanted":    {[]Point{of(record.Machine{CPUs: 4}, "anchor", 0)}, later, true, ""},
		"this machine among others":  {[]Point{of(record.Machine{CPUs: 4}, "x", 2), of(here, "anchor", 1)}, later, false, ""},
		"another anchor":             {[]Point{of(here, "before", 0)}, later, false, "its anchor is build before, and this one is build anchor"},
		"another anchor, wanted":     {[]Point{of(here, "before", 0)}, later, true, ""},
		"another anchor, long ago":   {[]Point{of(here, "before", 0), of(here, "anchor", 1)}, later, false, ""},
		"a clock that went back":     {[]Point{of(here, "anchor", 1)}, firstNight, false, "its last night is 2026-01-02 02:00:00, and this machine's clock says 2026-01-01 02:00:00; set the clock"},
		"back, and a series is new":  {[]Point{of(here, "anchor", 1)}, firstNight, true, "set the clock"},
		"back before another's last": {[]Point{of(record.Machine{CPUs: 4}, "anchor", 1), of(here, "anchor", -1)}, firstNight, false, "set the clock"},
	} {
		dir := Dir(t.TempDir())
		if tt.points != nil {
			if err := dir.Append(tt.points); err != nil {
				t.Fatal(err)
			}
		}
		err := dir.Fits(here, "anchor", tt.now, tt.newSeries)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want …%s…", name, err, tt.want)
		}
	}
	dir := Dir(t.TempDir())
	if err := os.WriteFile(filepath.Join(string(dir), PointsFile), []byte("{\"night\":"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := dir.Fits(here, "anchor", later, true); err == nil || !strings.Contains(err.Error(), ":1: unexpected EOF") {
		t.Errorf("a history that is cut: %v", err)
	}
}
