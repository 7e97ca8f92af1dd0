package record_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"lensbench/record"
)

// TestVerdictsWithoutBounds writes statements whose bounds are missing or open,
// and reads them back.
func TestVerdictsWithoutBounds(t *testing.T) {
	inf := math.Inf(1)
	v := record.Verdicts{Cells: []record.CellVerdict{{
		Arms: []record.ArmSummary{{Throughput: record.Interval{Value: 2, Low: -inf, High: inf, N: 3}}},
		Comparisons: []record.Comparison{{
			Metric: record.Throughput, Variant: "b", Control: "a",
			Ratio: 1.5, Low: 0, High: inf, Confidence: 0.99, P: 0.25, MDE: inf, Outcome: record.Inconclusive, Restarts: 3,
		}},
	}}}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back record.Verdicts
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, v) {
		t.Errorf("read back\n%+v\nwant\n%+v", back, v)
	}
}

// TestComparisonKeys holds the document's keys: each once, none lost behind the
// embedded fields.
func TestComparisonKeys(t *testing.T) {
	b, err := json.Marshal(record.Comparison{Low: math.NaN()})
	if err != nil {
		t.Fatal(err)
	}
	typ := reflect.TypeFor[record.Comparison]()
	for i := range typ.NumField() {
		key, opts, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		want := 1
		if opts == "omitempty" {
			want = 0
		}
		if n := strings.Count(string(b), `"`+key+`":`); n != want {
			t.Errorf("%s occurs %d times in %s; want %d", key, n, b, want)
		}
	}
	if !strings.Contains(string(b), `"low":"NaN"`) {
		t.Errorf(`want "low":"NaN" in %s`, b)
	}
}
