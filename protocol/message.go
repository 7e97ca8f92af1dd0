package protocol

import "encoding/json"

// Operations of a Request.
const (
	OpHello   = "hello"
	OpPrepare = "prepare"
	OpSample  = "sample"
	OpVerify  = "verify"
	OpClose   = "close"
)

// Passes that Prepare may name. Each instrument disturbs the others, so one
// process is prepared for one pass only.
const (
	PassTime    = "time"    // wall and CPU time
	PassMemory  = "memory"  // exact peak of tensor bytes; time is not to be trusted
	PassProfile = "profile" // time by operator; the sum is more than without looking
)

// A Request asks a worker for one thing.
type Request struct {
	ID      int            `json:"id"`                // counts up from 1
	Op      string         `json:"op"`                // one of the Op constants
	Prepare *Prepare       `json:"prepare,omitempty"` // with OpPrepare
	Sample  *SampleRequest `json:"sample,omitempty"`  // with OpSample
	Verify  *VerifyRequest `json:"verify,omitempty"`  // with OpVerify; absent asks for the default outputs
}

// Prepare says what to build before sampling.
type Prepare struct {
	Settings json.RawMessage `json:"settings"` // a Settings object; raw, so that a worker sees keys it does not know
	Pass     string          `json:"pass"`     // one of the Pass constants
	Cache    string          `json:"cache"`    // absolute directory for simulated images and other derived data
}

// A SampleRequest asks for iterations of the prepared work.
type SampleRequest struct {
	Untimed    int `json:"untimed,omitempty"` // iterations before the clock starts, to refill caches
	Iterations int `json:"iterations"`        // at least 1
}

// A VerifyRequest asks for other outputs than the default ones. A worker that
// does not know the check, or whose prepared work has no such outputs, refuses
// with an Error of kind Unsupported.
type VerifyRequest struct {
	Check  string `json:"check"`            // one of the Check constants
	Survey string `json:"survey,omitempty"` // with CheckScores: name of the survey, in the cache, whose test images are scored
	Images int    `json:"images,omitempty"` // with CheckScores: how many, the first ones
}

// Outputs that a check compares. Of CheckLogits and CheckLosses the request
// names no check, because they are the default outputs of their kinds of work.
const (
	CheckLogits    = "logits"    // inference and ensembles
	CheckLosses    = "losses"    // training: of the first steps
	CheckGradients = "gradients" // training: of one optimiser step, before clipping; or a fixed selection, with Digests of all
	CheckDigests   = "digests"   // any: what must be the same bits, such as the batches of an epoch in their order
	CheckFused     = "fused"     // ensembles: mean and variance over members, image by image
	CheckNorms     = "norms"     // training: the norm of all gradients together, before clipping, of every step of a short training
	CheckWeights   = "weights"   // training: how far the first few steps have moved the weights, and where to, in units of the learning rate

	// Training: what has become of the same short training, [len(FinalQualities) seeds].
	CheckFinalQuality = "final_quality"

	// Trained networks: what they say of test images, [len(ScoreRows) images].
	CheckScores = "scores"
)

// ScoreRows are what the rows of CheckScores are, image by image: the logit, of an
// ensemble the mean over its members; the threshold from which on it makes the image a
// lens; and 1 if it is one, 0 if not.
func ScoreRows() []string { return []string{"logits", "thresholds", "labels"} }

// FinalQualities are what the rows of CheckFinalQuality are: figures on images that
// were held back, and the number of steps whose gradients had a norm that was not
// finite, but for those that a gradient scaler skipped.
func FinalQualities() []string {
	return []string{"loss", "AUROC", "number of steps without a finite gradient norm"}
}

// DefaultCheck says whether a worker computes these outputs without being told.
func DefaultCheck(check string) bool { return check == CheckLogits || check == CheckLosses }

// A Response answers the request with the same ID. Exactly one of the pointer
// fields is set, or none for OpClose.
type Response struct {
	ID      int      `json:"id"`
	Error   *Error   `json:"error,omitempty"`
	Hello   *Hello   `json:"hello,omitempty"`
	Facts   *Facts   `json:"facts,omitempty"`
	Sample  *Sample  `json:"sample,omitempty"`
	Outputs *Outputs `json:"outputs,omitempty"`
}

