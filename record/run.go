package record

import (
	"slices"
	"strings"
	"time"

	"lensbench/protocol"
)

// Schema is the version of the documents of this package.
const Schema = 1

// A Run is the plan of one invocation, written before anything is measured.
type Run struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"`      // sortable by time, unique on a machine
	Started time.Time `json:"started"` // UTC
	Command []string  `json:"command"` // arguments that make this run again
	Seed    uint64    `json:"seed"`    // of every random order in the run
	Machine Machine   `json:"machine"`
	Context Context   `json:"context"`
	Cells   []Cell    `json:"cells"`

	// Gate says which builds the run compares; nil if it compares settings.
	Gate *Gate `json:"gate,omitempty"`
}

// A Gate is what a run that compares builds knows of them.
type Gate struct {
	Builds     []Build `json:"builds"`               // by the names that arms have for them
	Delay      float64 `json:"delay"`                // per cent that is planted in the canary
	Replicates string  `json:"replicates,omitempty"` // ID of the run whose findings this one is to confirm
}

// A Build is a program that arms run, with where it comes from.
type Build struct {
	Worker  string   `json:"worker"`            // its name in Arm.Worker
	Given   string   `json:"given"`             // what the user named: a revision or a program
	Program string   `json:"program"`           // absolute path
	ID      string   `json:"id,omitempty"`      // what it says of itself, protocol.Hello.Build
	Commit  string   `json:"commit,omitempty"`  // that it was built from; empty of a program
	Subject string   `json:"subject,omitempty"` // first line of the commit's message
	Sources string   `json:"sources,omitempty"` // hash of what it was built from, and with; empty if that is not known
	Changed []string `json:"changed,omitempty"` // files that differed from Commit
	Built   bool     `json:"built,omitempty"`   // by bench itself, from Commit
}

// Build returns the build that arms call so.
func (g *Gate) Build(worker string) (b Build, ok bool) {
	if g != nil {
		for _, b := range g.Builds {
			if b.Worker == worker {
				return b, true
			}
		}
	}
	return b, false
}

// Name is what the user called it, and the beginning of its commit.
func (b Build) Name() string {
	if b.Commit == "" {
		return b.Given
	}
	short := b.Commit[:min(len(b.Commit), 12)]
	if strings.HasPrefix(b.Commit, b.Given) {
		return short
	}
	return b.Given + " (" + short + ")"
}

// A Cell is one point of a scenario's matrix with the arms that are compared
// there.
type Cell struct {
	ID       string            `json:"id"`       // hash of the resolved settings of all arms
	Scenario string            `json:"scenario"` // name
	Title    string            `json:"title"`
	Point    map[string]string `json:"point,omitempty"` // matrix axis → value; empty without a matrix
	Arms     []Arm             `json:"arms"`            // the control first
	Claim    *Claim            `json:"claim,omitempty"`
	Decides  string            `json:"decides,omitempty"` // arm that decides the claim; empty: this cell is shown, not judged
	Expect   []Expect          `json:"expect,omitempty"`  // what the claim says in numbers, of Decides to control
	Equal    *Equal            `json:"equal,omitempty"`   // correctness check
	Measure  []string          `json:"measure"`           // metrics that are reported
	Profile  bool              `json:"profile,omitempty"` // the time of each arm is also shown by operator
	Plan     Plan              `json:"plan"`
}

// Metrics that a cell may measure.
const (
	Throughput     = "throughput"      // samples/s, higher is better
	Efficiency     = "efficiency"      // of ranks: throughput ÷ (ranks × that of one), higher is better
	Latency        = "latency"         // s per iteration or query, lower is better
	MemoryPeak     = "memory_peak"     // bytes of tensors at the peak, lower is better
	ActivationPeak = "activation_peak" // bytes of activations at their own peak, lower is better
	Energy         = "energy"          // J per sample of the whole machine, lower is better
)

// OwnPass says whether a metric comes from a pass of its own, and not from the
// blocks.
func OwnPass(metric string) bool { return OfMemory(metric) || metric == Energy }

// Alone are the metrics that an arm has without the others of its cell, throughput
// if there is none: efficiency relates it to another.
func Alone(metrics []string) []string {
	out := slices.DeleteFunc(slices.Clone(metrics), func(m string) bool { return m == Efficiency })
	if len(out) == 0 {
		return []string{Throughput}
	}
	return out
}

