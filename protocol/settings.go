package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Settings say what an arm runs: the workload of a scenario with the arm's own
// settings laid over it. It is the only settings type of both programs; its
// tags are the schema that scenarios are checked against:
//
//	doc    what the setting means
//	enum   allowed values, separated by spaces
//	min    smallest allowed value, inclusive
//	max    largest allowed value, inclusive
//	kinds  workload kinds that have this setting, separated by spaces; empty: all
//	need   workload kinds that cannot do without it, separated by spaces
//
// The zero value of a field means "not set": the worker's documented default.
type Settings struct {
	Kind     string   `json:"kind,omitempty" doc:"what is run" enum:"inference train ensemble null"`
	Model    string   `json:"model,omitempty" doc:"network" enum:"resnet18 resnet34 vit_b_16 light_transformer" kinds:"inference train" need:"inference train"`
	Members  []string `json:"members,omitempty" doc:"networks of the ensemble, in order" enum:"resnet18 resnet34 vit_b_16 light_transformer" kinds:"ensemble"`
	Pixels   int      `json:"pixels,omitempty" doc:"side of the images; for an ensemble of the images on disk, which each member resizes to its own input" min:"32" max:"1024" kinds:"inference train ensemble"`
	Bands    int      `json:"bands,omitempty" doc:"bands of the images (default 3)" min:"1" max:"16" kinds:"inference train ensemble"`
	Batch    int      `json:"batch,omitempty" doc:"images per forward pass" min:"1" max:"65536" kinds:"inference train ensemble"`
	Images   int      `json:"images,omitempty" doc:"images on disk: of an ensemble those scored per iteration, of training those of an epoch (default 4 and 1024); with a budget images in memory, those of an iteration (default 256); of inference in a mode those in memory (default 64)" min:"1" max:"1000000" kinds:"ensemble train inference"`
	Schedule string   `json:"schedule,omitempty" doc:"order and concurrency of the ensemble's members; streams are for device cuda" enum:"sequential batch-major threads processes stacked streams" kinds:"ensemble"`

	Device    string `json:"device,omitempty" doc:"what members, or the steps of training, compute on; ranks on one device each (default cpu)" enum:"cpu cuda" kinds:"ensemble train"`
	Placement string `json:"placement,omitempty" doc:"accelerators that members are put on: the first, each the next, or those with least on them, the largest member first (default one)" enum:"one round-robin balanced" kinds:"ensemble"`

	Mode string `json:"mode,omitempty" doc:"how queries come, as in MLPerf's load generator: one image after another, batch images together (default 8), all images at once in batches of batch (default 32), or images that arrive by themselves, of which at most batch are served together (default 32); they are in memory, and latency is that of a query (default: the same batch, or an ensemble's images, again and again)" enum:"single-stream multi-stream offline server" kinds:"inference ensemble"`
	Rate int    `json:"rate,omitempty" doc:"images that arrive per second on average, as a Poisson process, for mode server" min:"1" max:"1000000" kinds:"inference ensemble"`
	Load int    `json:"load,omitempty" doc:"rate as per cent of the images per second that this arm scores offline, which is measured before anything is timed, for mode server (default 50)" min:"1" max:"1000" kinds:"inference ensemble"`

	Passes        int    `json:"passes,omitempty" doc:"Monte-Carlo passes with dropout (default: one pass without)" min:"2" max:"1000" kinds:"inference ensemble"`
	PassesThrough string `json:"passes_through,omitempty" doc:"what each Monte-Carlo pass goes through: the whole network, or only the head after one pass through the backbone, which is the same where dropout is in the head alone (default head there)" enum:"network head" kinds:"inference"`
	Aggregate     string `json:"aggregate,omitempty" doc:"how mean and variance over members and Monte-Carlo passes are made: all outputs are kept, or streamed through running moments; weighted weighs members by the inverse variances of their passes instead (default: none are made without passes, stream with them)" enum:"keep stream weighted" kinds:"ensemble"`

	Trained []string `json:"trained,omitempty" doc:"trained networks whose weights are used, by their names in the cache, one for each member; without them the arm is skipped (default: weights of a formula, from the seed)" kinds:"inference ensemble"`

	Layout string `json:"layout,omitempty" doc:"order of the images' values in memory (default contiguous)" enum:"contiguous channels-last" kinds:"train inference"`
	Plan   string `json:"plan,omitempty" doc:"program made of the network, or of each member, once that computes its logits: BatchNorm folded and nothing else, or oneDNN's fused operators in these numbers, or the network's own operators with linear layers in int8 as PyTorch's quantize_dynamic has them (default none: the network's own forward pass)" enum:"folded fp32 bf16 int8 dynamic" kinds:"inference ensemble"`
	Search bool   `json:"search,omitempty" doc:"a short search chooses how a batch goes through the plan, in passes of how many images and sessions of how many threads; its trials are among the facts" kinds:"inference"`

	Engine string `json:"engine,omitempty" doc:"what runs the network, for the PyTorch worker alone: PyTorch as it is, traced and optimised, compiled with its weights as constants, or with its own quantisation; or another library, which gets the network as ONNX (default eager)" enum:"eager torchscript compile x86 onnxruntime openvino" kinds:"inference"`

	Script   string `json:"script,omitempty" doc:"what is TorchScript: an ensemble's fusion, for aggregate weighted, or the networks as well (default none: operators are called one by one)" enum:"fusion model" kinds:"inference ensemble"`
	Freeze   bool   `json:"freeze,omitempty" doc:"weights of scripts become constants, and BatchNorm goes into convolutions" kinds:"inference ensemble"`
	Optimise bool   `json:"optimise,omitempty" doc:"frozen scripts are optimised for inference by libtorch" kinds:"inference ensemble"`

	Precision     string `json:"precision,omitempty" doc:"types of the forward pass: of training fp32, or autocast to 16 bits, fp16 with a gradient scaler; of inference those of an engine, where lens has plans (default fp32, of engine x86 int8)" enum:"fp32 bf16 fp16 int8" kinds:"train inference"`
	Accumulate    int    `json:"accumulate,omitempty" doc:"micro-batches of batch images whose gradients make one step (default 1)" min:"1" max:"4096" kinds:"train"`
	Checkpointing string `json:"checkpointing,omitempty" doc:"what the backward pass computes again instead of keeping it (default none)" enum:"none block stage every-2 every-3 every-4" kinds:"train"`

	Optimizer string `json:"optimizer,omitempty" doc:"how AdamW changes the weights: in one fused kernel, or weight by weight in a loop of operators (default fused)" enum:"fused loop" kinds:"train"`

	Budget   int    `json:"budget,omitempty" doc:"MiB of tensors that there may be; an iteration is then of images images, in steps of batch images" min:"1" max:"1048576" kinds:"train"`
	Adaptive string `json:"adaptive,omitempty" doc:"rule that changes the batch under a budget: doubling below 80 % of it and halving above 95 %, or the best throughput (default: the batch stays)" enum:"doubling throughput" kinds:"train"`
	Monitor  string `json:"monitor,omitempty" doc:"what is read after every step to know the peak of memory: the resident set, or the exact peak of an allocator that counts (default nothing)" enum:"rss allocator" kinds:"train"`

	Scales             []string `json:"scales,omitempty" doc:"sides at which the network sees every image, in this order, the reference of the consistency term first" enum:"32 48 64 80 96 112 128 160 192 224" kinds:"train"`
	ScaleMode          string   `json:"scale_mode,omitempty" doc:"way back from the losses of several scales (default summed)" enum:"summed per-scale grouped" kinds:"train"`
	ScaleBudget        int      `json:"scale_budget,omitempty" doc:"MiB of activations that a group of scales may have, for scale_mode grouped" min:"1" max:"1048576" kinds:"train"`
	ScaleSplit         bool     `json:"scale_split,omitempty" doc:"images pass through large scales in parts that have no more pixels than the batch at the smallest" kinds:"train"`
	ScaleCheckpointing string   `json:"scale_checkpointing,omitempty" doc:"checkpointing of the largest scale alone" enum:"none block stage every-2 every-3 every-4" kinds:"train"`

	Source     string `json:"source,omitempty" doc:"where images come from: memory, or simulated ones in files; those of training are one step's worth in memory, and files are read as lens train does (default memory); those of an ensemble in memory are read from their files before anything is timed (default disk)" enum:"memory disk" kinds:"train ensemble"`
	Format     string `json:"format,omitempty" doc:"format of the files of source disk (default npy)" enum:"npy png" kinds:"train ensemble"`
	Workers    int    `json:"workers,omitempty" doc:"goroutines that read and decode ahead; without it images are read when they are wanted" min:"1" max:"256" kinds:"train ensemble"`
	Prefetch   int    `json:"prefetch,omitempty" doc:"batches ahead, per worker (default 2)" min:"1" max:"256" kinds:"train ensemble"`
	Persistent bool   `json:"persistent,omitempty" doc:"workers begin the next epoch before the last batch of this one is used" kinds:"train"`
	Cache      string `json:"cache,omitempty" doc:"where decoded images are kept for later epochs (default none)" enum:"none memory mapped" kinds:"train"`
	Layers     string `json:"layers,omitempty" doc:"mode of the layers when gradients are checked: frozen is BatchNorm with running statistics and no dropout, so that an image's gradient does not depend on its batch (default training)" enum:"training frozen" kinds:"train"`

	Ranks       int    `json:"ranks,omitempty" doc:"processes that train one network together, each with batch images of every micro-batch and with threads of its own (default 1)" min:"1" max:"64" kinds:"train"`
	Exchange    string `json:"exchange,omitempty" doc:"how gradients go from rank to rank: shared is through the memory of the machine where all ranks are on one, gloo through its network (default shared)" enum:"shared gloo" kinds:"train"`
	CheckImages int    `json:"check_images,omitempty" doc:"images whose mean gradient is checked, a multiple of batch × ranks, so that arms with steps of different sizes can be compared (default: those of a step)" min:"1" max:"65536" kinds:"train"`
	Compile     bool   `json:"compile,omitempty" doc:"torch.compile, for the PyTorch worker alone" kinds:"train"`

	Threads int `json:"threads,omitempty" doc:"compute threads, of the whole arm or of each of its ranks (default: all cores, or a rank's share of them)" min:"1" max:"1024" kinds:"inference train ensemble"`
	Seed    int `json:"seed,omitempty" doc:"seed of weights and images" min:"0" max:"2147483647" kinds:"inference train ensemble"`

	// Delay plants a slowdown that the instrument must see. Not set, it is no part of
	// what identifies an arm.
	Delay float64 `json:"delay,omitempty" doc:"per cent by which every iteration, or query, is made longer: a wait that keeps a core busy and is part of the time (default none)" min:"0.1" max:"100" kinds:"inference train ensemble"`
}

