package claims

// Groups of promises, in the order of the table.
const (
	Review = "review"  // speed and memory, as the review promises them
	Goals  = "quality" // what must not get worse
	Ours   = "ours"    // beyond the review
)

// A Promise is one row of the table.
type Promise struct {
	ID       string `json:"claim"`    // a scenario's claim.id
	Group    string `json:"group"`    // one of the groups
	Proposes string `json:"proposes"` // what is to be done
	Claimed  string `json:"claimed"`  // what it is to bring, in the words of whoever promises it
}

// Promises returns the table.
func Promises() []Promise { return append([]Promise(nil), promises...) }

var promises = []Promise{
	{"loader", Review, "parallel loading, pinned memory, persistent workers, prefetch_factor=4", "15–20 % of training throughput is lost without it"},
	{"ensemble-parallel", Review, "run the ensemble's members in parallel, not one after another", "+40–60 % throughput (elsewhere: 3×)"},
	{"ensemble-async", Review, "asynchronous loading for ensemble inference", "part of the 40–60 %"},
	{"ensemble-aggregate", Review, "memory-efficient aggregation of the members' outputs", "lower memory (judged as ≥ 10 % lower peak)"},
	{"ensemble-shard", Review, "place members on several devices (device map)", "larger ensembles fit"},
	{"multiscale-memory", Review, "multi-scale training in scale groups under a memory budget, with checkpointing for large scales", "−30–40 % memory"},
	{"accumulate", Review, "gradient accumulation, 4 micro-steps", "−20–30 % memory, larger effective batches"},
	{"checkpoint", Review, "gradient checkpointing", "−30–50 % memory"},
	{"adaptive-batch", Review, "double the batch below 80 % of the memory budget, halve it above 95 %", "better utilisation"},
	{"memory-monitor", Review, "peak-memory tracking while training", "no stated cost (judged as below 1 %)"},
	{"amp", Review, "mixed precision with gradient scaling", "2–3× speed, −20–30 % memory"},
	{"quantize", Review, "dynamic int8 quantisation of Linear and Conv2d", "2–4× inference speed"},
	{"jit", Review, "TorchScript for hot functions (ensemble fusion)", "+10–20 %"},
	{"distributed", Review, "distributed data-parallel training with a distributed sampler", "linear scaling (judged as efficiency ≥ 0.9)"},
	{"cache", Review, "caching of decoded data", "“advanced caching”"},
	{"overall", Review, "all of the above together", "2–4×"},

	{"accuracy-kept", Goals, "each optimisation keeps or improves accuracy", "accuracy kept or improved"},
	{"gradient-norms", Goals, "gradient norms stay finite and bounded", "finite and bounded"},
	{"repeatable", Goals, "same seed, same machine, same settings", "bit-identical weights and scores"},

	{"mc-dropout-head", Ours, "Monte-Carlo dropout that runs the backbone once and the head K times", "faster, same scores"},
	{"channels-last", Ours, "channels-last layout", "faster"},
	{"channels-last-inference", Ours, "channels-last layout in inference", "faster"},
	{"fast-path", Ours, "an inference plan: BatchNorm folded, oneDNN's fused operators, one call", "at least 1.35×, same logits"},
	{"fast-path-bf16", Ours, "an inference plan in bfloat16", "at least 2.4×"},
	{"fast-path-int8", Ours, "an inference plan in int8, additions of shortcuts too", "at least 3.9×"},
	{"fast-path-vit", Ours, "inference plans of the vision transformer", "at least 2.12× in bfloat16"},
	{"fold-batchnorm", Ours, "BatchNorm folded into convolutions", "faster inference, same logits"},
	{"fused-adamw", Ours, "fused AdamW against a loop of operators", "faster steps"},
	{"ensemble-plan", Ours, "an ensemble of inference plans in bfloat16, in its best schedule", "at least 2×, at most 0.1 % of the decisions changed"},
	{"ensemble-plan-int8", Ours, "the same in int8", "at least 3×, the AUROC at most 0.002 lower"},
	{"stacked-members", Ours, "one batched forward pass for members of equal shape", "faster ensembles"},
	{"peer-inference", Ours, "inference beside PyTorch eager on the same libtorch", "no slower: at least 0.97 of its throughput"},
	{"peer-training", Ours, "training beside PyTorch eager with fused AdamW", "no slower: at least 0.98 of its throughput"},
	{"peer-distributed", Ours, "two ranks beside two of PyTorch's DistributedDataParallel", "no slower: at least 0.98 of their efficiency"},
}
