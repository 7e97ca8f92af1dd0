package scenarios

import (
	"lensbench/protocol"
	"lensbench/record"
)

// A document is a scenario file as written. Its tags are the schema, together
// with those of protocol.Settings:
//
//	yaml  key
//	doc   what the key means
//	need  "true": the key must be there
//	enum  allowed values, separated by spaces
//	min   smallest allowed value, inclusive
//	max   largest allowed value, inclusive
type document struct {
	Name     name     `yaml:"name" need:"true" doc:"name of the scenario and, with .yaml, of its file"`
	Title    string   `yaml:"title" need:"true" doc:"what is compared, for tables; one line"`
	Claim    *claim   `yaml:"claim" doc:"promise that the scenario puts to the test"`
	Workload settings `yaml:"workload" need:"true" doc:"settings that all arms share"`
	Matrix   matrix   `yaml:"matrix" doc:"settings to vary: every combination is a cell of its own"`
	Control  arm      `yaml:"control" need:"true" doc:"arm that the variants are compared with; {} for the workload as it is"`
	Variants variants `yaml:"variants" need:"true" doc:"arms that are compared with the control, by name"`
	Decides  decides  `yaml:"decides" doc:"variant, and for each axis of the matrix the value, whose result decides the claim"`
	Check    *check   `yaml:"check" doc:"what must be equal between arms for a speed-up to count"`
	Measure  []string `yaml:"measure" enum:"throughput efficiency latency memory activations energy" doc:"what is reported (default throughput, latency); efficiency is that of ranks, throughput divided by their number and by the throughput of one; memory, of which activations are a part, takes a pass of its own, and so does energy, which the machine must count"`
	Profile  bool     `yaml:"profile" doc:"true: the time of each arm is also shown by operator, from a pass of its own after the timing; it decides nothing"`
	Expect   []expect `yaml:"expect" doc:"what the claim says in numbers: the deciding variant's metric divided by the control's; without it the check decides the claim"`
	Suites   []string `yaml:"suites" enum:"quick nightly full peer" doc:"suites that the scenario belongs to"`
	Plan     plan     `yaml:"plan" doc:"how much is measured"`
	Same     bool     `yaml:"same" doc:"true: the arms do not differ, on purpose, to test the instrument itself"`
}

// A claim is a promise in the words of whoever made it.
type claim struct {
	ID   name   `yaml:"id" need:"true" doc:"short name of the claim"`
	Says string `yaml:"says" need:"true" doc:"the promise, in the words of whoever made it"`
}

// An arm is how the control and the variants differ from the workload.
type arm struct {
	Set    settings `yaml:"set" doc:"settings laid over the workload's"`
	Worker string   `yaml:"worker" enum:"lens pytorch" doc:"program that does the work (default lens)"`
	Needs  needs    `yaml:"needs" doc:"what the machine must have, one word or a list: cuda; a type of numbers in hardware; several accelerators, such as 2 devices. Without it the arm is skipped"`
	Single string   `yaml:"single" doc:"of an arm of several ranks: the arm that does the same with one, to which their efficiency relates"`
}

// A check names the outputs that every arm must share with the control: one of
// those of the workload's kind, see outputs.
type check struct {
	Logits    *float64 `yaml:"logits" min:"0" max:"1" doc:"of inference and ensembles: largest allowed difference of a logit to the control's, relative to max(1, |control|); 0 for identical bits"`
	Losses    *float64 `yaml:"losses" min:"0" max:"1" doc:"of training: largest allowed difference of the losses of the first steps to the control's, likewise"`
	Gradients *float64 `yaml:"gradients" min:"0" max:"1" doc:"of training: largest allowed difference of a gradient to the control's, relative to the largest of the control's; 0 for identical bits"`
	Norms     *float64 `yaml:"norms" min:"0.001" max:"1000000" doc:"of training: largest norm that the gradients of any step of a short training may have, before clipping; all must be finite"`
	Weights   *float64 `yaml:"weights" min:"0" max:"1" doc:"of training: largest allowed difference of how far, and in which directions, the first few steps move each weight tensor, in units of the learning rate, relative to max(1, |control|)"`
	Final     string   `yaml:"final_quality" enum:"seed-band" doc:"of training: seed-band, after the same short training from a few seeds the means of the loss and of the AUROC on images held back each lie where the control's seeds predict them (99 %), and no step more lacks a finite gradient norm"`
	Fused     *float64 `yaml:"fused" min:"0" max:"1" doc:"of ensembles: largest allowed difference of a mean or variance over the members to the control's, relative to max(1, |control|)"`
	Scores    *scores  `yaml:"scores" doc:"of trained networks: what they may say otherwise of test images than the control"`
	Digests   *exact   `yaml:"digests" doc:"exact: what the work says must be the same bits is, such as the batches of an epoch in their order"`
}