// Kinds of Error. The runner turns them into statuses.
const (
	BadRequest     = "bad-request"     // malformed or out of order
	UnknownSetting = "unknown-setting" // not comparable: the worker does not know a setting
	Unsupported    = "unsupported"     // known, but this build or machine cannot do it; skipped
	OutOfMemory    = "out-of-memory"
	Failed         = "failed" // anything else
)

// An Error is a worker's refusal or failure; the worker stays usable.
type Error struct {
	Kind    string `json:"kind"`
	Message string `json:"message"` // what was asked, what went wrong, what to do
}

func (e *Error) Error() string { return e.Message }

// Hello says who a worker is.
type Hello struct {
	Protocol  int               `json:"protocol"`          // Version
	Worker    string            `json:"worker"`            // "lens", "pytorch", …
	Build     string            `json:"build"`             // identifies the worker's own code
	Libraries map[string]string `json:"libraries"`         // versions of what it stands on, e.g. "libtorch": "2.11.0"
	Kinds     []string          `json:"kinds"`             // workload kinds it can run
	Settings  []string          `json:"settings"`          // settings it knows
	Devices   []Device          `json:"devices,omitempty"` // what it can compute on, the CPU first; absent if it does not tell
}

// Facts describe the prepared work; they do not change until the next prepare.
type Facts struct {
	Parameters        int64   `json:"parameters"`          // trainable values, all members
	WeightBytes       int64   `json:"weight_bytes"`        // bytes of parameters and buffers
	FLOPPerItem       float64 `json:"flop_per_item"`       // convolutions and matrix products, 2 per multiply-add; 0 if unknown
	ItemsPerIteration int     `json:"items_per_iteration"` // images completed by one iteration
	Threads           int     `json:"threads"`             // compute threads, read back from the library
	LoadSeconds       float64 `json:"load_seconds"`        // process start to ready for prepare
	PrepareSeconds    float64 `json:"prepare_seconds"`     // this prepare
	Trials            []Trial `json:"trials,omitempty"`    // of a search before the measurement, that it chose from; else none
}

// A Trial is a way to bring a batch through a network that a search has timed.
type Trial struct {
	Images   int     `json:"images"`   // of a pass
	Sessions int     `json:"sessions"` // at the same time
	Threads  int     `json:"threads"`  // of each session
	Seconds  float64 `json:"seconds"`  // of a batch
	Chosen   bool    `json:"chosen"`
}

// A Sample is what one run of iterations took.
type Sample struct {
	Wall        float64   `json:"wall"`             // s, first iteration's start to last iteration's end
	CPU         float64   `json:"cpu"`              // s of user and system time, the worker and its children
	Durations   []float64 `json:"durations"`        // s, one per iteration
	Items       int       `json:"items"`            // images completed in Wall
	TensorPeak  int64     `json:"tensor_peak"`      // bytes, memory pass only, else 0
	RSSPeak     int64     `json:"rss_peak"`         // bytes, highest resident set of the worker and its children so far
	Voluntary   int64     `json:"voluntary"`        // context switches by waiting
	Involuntary int64     `json:"involuntary"`      // context switches by preemption
	Memory      *Memory   `json:"memory,omitempty"` // memory pass only, and only of workers that know; nil otherwise

	// Profile is of the timed iterations; profile pass only. A worker that cannot tell
	// refuses to prepare for the pass, with an Error of kind Unsupported.
	Profile *Profile `json:"profile,omitempty"`

	// Latencies are from the scheduled arrival of an iteration's query to its result, in
	// seconds, one per iteration, where queries do not wait for each other: their sum may
	// exceed Wall. Durations are then what each adds to Wall. nil: latencies are durations.
	Latencies []float64 `json:"latencies,omitempty"`

	// Extra are numbers that only some work has, all finite. Those whose names end in
	// _peak are bytes. A report shows their medians.
	Extra map[string]Number `json:"extra,omitempty"`
}

// Latency returns the latencies of the iterations, in seconds.
func (s Sample) Latency() []float64 {
	if s.Latencies != nil {
		return s.Latencies
	}
	return s.Durations
}

// Outputs are what the work computes, for the correctness check.
type Outputs struct {
	Digest string   `json:"digest"` // SHA-256 of the values' little-endian float32 bytes
	Shape  []int    `json:"shape"`
	Values []Number `json:"values"` // row-major

	// Digests are those of parts, in order: of every batch, of every tensor. With
	// CheckDigests the values may be left out, and Digest is then the SHA-256 of
	// these digests as text, each with a newline behind it.
	Digests []string `json:"digests,omitempty"`
}