// OfMemory says whether a metric comes from the memory pass.
func OfMemory(metric string) bool { return metric == MemoryPeak || metric == ActivationPeak }

// An Arm is something that runs one workload in its own process.
type Arm struct {
	Name     string            `json:"name"`
	Worker   string            `json:"worker"` // "lens", "pytorch", or the name of one of the run's builds
	Settings protocol.Settings `json:"settings"`
	Needs    []string          `json:"needs,omitempty"` // what the machine must have: protocol.NeedCUDA, "2 devices", …

	// Single is the arm that does with one rank what this one does with several, to
	// which their efficiency relates; empty if that is not measured.
	Single string `json:"single,omitempty"`
}

// A Claim is a promise under test, in the words of whoever made it.
type Claim struct {
	ID   string `json:"id"`
	Says string `json:"says"`
}

// An Expect is the nearer end of a claimed range: the ratio of the deciding
// arm's metric to the control's.
type Expect struct {
	Metric string  `json:"metric"`
	Op     string  `json:"op"`    // ">=" or "<="
	Ratio  float64 `json:"ratio"` // > 0
}

// Equal demands that the outputs of every arm equal the control's by a rule.
// A tolerance of 0 demands identical bits.
type Equal struct {
	Output    string  `json:"output"`         // one of protocol's Check constants
	Rule      string  `json:"rule,omitempty"` // empty: each value by itself
	Tolerance float64 `json:"tolerance"`      // most that the difference may be, in the rule's own measure

	Scores *ScoreLimits `json:"scores,omitempty"` // with RuleScores; else nil
}

// ScoreLimits are how far what a trained network says of test images may be from what
// the control says.
type ScoreLimits struct {
	AUROCDrop float64 `json:"auroc_drop"`        // most that the AUROC may fall
	Changed   float64 `json:"changed,omitempty"` // largest share of images whose decision is another; 0: any
	Images    int     `json:"images"`            // test images, the first ones
	Survey    string  `json:"survey"`            // that they are of, a name in the cache
}

// Rules of Equal, each with its measure of a difference. That of the empty rule
// is the largest |a−b| / max(1, |b|).
const (
	RuleLargest  = "largest"   // the largest |a−b| ÷ the largest |b|
	RuleDigest   = "digest"    // how many parts differ
	RuleBound    = "bound"     // the largest |a|, whatever the control's
	RuleSeedBand = "seed-band" // distance of the means ÷ half-width of the control's band (verdict.SeedBand), of several measures the largest
	RuleScores   = "scores"    // the largest of: fall of the AUROC ÷ its limit, share of other decisions ÷ its limit
)

// A Plan says how much is measured. Restarts are fresh processes of every
// arm; a block is one sample of every arm in random order.
type Plan struct {
	Restarts      int     `json:"restarts"`       // at least 1; 8 are needed for a verdict. With Looks, the most
	Blocks        int     `json:"blocks"`         // per restart
	Warmup        int     `json:"warmup"`         // iterations before the first block of a restart
	SampleSeconds float64 `json:"sample_seconds"` // aim; iterations are chosen once per cell, the same for every restart
	TimeLimit     float64 `json:"time_limit"`     // s for any one answer of a worker

	// Looks are the numbers of restarts after which arms that are decided are no
	// longer measured, ascending; the last is Restarts. Empty: the number is fixed.
	Looks []int `json:"looks,omitempty"`

	// Seconds of measuring that no restart but the first may exceed, as far as those
	// before it tell, beside what cells before it of the same scenario have left of
	// theirs; other passes come after. 0: there is no such limit.
	Seconds float64 `json:"seconds,omitempty"`
}

// With returns the plan with another number of restarts; looks that do not lie
// below it are left out.
func (p Plan) With(restarts int) Plan {
	p.Restarts = restarts
	if p.Looks != nil {
		looks := slices.DeleteFunc(slices.Clone(p.Looks), func(r int) bool { return r >= restarts })
		p.Looks = append(looks, restarts)
	}
	return p
}

// LooksAfter says whether the plan looks at the cell after that many restarts.
func (p Plan) LooksAfter(restarts int) bool { return slices.Contains(p.Looks, restarts) }
