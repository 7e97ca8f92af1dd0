package ensemble

import (
	"strings"
	"testing"

	"lensbench/system/fusion"
	"lensbench/system/script"
	"lensbench/torch"
)

// weighing is an ensemble of members that drop in their heads alone, whose last batch is
// not full.
func weighing(t *testing.T, schedule Schedule) Config {
	c := small(t, schedule)
	c.Members, c.Aggregate, c.Passes = []string{"resnet18", "resnet34"}, Weighted, 4
	return c
}

func weigh(t *testing.T, c Config) (logit, variance []float32) {
	t.Helper()
	logit, variance, err := open(t, c).Fuse()
	if err != nil {
		t.Fatal(err)
	}
	return logit, variance
}

// TestWeighted: whatever is TorchScript and in whichever order batches come, logits and
// variances are those that package fusion makes of the members' moments.
func TestWeighted(t *testing.T) {
	const tolerance = 1e-5
	c := weighing(t, BatchMajor)
	z, v, err := fusion.Fuse(fusion.InverseVariance, membersOf(t, c))
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct {
		schedule Schedule
		script   string
		state    script.State
	}{
		{BatchMajor, "", script.State{}},
		{Sequential, "", script.State{}},
		{BatchMajor, ScriptFusion, script.State{}},
		{Sequential, ScriptFusion, script.State{Freeze: true}},
		{BatchMajor, ScriptModel, script.State{}},
		{BatchMajor, ScriptModel, script.State{Freeze: true}},
		{BatchMajor, ScriptModel, script.State{Freeze: true, Optimise: true}},
	} {
		own := c
		own.Schedule, own.Script, own.State = way.schedule, way.script, way.state
		logit, variance := weigh(t, own)
		if far(logit, single(z)) > tolerance || far(variance, single(v)) > tolerance {
			t.Errorf("%+v: %v, %v; want %v, %v", way, logit, variance, z, v)
		}
	}
}

// membersOf are the members' moments, of the samples one by one.
func membersOf(t *testing.T, c Config) []fusion.Member {
	t.Helper()
	members := make([]fusion.Member, len(c.Members))
	s := open(t, c).execution.(*station)
	err := s.lane.Do(func(sc *torch.Scope) error {
		return s.pass(sc, func(sc *torch.Scope, m int, images []int, x *torch.Tensor) error {
			y := s.samples(sc, c, m, images[0]/c.Batch, x)
			values := make([]float32, y.Numel())
			if err := y.CopyFloat32(values); err != nil {
				return err
			}
			for i := range images {
				var w fusion.Welford
				for k := range c.Passes {
					w.Add(float64(values[k*len(images)+i]))
				}
				members[m].Logit, members[m].Variance = append(members[m].Logit, w.Mean()), append(members[m].Variance, w.Variance())
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return members
}

// TestScriptedMembers: logits without dropout, of every schedule that has members by
// themselves.
func TestScriptedMembers(t *testing.T) {
	want, err := open(t, small(t, Sequential)).Score()
	if err != nil {
		t.Fatal(err)
	}
	for _, schedule := range []Schedule{Sequential, BatchMajor, Threads, Processes} {
		c := small(t, schedule)
		c.Script, c.State = ScriptModel, script.State{Freeze: true}
		got, err := open(t, c).Score()
		if err != nil {
			t.Fatal(err)
		}
		for m := range want {
			if far(got[m], want[m]) > 1e-5 {
				t.Errorf("%s, member %d: %v, want %v", schedule, m, got[m], want[m])
			}
		}
	}
}

func TestScriptRefusals(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"only scripts are frozen":                 func(c *Config) { c.State.Freeze = true },
		`unknown script "python"`:                 func(c *Config) { c.Script = "python" },
		"script fusion is of the aggregate":       func(c *Config) { c.Script, c.Aggregate = ScriptFusion, Keep },
		"not for device cuda or schedule stacked": func(c *Config) { c.Script, c.Schedule = ScriptModel, Stacked },
		"script model and plan fp32":              func(c *Config) { c.Script, c.Plan, c.Passes, c.Aggregate = ScriptModel, "fp32", 0, "" },
		"light_transformer: it drops within":      func(c *Config) { c.Script, c.Members = ScriptModel, []string{"light_transformer"} },
		"want 2 or more":                          func(c *Config) { c.Passes = 1 },
	} {
		c := weighing(t, BatchMajor)
		change(&c)
		if e, err := Open(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
			if err == nil {
				e.Close()
			}
		}
	}
}

func single(v []float64) []float32 {
	out := make([]float32, len(v))
	for i := range v {
		out[i] = float32(v[i])
	}
	return out
}