// A Field describes one setting, read off the tags of Settings.
type Field struct {
	Key   string       // name in YAML and JSON
	Doc   string       // meaning, without a final dot
	Type  reflect.Kind // Int, Float64, String, Bool or Slice (of strings)
	Enum  []string     // allowed values, empty if free
	Min   float64      // smallest allowed value, if HasRange
	Max   float64      // largest allowed value, if HasRange
	Kinds []string     // workload kinds it belongs to, empty for all

	Needed   []string // workload kinds that cannot do without it
	HasRange bool
	index    int
}

var fields = readFields()

// Fields returns all settings in the order of the struct.
func Fields() []Field { return append([]Field(nil), fields...) }

// FieldByKey returns the setting of that name.
func FieldByKey(key string) (Field, bool) {
	for _, f := range fields {
		if f.Key == key {
			return f, true
		}
	}
	return Field{}, false
}

func readFields() []Field {
	t := reflect.TypeFor[Settings]()
	out := make([]Field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		key, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		f := Field{Key: key, Doc: sf.Tag.Get("doc"), Type: sf.Type.Kind(), index: i,
			Enum: strings.Fields(sf.Tag.Get("enum")), Kinds: strings.Fields(sf.Tag.Get("kinds")),
			Needed: strings.Fields(sf.Tag.Get("need"))}
		if lo, ok := sf.Tag.Lookup("min"); ok {
			f.HasRange = true
			f.Min, _ = strconv.ParseFloat(lo, 64)
			f.Max, _ = strconv.ParseFloat(sf.Tag.Get("max"), 64)
		}
		out = append(out, f)
	}
	return out
}

