package train

import (
	"math"
	"strings"
	"testing"
)

func someSettings() Settings {
	s := DefaultSettings
	s.Model, s.Input, s.Threads = "resnet18", 64, 2
	return s
}

func TestSettingsCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *Settings)
		want   string // empty: they are fine
	}{
		{"default", func(*Settings) {}, ""},
		{"no clipping, no early end", func(s *Settings) { s.Clip, s.Stop = 0, StopSetting{} }, ""},
		{"epochs", func(s *Settings) { s.Epochs = 0 }, "epochs 0; want 1 to 100000"},
		{"batch", func(s *Settings) { s.Batch = 1 }, "batch 1; want 2 to 65536"},
		{"rate", func(s *Settings) { s.Rate = -1e-3 }, "rate -0.001; want 1e-12 to 100"},
		{"no number", func(s *Settings) { s.Rate = math.NaN() }, "rate NaN; want"},
		{"infinite", func(s *Settings) { s.Decay = math.Inf(1) }, "decay +Inf; want 0 to 100"},
		{"warm-up", func(s *Settings) { s.Sched.WarmUp = 1.5 }, "schedule.warm_up 1.5; want 0 to 1"},
		{"zoom", func(s *Settings) { s.Augment.Zoom = 3 }, "augment.zoom 3; want 0 to 1"},
		{"threads", func(s *Settings) { s.Threads = 0 }, "threads 0; want 1 to 1024"},
		{"schedule", func(s *Settings) { s.Sched.Kind = "linear" }, `schedule "linear" is not known`},
		{"stretch", func(s *Settings) { s.Stretch = "log" }, `stretch "log" is not known`},
	} {
		s := someSettings()
		c.change(&s)
		text := ""
		if err := s.Check(); err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, c.want) || c.want == "" && text != "" {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
	}
}

// Every number among the settings has a range, which is looked at.
func TestEverySettingHasARange(t *testing.T) {
	ranges := map[string]bool{"seed": true} // has any value
	for _, r := range Ranges {
		ranges[r.Name] = true
	}
	s := someSettings()
	s.Augment.Zoom, s.Augment.Rotation, s.Augment.Noise = 0.1, 1, 1 // zeros are left out
	for name, value := range flat(s) {
		if number := strings.Trim(value, "0123456789.e-") == ""; number && !ranges[name] {
			t.Errorf("%s, %s, has no range", name, value)
		}
	}
}

func TestHashIsThatOfTheSettings(t *testing.T) {
	a, b := someSettings(), someSettings()
	if a.Hash() != b.Hash() {
		t.Error("equal settings have different hashes")
	}
	b.Augment.Noise = 0.1
	if a.Hash() == b.Hash() {
		t.Error("different settings have one hash")
	}
}
