package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"lensbench/report"
)

func TestJSON(t *testing.T) {
	for name, f := range fixtures {
		var b bytes.Buffer
		if err := report.JSON(&b, f.run, f.v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var d report.Document
		dec := json.NewDecoder(bytes.NewReader(b.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&d); err != nil {
			t.Fatalf("%s: read back: %v", name, err)
		}
		if d.Run.ID != f.run.ID || d.Run.MachineID != f.run.Machine.ID() || len(d.Verdicts.Cells) != len(f.v.Cells) {
			t.Errorf("%s: read back %+v", name, d)
		}
		if name == "bounds" {
			golden(t, "bounds.json", b.String())
		}
	}
}

func TestCSV(t *testing.T) {
	for name, f := range fixtures {
		var b bytes.Buffer
		if err := report.CSV(&b, f.run, f.v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden(t, name+".csv", b.String())
		records, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatalf("%s: read back: %v", name, err)
		}
		kinds := map[string]int{}
		for _, r := range records[1:] {
			kinds[r[5]]++
		}
		want := 0
		for _, c := range f.v.Cells {
			want += len(c.Comparisons)
		}
		if kinds["comparison"] != want {
			t.Errorf("%s: %d rows of comparisons; want %d", name, kinds["comparison"], want)
		}
	}
}

// TestCSVHeader: programs read columns by name.
func TestCSVHeader(t *testing.T) {
	var b bytes.Buffer
	if err := report.CSV(&b, fixtures["empty"].run, fixtures["empty"].v); err != nil {
		t.Fatal(err)
	}
	want := "run,started,machine,scenario,point,kind,arm,control,metric,unit,value,low,high,confidence,n,restarts,p,p_equivalence,theta,mde,outcome,reason,look,budget,family,p_family,p_holm\n"
	if b.String() != want {
		t.Errorf("header is %q; want %q", b.String(), want)
	}
}