// IsSet says whether the setting has a value other than its zero value.
func (s Settings) IsSet(f Field) bool { return !reflect.ValueOf(s).Field(f.index).IsZero() }

// Value returns the setting's value (an int, string, bool, float64 or []string).
func (s Settings) Value(f Field) any { return reflect.ValueOf(s).Field(f.index).Interface() }

// Set stores v, which must have the field's Go type.
func (s *Settings) Set(f Field, v any) {
	reflect.ValueOf(s).Elem().Field(f.index).Set(reflect.ValueOf(v))
}

// Overlay returns s with every setting that over has laid on top.
func (s Settings) Overlay(over Settings) Settings {
	for _, f := range fields {
		if over.IsSet(f) {
			s.Set(f, over.Value(f))
		}
	}
	return s
}

// Hash identifies the settings: 12 hexadecimal digits of the SHA-256 of their
// canonical JSON.
func (s Settings) Hash() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a struct of plain fields always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// DecodeSettings reads settings strictly: a key that this build does not know
// is an *Error of kind UnknownSetting.
func DecodeSettings(raw json.RawMessage) (Settings, error) {
	var s Settings
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return s, &Error{Kind: UnknownSetting, Message: fmt.Sprintf("setting %s is not known to this worker", name)}
		}
		return s, &Error{Kind: BadRequest, Message: fmt.Sprintf("settings: %v", err)}
	}
	return s, nil
}
