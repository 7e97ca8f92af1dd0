package protocol

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every setting must say what it is, and which values it takes: scenarios are
// checked against the tags alone.
func TestFieldsDescribeEverySetting(t *testing.T) {
	if got, want := len(Fields()), reflect.TypeFor[Settings]().NumField(); got != want {
		t.Fatalf("%d fields, struct has %d", got, want)
	}
	kinds, _ := FieldByKey("kind")
	for _, f := range Fields() {
		if f.Doc == "" {
			t.Errorf("%s: no doc", f.Key)
		}
		if (f.Type == reflect.Int || f.Type == reflect.Float64) && !f.HasRange {
			t.Errorf("%s: a number without a range", f.Key)
		}
		if f.Type == reflect.String && f.Enum == nil {
			t.Errorf("%s: a string without its values", f.Key)
		}
		for _, k := range append(slices.Clone(f.Kinds), f.Needed...) {
			if !slices.Contains(kinds.Enum, k) {
				t.Errorf("%s: belongs to kind %q, which does not exist", f.Key, k)
			}
		}
	}
}

func TestOverlay(t *testing.T) {
	base := Settings{Kind: "ensemble", Batch: 2, Members: []string{"resnet18"}, Schedule: "sequential"}
	got := base.Overlay(Settings{Schedule: "threads", Threads: 3})
	want := Settings{Kind: "ensemble", Batch: 2, Members: []string{"resnet18"}, Schedule: "threads", Threads: 3}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if base.Schedule != "sequential" {
		t.Error("overlay changed its receiver")
	}
}

func TestHashTellsSettingsApart(t *testing.T) {
	seen := map[string]Settings{}
	for _, s := range []Settings{
		{}, {Kind: "null"}, {Kind: "inference"}, {Kind: "inference", Batch: 1}, {Kind: "inference", Pixels: 1},
		{Members: []string{"a", "b"}}, {Members: []string{"b", "a"}}, {Members: []string{"ab"}},
	} {
		h := s.Hash()
		if len(h) != 12 {
			t.Errorf("hash %q: want 12 digits", h)
		}
		if other, dup := seen[h]; dup {
			t.Errorf("%+v and %+v have one hash", s, other)
		}
		seen[h] = s
	}
}

func TestDecodeSettings(t *testing.T) {
	for _, c := range []struct{ name, in, kind, message string }{
		{"known", `{"kind":"null"}`, "", ""},
		{"unknown key", `{"kind":"null","precison":"bf16"}`, UnknownSetting, `"precison"`},
		{"wrong type", `{"batch":"eight"}`, BadRequest, "batch"},
		{"not JSON", `{`, BadRequest, "settings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeSettings(json.RawMessage(c.in))
			if c.kind == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(e.Message, c.message) {
				t.Errorf("error %v, want kind %s naming %s", err, c.kind, c.message)
			}
		})
	}
}

func TestMessagesRoundTrip(t *testing.T) {
	for _, r := range []Response{
		{ID: 1, Hello: &Hello{Protocol: Version, Worker: "lens", Libraries: map[string]string{"libtorch": "2.11.0"}}},
		{ID: 2, Facts: &Facts{Parameters: 11177025, ItemsPerIteration: 4}},
		{ID: 3, Sample: &Sample{Wall: 0.5, Durations: []float64{0.25, 0.25}, Extra: map[string]Number{"loss": Number(math.Inf(1))}}},
		{ID: 4, Error: &Error{Kind: Unsupported, Message: "no such device"}},
		{ID: 5},
	} {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "\n") {
			t.Errorf("%s: a message is one line", b)
		}
		var back Response
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r, back) {
			t.Errorf("got %+v, want %+v", back, r)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, v := range []float64{0, math.Copysign(0, -1), 1e-310, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1)} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		b, err := json.Marshal(Number(v))
		if err != nil {
			t.Fatal(err)
		}
		var back Number
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if float64(back) != v && !(math.IsNaN(v) && math.IsNaN(float64(back))) {
			t.Errorf("%v became %v", v, back)
		}
	})
}

func FuzzDecodeSettings(f *testing.F) {
	f.Add([]byte(`{"kind":"ensemble","members":["resnet18"],"images":4}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSettings(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeSettings(again)
		if err != nil || back.Hash() != s.Hash() {
			t.Errorf("%s does not survive a round trip: %v", b, err)
		}
	})
}