// scores say how far scores of test images may be from the control's.
type scores struct {
	AUROCDrop *float64 `yaml:"auroc_drop" need:"true" min:"0.00001" max:"0.5" doc:"most that the AUROC may fall below the control's"`
	Decisions *float64 `yaml:"decisions" min:"0.00001" max:"1" doc:"largest share of images whose decision, at the threshold for a false-positive rate of 1 %, is not the control's (default: any)"`
	Images    *int     `yaml:"images" min:"10" max:"1000000" doc:"test images that are scored, the first ones (default 1000)"`
	Survey    *name    `yaml:"survey" doc:"survey in the cache that they are of (default default, which make train simulates)"`
}

// limits fills in the defaults.
func (s scores) limits() *record.ScoreLimits {
	return &record.ScoreLimits{AUROCDrop: *s.AUROCDrop, Changed: or(s.Decisions, 0), Images: or(s.Images, 1000), Survey: string(or(s.Survey, "default"))}
}

// outputs are what work of each kind can be checked by, the keys of a check.
var outputs = map[string][]string{
	"inference": {protocol.CheckLogits, protocol.CheckScores, protocol.CheckDigests},
	"ensemble":  {protocol.CheckLogits, protocol.CheckFused, protocol.CheckScores, protocol.CheckDigests},
	"train":     {protocol.CheckLosses, protocol.CheckGradients, protocol.CheckNorms, protocol.CheckWeights, protocol.CheckFinalQuality, protocol.CheckDigests},
}

// equal returns what a check asks for.
func (c check) equal() *record.Equal {
	switch {
	case c.Losses != nil:
		return &record.Equal{Output: protocol.CheckLosses, Tolerance: *c.Losses}
	case c.Gradients != nil:
		return &record.Equal{Output: protocol.CheckGradients, Rule: record.RuleLargest, Tolerance: *c.Gradients}
	case c.Norms != nil:
		return &record.Equal{Output: protocol.CheckNorms, Rule: record.RuleBound, Tolerance: *c.Norms}
	case c.Weights != nil:
		return &record.Equal{Output: protocol.CheckWeights, Tolerance: *c.Weights}
	case c.Final != "":
		return &record.Equal{Output: protocol.CheckFinalQuality, Rule: record.RuleSeedBand, Tolerance: 1}
	case c.Fused != nil:
		return &record.Equal{Output: protocol.CheckFused, Tolerance: *c.Fused}
	case c.Scores != nil:
		return &record.Equal{Output: protocol.CheckScores, Rule: record.RuleScores, Tolerance: 1, Scores: c.Scores.limits()}
	case c.Digests != nil:
		return &record.Equal{Output: protocol.CheckDigests, Rule: record.RuleDigest}
	}
	return &record.Equal{Output: protocol.CheckLogits, Tolerance: *c.Logits}
}

// An expect is the nearer end of a claimed range.
type expect struct {
	Metric string `yaml:"metric" need:"true" enum:"throughput efficiency latency memory_peak activation_peak" doc:"metric that the claim is about"`
	Ratio  bound  `yaml:"ratio" need:"true" doc:"bound on variant ÷ control, such as \">= 1.4\""`
}

// A plan says how much is measured; record.Plan explains the numbers.
type plan struct {
	Restarts  *int      `yaml:"restarts" min:"1" max:"1000" doc:"fresh processes of every arm (default 24); a verdict needs 8"`
	Looks     looks     `yaml:"looks" doc:"numbers of restarts after which arms that are decided are no longer measured, such as [8, 12, 16, 24, 36]; the last is the most, and restarts may be left away"`
	Blocks    *int      `yaml:"blocks" min:"1" max:"10000" doc:"samples of every arm per restart (default 40)"`
	Warmup    *int      `yaml:"warmup" min:"0" max:"100000" doc:"iterations before the first block of a restart (default 3)"`
	Sample    *duration `yaml:"sample" min:"1ms" max:"1m" doc:"time that the iterations of a sample should take together (default 20ms); work that takes longer is sampled one iteration at a time"`
	TimeLimit *duration `yaml:"time_limit" min:"1s" max:"24h" doc:"longest wait for any one answer of a worker (default 2m)"`
}
