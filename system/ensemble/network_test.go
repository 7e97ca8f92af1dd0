package ensemble

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/plan"
	"lensbench/system/score"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// TestPlans: members that are plans say what the networks say, in every schedule, and
// leave no tensor. Bounds are those of package plan.
func TestPlans(t *testing.T) {
	before := torch.LiveTensors()
	t.Run("all", func(t *testing.T) {
		want, err := open(t, small(t, Sequential)).Score()
		if err != nil {
			t.Fatal(err)
		}
		for p, bound := range map[plan.Precision]float64{plan.Folded: 1e-4, plan.Float32: 1e-4, plan.BFloat16: 3e-2, plan.Int8: 0.15} {
			for _, schedule := range []Schedule{Sequential, BatchMajor, Threads, Processes} {
				c := small(t, schedule)
				c.Plan = p
				if p == plan.Int8 {
					c.Images, c.Calibration = 4, 2
				}
				e := open(t, c)
				got, err := e.Score()
				if err != nil {
					t.Fatal(err)
				}
				if why := differ(got, firstOf(want, c.Images), bound); why != "" {
					t.Errorf("%s, %s: %s", p, schedule, why)
				}
				if differ(got, firstOf(want, c.Images), 0) == "" {
					t.Errorf("%s, %s: logits are the networks' to the bit, so there was no plan", p, schedule)
				}
				if got, err = e.Query(1, 2); err != nil {
					t.Fatal(err)
				}
				if why := differ(got, row(want, 1, 2), bound); why != "" {
					t.Errorf("%s, %s, query: %s", p, schedule, why)
				}
			}
		}
	})
	if n := torch.LiveTensors() - before; n != 0 {
		t.Errorf("%d tensors left", n)
	}
}

func firstOf(logits [][]float32, n int) (out [][]float32) {
	for _, l := range logits {
		out = append(out, l[:n])
	}
	return out
}

// graduates are directories of networks with weights of a formula that count as trained.
func graduates(t *testing.T, set *survey.Set, how stretch.Stretch, names ...string) (dirs []string) {
	t.Helper()
	for i, name := range names {
		m, err := model.New(name, set.Bands())
		if err != nil {
			t.Fatal(err)
		}
		n, err := trained.Save(filepath.Join(t.TempDir(), fmt.Sprint(i)), trained.Manifest{Model: name, Bands: set.Bands(), Pixels: set.Pixels(), Input: 64, Stretch: how, Temperature: 1},
			m.Params, nn.Formula{Seed: uint64(7 + i), Scrambled: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := score.Calibrate(t.Context(), n, set, score.Config{}); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, n.Dir)
	}
	return dirs
}

// TestTrained: trained members score as package score has them, the images of the
// ensemble and those of another data set, stretched and resized as their manifests say.
func TestTrained(t *testing.T) {
	set, err := survey.Simulate(filepath.Join(t.TempDir(), "set"), survey.Spec{Seed: 4, Train: 6, Test: 5, Pixels: 48, Bands: 2})
	if err != nil {
		t.Fatal(err)
	}
	test, err := survey.Part(set, survey.Test)
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{"light_transformer", "resnet18"}, {"resnet18", "resnet18"}} {
		dirs := graduates(t, set, stretch.Asinh, names...)
		schedules := []Schedule{Sequential, Processes, Threads}
		if names[0] == names[1] {
			schedules = append(schedules, Stacked)
		}
		for _, schedule := range schedules {
			c := small(t, schedule)
			c.Dir, c.Members, c.Trained = set.Dir(), names, dirs
			c.Resident = schedule == Threads
			e := open(t, c)
			for what, score := range map[string]func() ([][]float32, error){
				"train": e.Score,
				"test":  func() ([][]float32, error) { return e.ScorePart(Part{set.Dir(), survey.Test, 5}) },
			} {
				got, err := score()
				if err != nil {
					t.Fatal(err)
				}
				of := test
				if what == "train" {
					of = survey.First(set, c.Images)
				}
				if why := differ(got, alone(t, dirs, of), 1e-4); why != "" {
					t.Errorf("%v, %s, %s images: %s", names, schedule, what, why)
				}
			}
			if _, err := e.ScorePart(Part{set.Dir(), survey.Test, 6}); err == nil || !strings.Contains(err.Error(), "6 images of part test of") {
				t.Errorf("%s, more images than there are: %v", schedule, err)
			}
		}
	}
}

// alone are the logits of each network by package score.
func alone(t *testing.T, dirs []string, images survey.Images) (logits [][]float32) {
	t.Helper()
	for _, dir := range dirs {
		n, err := trained.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := score.Images(t.Context(), n, images, score.Config{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		var all []float32
		for _, z := range s.Logit {
			all = append(all, float32(z))
		}
		logits = append(logits, all)
	}
	return logits
}

// TestNetworkErrors names what cannot be: plans in other places, members that are not
// what they are said to be.
func TestNetworkErrors(t *testing.T) {
	good := small(t, Sequential)
	set, err := survey.Open(good.Dir)
	if err != nil {
		t.Fatal(err)
	}
	one, other := graduates(t, set, stretch.Asinh, "light_transformer", "resnet18"), graduates(t, set, stretch.Linear, "resnet18")
	for want, change := range map[string]func(c *Config){
		"plan fp32 is for members on the CPU, each by itself":                func(c *Config) { c.Plan, c.Schedule = plan.Float32, Stacked },
		"plan fp32 of light_transformer: it drops within":                    func(c *Config) { c.Plan, c.Passes, c.Aggregate = plan.Float32, 3, Stream },
		`plan "int4", want one of`:                                           func(c *Config) { c.Plan = "int4" },
		"int8 plans are calibrated on 3 images behind the 5 that are scored": func(c *Config) { c.Plan, c.Calibration = plan.Int8, 3 },
		"1 trained networks for 2 members":                                   func(c *Config) { c.Trained = one[:1] },
		"member light_transformer: " + one[1] + " is a resnet18":             func(c *Config) { c.Trained = []string{one[1], one[1]} },
		"stretched in two ways: light_transformer by asinh":                  func(c *Config) { c.Trained = []string{one[0], other[0]} },
	} {
		c := good
		change(&c)
		if e, err := Open(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
			if err == nil {
				e.Close()
			}
		}
	}
}
