package report_test

import (
	"math"
	"time"

	"lensbench/protocol"
	"lensbench/record"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

// A fixture is a run with its verdicts.
type fixture struct {
	run record.Run
	v   record.Verdicts
}

// fixtures are what the golden files show.
var fixtures = map[string]fixture{
	"quick":       quick(),
	"one":         one(),
	"statuses":    statuses(),
	"bounds":      withoutBounds(),
	"names":       names(),
	"empty":       made(),
	"interrupted": interrupted(),
	"checks":      checks(),
	"said":        said(),
	"serving":     serving(),
	"looked":      looked(),
	"ranks":       ranks(),
	"profiled":    profiled(),
}

// ranks are two, beside the one to which their efficiency relates.
func ranks() fixture {
	one, two := measured("one", 62, 0), measured("two", 99, 0)
	efficiency := about(0.798, 0.02, 8)
	two.Efficiency = &efficiency
	c := of("distributed", "Two ranks, a batch each", one, two)
	c.plan.Measure = []string{record.Throughput, record.Efficiency}
	c.plan.Expect = []record.Expect{{Metric: record.Efficiency, Op: ">=", Ratio: 0.9}}
	c.verdict.Comparisons = []record.Comparison{
		compared(record.Throughput, "two", "one", 1.6, 0.04, record.Faster),
		compared(record.Efficiency, "two", "one", 0.798, 0.02, record.Less),
	}
	return made(c)
}

// profiled is the fast path, with a plan that lacks an operator, one on two threads at
// once, and an arm that has no profile.
func profiled() fixture {
	c := of("fast-path", "An inference plan in fp32", measured("control", 90, 0), measured("searched", 137, 0), measured("plan", 131, 0), measured("processes", 125, 0))
	c.plan.Profile, c.plan.Decides = true, "plan"
	said := func(i int, wall, busy float64, threads int, ops ...protocol.OperatorTime) *protocol.Profile {
		p := &protocol.Profile{Wall: wall, Busy: busy, Threads: threads, Operators: ops}
		c.verdict.Arms[i].Profile = &record.Profile{Iterations: 10, Said: p, Status: record.OK}
		return p
	}
	said(0, 0.442, 0.436, 1, protocol.OperatorTime{Name: "aten::mkldnn_convolution", Calls: 200, Seconds: 0.31}, protocol.OperatorTime{Name: "aten::native_batch_norm", Calls: 200, Seconds: 0.07},
		protocol.OperatorTime{Name: "aten::clamp_min_", Calls: 170, Seconds: 0.03}, protocol.OperatorTime{Name: "aten::add_", Calls: 80, Seconds: 0.02},
		protocol.OperatorTime{Name: "aten::max_pool2d_with_indices", Calls: 10, Seconds: 0.004}, protocol.OperatorTime{Name: "aten::empty", Calls: 990, Seconds: 0.001},
		protocol.OperatorTime{Name: "aten::conv2d", Calls: 200, Seconds: 0.0004}, protocol.OperatorTime{Name: "aten::convolution", Calls: 200, Seconds: 0.0003},
		protocol.OperatorTime{Name: "aten::_convolution", Calls: 200, Seconds: 0.0003})
	const long = "## Call CompiledFxGraph fj3xqn7spe3wm2yyn5ehkk6xynk2ajsxwyknyg3tqeeb5bnqdnrn ##" // as torch.compile has them
	said(1, 0.29, 0.28, 2, protocol.OperatorTime{Name: "mkldnn::_convolution_pointwise", Calls: 240, Seconds: 0.29}, protocol.OperatorTime{Name: long, Calls: 240, Seconds: 0.01}, protocol.OperatorTime{Name: "mkldnn::_convolution_pointwise_", Calls: 160, Seconds: 0.2},
		protocol.OperatorTime{Name: "aten::max_pool2d_with_indices", Calls: 20, Seconds: 0.0041})
	said(2, 0.305, 0.3045, 1, protocol.OperatorTime{Name: "mkldnn::_convolution_pointwise", Calls: 120, Seconds: 0.17},
		protocol.OperatorTime{Name: "mkldnn::_convolution_pointwise_", Calls: 80, Seconds: 0.13}, protocol.OperatorTime{Name: "aten::max_pool2d_with_indices", Calls: 10, Seconds: 0.004},
	).Other = &protocol.OperatorTime{Calls: 300, Seconds: 0.0005}
	c.verdict.Arms[3].Profile = &record.Profile{Status: record.Skipped, Reason: "profile of schedule processes: members run in processes of their own, and operators are noted in this one"}
	c.verdict.Comparisons = []record.Comparison{compared(record.Throughput, "searched", "control", 1.53, 0.02, record.Faster),
		compared(record.Throughput, "plan", "control", 1.46, 0.02, record.Faster), compared(record.Throughput, "processes", "control", 1.39, 0.02, record.Faster)}
	return made(c)
}

// serving is a network in two modes, with queries enough for some percentiles.
func serving() fixture {
	control, server := measured("control", 300, 0), measured("server", 150, 0)
	control.Latency = map[string]record.Interval{"p50": about(0.0033, 0.01, 700), "p90": about(0.0041, 0.02, 700),
		"p95": about(0.0052, 0.03, 700), "p99": about(0.0097, 0.1, 700)}
	server.Latency = map[string]record.Interval{"p50": about(0.0048, 0.02, 100), "p90": about(0.0131, 0.05, 100)}
	server.Extra = map[string]protocol.Number{"arrivals_per_second": 151.5, "offline_per_second": 303}
	c := of("serving", "Latency of a network in use", control, server)
	c.plan.Measure = []string{record.Throughput, record.Latency}
	c.plan.Arms[0].Settings.Mode, c.plan.Arms[1].Settings.Mode = "single-stream", "server"
	c.verdict.Comparisons = []record.Comparison{compared(record.Throughput, "server", "control", 0.5, 0.01, record.Slower)}
	return made(c)
}

// looked is a cell that was stopped at looks: one arm was decided too early for an
// interval with 99 %, one is different, and one was measured to the end.
func looked() fixture {
	c := of("looked", "Stopped at looks", record.ArmSummary{Arm: "a", Status: record.OK}, record.ArmSummary{Arm: "b", Status: record.OK},
		record.ArmSummary{Arm: "c", Status: record.OK}, record.ArmSummary{Arm: "d", Status: record.OK})
	c.plan.Measure, c.plan.Plan = []string{record.Throughput}, record.Plan{Restarts: 36, Blocks: 40, Looks: []int{8, 12, 16, 24, 36}}
	compared := func(arm string, ratio, half float64, outcome string, restarts int, mde float64) record.Comparison {
		k := record.Comparison{Metric: record.Throughput, Variant: arm, Control: "a", Ratio: ratio, Low: ratio - half, High: ratio + half, Confidence: 0.99, P: 0.002,
			Theta: 0.01, MDE: mde, Outcome: outcome, Restarts: restarts, Pairs: 40 * restarts, Look: &record.Look{Restarts: restarts, Budget: 36, Decided: outcome != record.Inconclusive},
			Inner: &record.Interval{Value: ratio, Low: ratio - half/2, High: ratio + half/2, N: restarts}, Family: &record.Family{Size: 3, Adjusted: 0.004, Holm: 0.006}}
		if restarts == 12 {
			k.Low, k.High, k.P = 0, inf, 1
		}
		return k
	}
	c.verdict.Comparisons = []record.Comparison{compared("b", 1.001, 0.01, record.Equivalent, 12, inf),
		compared("c", 1.1, 0.01, record.Faster, 16, 0.02), compared("d", 1.01, 0.03, record.Inconclusive, 36, 0.05)}
	c.verdict.Stopped = "after all 36 restarts, the most that was planned: throughput of d is undecided; b after 12; c after 16"
	return made(c)
}

// made is a run of the cells on an example machine.
func made(cells ...cell) fixture {
	f := fixture{run: record.Run{
		Schema:  record.Schema,
		ID:      "20260301T040506Z-aaaaaa",
		Started: time.Date(2026, 3, 1, 4, 5, 6, 0, time.UTC),
		Command: []string{"bench", "run", "--suite", "quick"},
		Machine: record.Machine{CPUModel: "Example CPU @ 2.10GHz", CPUs: 2, Memory: 8 << 30, Libtorch: "2.11.0", Governor: "none"},
	}}
	f.v = record.Verdicts{Schema: record.Schema, Run: f.run.ID, Cells: []record.CellVerdict{}}
	for _, c := range cells {
		f.run.Cells = append(f.run.Cells, c.plan)
		f.v.Cells = append(f.v.Cells, c.verdict)
	}
	return f
}

// A cell is planned and judged.
type cell struct {
	plan    record.Cell
	verdict record.CellVerdict
}

// of makes a cell of a scenario; arms are those of its verdict.
func of(scenario, title string, arms ...record.ArmSummary) cell {
	c := cell{
		plan: record.Cell{ID: scenario, Scenario: scenario, Title: title, Measure: []string{record.Throughput, record.Latency, record.MemoryPeak},
			Plan: record.Plan{Restarts: 8, Blocks: 5}},
		verdict: record.CellVerdict{Cell: scenario, Scenario: scenario, Title: title, Status: record.OK, Arms: arms},
	}
	for i, a := range arms {
		c.plan.Arms = append(c.plan.Arms, record.Arm{Name: a.Arm, Worker: a.Worker, Settings: protocol.Settings{Kind: "ensemble", Seed: i}})
	}
	return c
}

// about is an interval of ± share around a value.
func about(value, share float64, n int) record.Interval {
	return record.Interval{Value: value, Low: value * (1 - share), High: value * (1 + share), N: n}
}

// measured is an arm that ended ok: images per second, and bytes at the peak.
func measured(name string, rate float64, peak int64) record.ArmSummary {
	worst := 3e-7
	return record.ArmSummary{
		Arm: name, Worker: "lens", Status: record.OK, Restarts: 8, Samples: 40, Threads: 2,
		Throughput: about(rate, 0.013, 8),
		Latency:    map[string]record.Interval{"p50": about(4/rate, 0.011, 40)},
		TensorPeak: peak, RSSPeak: 3 * peak, Load: about(0.4, 0.1, 8), First: about(1.9, 0.02, 8), Worst: &worst, Steal: 0.002,
	}
}

// ended is an arm that ended otherwise.
func ended(name, status, reason string) record.ArmSummary {
	return record.ArmSummary{Arm: name, Worker: "lens", Status: status, Reason: reason}
}

// compared is a comparison with the first arm of the fixture.
func compared(metric, variant, control string, ratio, share float64, outcome string) record.Comparison {
	return record.Comparison{
		Metric: metric, Variant: variant, Control: control, Ratio: ratio, Low: ratio * (1 - share), High: ratio * (1 + share),
		Confidence: 0.99, P: 0.0078, Equivalence: 0.3, Theta: 0.01, MDE: 1.3 * share, Outcome: outcome,
		Reason: variant + "/" + control + " in a sentence", Restarts: 8, Pairs: 40,
		Bootstrap: &record.Interval{Value: ratio, Low: ratio * (1 - share), High: ratio * (1 + share), N: 8},
	}
}

func exact(variant, control string, ratio float64, outcome string) record.Comparison {
	return record.Comparison{Metric: record.MemoryPeak, Variant: variant, Control: control, Ratio: ratio, Low: ratio, High: ratio,
		Confidence: 1, Exact: true, Theta: 0.002, Outcome: outcome, Reason: "512 MiB against 760 MiB, the same in every pass", Restarts: 2, Pairs: 2}
}

// nothing is a comparison that could not be made.
func nothing(metric, variant, control, outcome, reason string) record.Comparison {
	return record.Comparison{Metric: metric, Variant: variant, Control: control, Ratio: nan, Low: nan, High: nan, P: nan, Equivalence: nan,
		MDE: inf, Outcome: outcome, Reason: reason}
}

// ensemble is the cell of a claim that this machine refutes.
func ensemble() cell {
	c := of("ensemble-parallel", "Ensemble inference, members in parallel",
		measured("sequential", 3.42, 512<<20), measured("batch-major", 3.44, 498<<20),
		measured("threads", 3.11, 760<<20), measured("processes", 4.02, 1204<<20))
	c.plan.Claim = &record.Claim{ID: "ensemble-parallel", Says: "+40–60 % throughput"}
	c.plan.Decides = "threads"
	for i := range c.verdict.Arms {
		a := &c.verdict.Arms[i]
		a.Memory = &protocol.Memory{AtPeak: protocol.Bytes{Weights: 398 << 20, Activations: a.TensorPeak - 398<<20 - 2<<20, Other: 2 << 20},
			ActivationPeak: a.TensorPeak - 400<<20, Load: 399 << 20, WarmUp: a.TensorPeak}
	}
	c.plan.Expect = []record.Expect{{Metric: record.Throughput, Op: ">=", Ratio: 1.4}}
	c.plan.Equal = &record.Equal{Output: "logits", Tolerance: 1e-5}
	const control = "sequential"
	unsure := compared(record.Latency, "processes", control, 0.93, 0.04, record.Faster)
	unsure.Bootstrap.High = 1.01
	unsure.Reason = "processes/sequential = 0.930 (99 % interval 0.893–0.967); a cluster bootstrap does not confirm it: 0.893–1.010"
	c.verdict.Comparisons = []record.Comparison{
		compared(record.Throughput, "batch-major", control, 1.0043, 0.006, record.Equivalent),
		compared(record.Throughput, "threads", control, 0.909, 0.03, record.Slower),
		compared(record.Throughput, "processes", control, 1.18, 0.04, record.Faster),
		compared(record.Latency, "batch-major", control, 0.997, 0.021, record.Inconclusive),
		compared(record.Latency, "threads", control, 1.101, 0.03, record.Slower),
		unsure,
		exact("batch-major", control, 0.973, record.Less),
		exact("threads", control, 1.484, record.More),
		exact("processes", control, 1, record.Equivalent),
	}
	c.verdict.Claim = &record.ClaimVerdict{ID: "ensemble-parallel", Says: c.plan.Claim.Says, Verdict: record.Refuted,
		Reason: "throughput: threads/sequential = 0.909 (99 % interval 0.882–0.936), claimed ≥ 1.40", Device: "CPU: Example CPU @ 2.10GHz"}
	c.verdict.Arms[2].Noisy = 3
	c.verdict.Arms[2].Steal = 0.023
	return c
}

// peer has an arm that this machine lacks.
func peer() cell {
	const reason = "no PyTorch in python3; install it with: python3 -m pip install torch==2.11.0"
	c := of("peer-inference", "resnet18 inference against PyTorch eager", ended("pytorch", record.Skipped, reason), measured("lens", 312, 90<<20))
	c.plan.Decides = "lens"
	c.plan.Claim = &record.Claim{ID: "peer-inference", Says: "no slower than PyTorch eager"}
	c.plan.Expect = []record.Expect{{Metric: record.Throughput, Op: ">=", Ratio: 0.97}}
	c.verdict.Comparisons = []record.Comparison{
		nothing(record.Throughput, "lens", "pytorch", record.Skipped, "arm pytorch: "+reason),
		nothing(record.Latency, "lens", "pytorch", record.Skipped, "arm pytorch: "+reason),
	}
	c.verdict.Status, c.verdict.Reason = record.Skipped, "arm pytorch: "+reason
	c.verdict.Claim = &record.ClaimVerdict{ID: "peer-inference", Verdict: record.NotTested, Reason: "arm pytorch: skipped: " + reason, Device: "CPU: Example CPU @ 2.10GHz"}
	return c
}

// twins compares an arm with itself.
func twins(outcome string) cell {
	c := of("calibration", "Calibration: A against A′", measured("control", 51.2, 0), measured("again", 51.3, 0))
	c.plan.Arms[1].Settings = c.plan.Arms[0].Settings
	c.plan.Measure = []string{record.Throughput, record.Latency}
	c.verdict.Comparisons = []record.Comparison{
		compared(record.Throughput, "again", "control", 1.0006, 0.004, outcome),
		compared(record.Latency, "again", "control", 0.9995, 0.004, record.Equivalent),
	}
	return c
}

func null() cell {
	c := of("harness-null", "The harness's own overhead (null work)", measured("control", 4e6, 0), measured("again", 4e6, 0))
	c.plan.Arms[1].Settings = c.plan.Arms[0].Settings
	c.plan.Measure = []string{record.Latency}
	for i := range c.verdict.Arms {
		c.verdict.Arms[i].Throughput = record.Interval{}
	}
	c.verdict.Comparisons = []record.Comparison{compared(record.Latency, "again", "control", 0.97, 0.2, record.Inconclusive)}
	return c
}

// quick is a run of the quick suite.
func quick() fixture {
	f := made(ensemble(), peer(), twins(record.Equivalent), null())
	f.v.Overhead = &record.Overhead{PerSample: about(1.04e-4, 0.02, 400), Smallest: 0.0197, Share: 0.0053}
	return f
}

// one is a run of one scenario, whose journal lost a line.
func one() fixture {
	f := made(ensemble())
	f.run.Command = []string{"bench", "run", "ensemble-parallel"}
	f.v.Dropped = 1
	return f
}

// statuses has an arm of every status, and cells of every status.
func statuses() fixture {
	c := of("statuses", "Every way an arm can end",
		measured("control", 10, 1<<20),
		ended("invalid", record.Invalid, "4 items from 2 iterations of 4 items"),
		ended("insufficient", record.Insufficient, "no sample was taken"),
		ended("skipped", record.Skipped, "needs cuda; this machine shows no NVIDIA GPU"),
		ended("oom", record.OOM, "the worker was killed while it held 7.9 GiB"),
		ended("timeout", record.Timeout, "no answer to sample after 5 minutes"),
		ended("crash", record.Crash, "signal: segmentation fault; last words: boom"),
		ended("error", record.Failed, ""),
		ended("wrong", record.QualityFail, "logits differ from the control's by up to 0.25; the tolerance is 1e-05"),
		ended("old", record.Incomparable, "setting schedule is not known to this worker"),
	)
	c.plan.Equal = &record.Equal{Output: "logits", Tolerance: 1e-5}
	for _, a := range c.verdict.Arms[1:] {
		k := nothing(record.Throughput, a.Arm, "control", a.Status, "arm "+a.Arm+": "+a.Reason)
		c.verdict.Comparisons = append(c.verdict.Comparisons, k)
	}
	c.verdict.Status, c.verdict.Reason = record.QualityFail, "arm wrong: "+c.verdict.Arms[8].Reason

	few := of("few-restarts", "Too few restarts", measured("a", 10, 1<<20), measured("b", 11, 1<<20))
	short := compared(record.Throughput, "b", "a", 1.1, 0.1, record.Insufficient)
	short.Low, short.High, short.MDE, short.Restarts, short.Reason = 0, inf, inf, 3, "b/a = 1.10 in 3 restarts; a verdict needs 8"
	few.verdict.Comparisons = []record.Comparison{short}
	few.verdict.Status, few.verdict.Reason = record.Insufficient, "3 restarts; a verdict needs 8"
	for i := range few.verdict.Arms {
		few.verdict.Arms[i].Latency = nil
	}

	noisy := twins(record.Faster)
	noisy.verdict.Status = record.Contaminated
	noisy.verdict.Reason = "other processes used more than 5 % of the machine during 30 of 80 samples; measure again on a quiet machine"
	noisy.verdict.Arms[0].Noisy, noisy.verdict.Arms[1].Noisy = 14, 16

	gone := of("gone", "A cell that ended as a whole")
	gone.verdict.Status, gone.verdict.Reason = record.Skipped, "the other 3 arms need 9.0 GiB for their weights alone, and 4.0 GiB are available"
	f := made(c, few, noisy, gone)
	f.v.Overhead = &record.Overhead{PerSample: about(1.04e-4, 0.02, 400), Smallest: 0.002, Share: 0.052}
	return f
}

// withoutBounds has numbers whose intervals are missing, open or points.
func withoutBounds() fixture {
	a, b := measured("a", 10, 0), measured("b", 20, 0)
	a.Throughput = record.Interval{Value: 10, Low: nan, High: nan, N: 3}
	b.Throughput = record.Interval{Value: 20, Low: nan, High: nan, N: 1}
	a.Latency["p50"] = record.Interval{Value: 0.1, Low: 0.1, High: 0.1, N: 40}
	b.Latency["p50"] = record.Interval{Value: nan, Low: nan, High: nan, N: 40}
	a.Worst, b.Worst = nil, nil
	c := of("bounds", "Numbers without bounds", a, b)
	c.plan.Equal = &record.Equal{Output: "logits", Tolerance: 1e-5}
	open := compared(record.Throughput, "b", "a", 2, 0.1, record.Insufficient)
	open.Low, open.High, open.MDE, open.Reason = 0, inf, inf, "b/a = 2.0; the interval has no end"
	half := compared(record.Latency, "b", "a", 0.5, 0.1, record.Inconclusive)
	half.High, half.MDE = inf, inf
	c.verdict.Comparisons = []record.Comparison{open, half, nothing(record.MemoryPeak, "b", "a", record.Incomparable, "the worker of arm b cannot count tensor bytes")}
	f := made(c)
	f.v.Overhead = &record.Overhead{PerSample: about(1e-4, 0.02, 400)}
	return f
}

// names has names that are long, wide, or look like markup.
func names() fixture {
	const long = "a-very-long-name-of-an-arm-that-nobody-would-type-twice-but-somebody-will"
	c := of("größe-und-漢字", "A title that goes on and on, as titles of scenarios do when somebody wants to say everything that there is to say in it",
		measured("kurz|*_<b>`", 3.4, 512<<20), measured(long, 3.5, 512<<20), measured("名前がとても長いアームの例です", 3.6, 512<<20))
	c.plan.Point = map[string]string{"pixels": "112", "model": "light_transformer"}
	c.verdict.Point = c.plan.Point
	c.plan.Claim = &record.Claim{Says: "x|y " + long + long}
	for _, a := range c.verdict.Arms[1:] {
		c.verdict.Comparisons = append(c.verdict.Comparisons,
			compared(record.Throughput, a.Arm, "kurz|*_<b>`", 1.02, 0.01, record.Faster),
			compared(record.Latency, a.Arm, "kurz|*_<b>`", 1.02, 0.01, record.Slower))
	}
	return made(c)
}

// interrupted was cut short in its first cell.
func interrupted() fixture {
	c := of("ensemble-parallel", "Ensemble inference", measured("sequential", 3.42, 0), measured("threads", 3.1, 0))
	k := compared(record.Throughput, "threads", "sequential", 0.9, 0.1, record.Insufficient)
	k.Restarts, k.Pairs, k.Reason, k.Low, k.High, k.MDE = 2, 9, "threads/sequential = 0.90 in 2 restarts; a verdict needs 8", 0, inf, inf
	c.verdict.Comparisons = []record.Comparison{k}
	c.verdict.Status = record.Insufficient
	c.verdict.Reason = "2 restarts; a verdict needs 8; 9 of 40 planned blocks were measured: the run was interrupted"
	f := made(c)
	f.v.Interrupted, f.v.Dropped = true, 2
	return f
}

// said has arms that say more than others.
func said() fixture {
	c := of("adaptive-batch", "Batches under a budget", measured("fixed", 120, 0), measured("doubling", 118, 0), measured("off", 121, 0))
	c.verdict.Arms[0].Extra = map[string]protocol.Number{"batch": 32, "budget_used": 0.5212345}
	c.verdict.Arms[1].Extra = map[string]protocol.Number{"batch": 128, "changes": 41, "oscillates": 1, "budget_used": 1, "monitor_peak": 1 << 30}
	c.plan.Measure = []string{record.Throughput}
	c.verdict.Comparisons = []record.Comparison{compared(record.Throughput, "doubling", "fixed", 0.98, 0.02, record.Inconclusive)}
	return made(c)
}

// checks has a cell for every way to compare outputs, one of them failed.
func checks() fixture {
	cellOf := func(name string, e record.Equal, worst float64, result string) cell {
		a, b := measured("control", 10, 0), measured("variant", 11, 0)
		b.Worst, b.Check = &worst, result
		c := of(name, "Outputs by "+name, a, b)
		c.plan.Equal = &e
		c.plan.Measure = []string{record.Throughput}
		c.verdict.Comparisons = []record.Comparison{compared(record.Throughput, "variant", "control", 1.1, 0.02, record.Faster)}
		return c
	}
	scores := cellOf("scores", record.Equal{Output: "scores", Rule: record.RuleScores, Tolerance: 1,
		Scores: &record.ScoreLimits{AUROCDrop: 0.002, Changed: 0.001, Images: 1000, Survey: "default"}}, 0.35, record.Passed)
	scores.verdict.Arms[1].Drift = &record.Drift{Images: 1000, Control: 0.98143, AUROC: 0.98073, Changed: 0, Median: 0.00021, P99: 0.0134, Max: 0.0512}
	return made(
		scores,
		cellOf("gradients", record.Equal{Output: "gradients", Rule: record.RuleLargest, Tolerance: 1e-6}, 3e-8, record.Passed),
		cellOf("digests", record.Equal{Output: "digests", Rule: record.RuleDigest}, 0, record.Passed),
		cellOf("other-digests", record.Equal{Output: "digests", Rule: record.RuleDigest}, 3, record.NotPassed),
		cellOf("fused", record.Equal{Output: "fused", Tolerance: 1e-6}, 2e-7, record.Passed),
		cellOf("final-quality", record.Equal{Output: "final_quality", Rule: record.RuleSeedBand, Tolerance: 1}, 0.42, record.Passed))
}
