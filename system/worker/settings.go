package worker

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"lensbench/protocol"
	"lensbench/system/ensemble"
	"lensbench/system/model"
)

// Kinds of work.
const (
	kindInference = "inference"
	kindTrain     = "train"
	kindEnsemble  = "ensemble"
	kindNull      = "null"
)

var kinds = []string{kindInference, kindTrain, kindEnsemble, kindNull}

// decode reads, checks and completes settings.
func decode(raw json.RawMessage) (protocol.Settings, error) {
	if len(raw) == 0 {
		return protocol.Settings{}, refuse(protocol.BadRequest, "prepare without settings")
	}
	s, err := protocol.DecodeSettings(raw)
	if err != nil {
		return s, err
	}
	if !slices.Contains(kinds, s.Kind) {
		return s, unknown("kind", s.Kind, kinds)
	}
	for _, f := range protocol.Fields() {
		if err := check(s, f); err != nil {
			return s, err
		}
	}
	if err := checkMode(s); err != nil {
		return s, err
	}
	if s, err = complete(s); err != nil {
		return s, err
	}
	if err := checkPasses(s); err != nil {
		return s, err
	}
	if err := checkPlan(s); err != nil {
		return s, err
	}
	if err := checkPrecision(s); err != nil {
		return s, err
	}
	if err := checkScript(s); err != nil {
		return s, err
	}
	return s, checkBudget(s)
}

// checkScript refuses scripts of what cannot be one, and what becomes of none.
func checkScript(s protocol.Settings) error {
	weighted := s.Aggregate == ensemble.Weighted
	switch {
	case weighted && s.Passes == 0:
		return refuse(protocol.BadRequest, "aggregate: weighted; members are weighed by the variances of Monte-Carlo passes: setting %q is missing", "passes")
	case s.Optimise && !s.Freeze:
		return refuse(protocol.BadRequest, "optimise: libtorch optimises what is frozen; set freeze, too")
	case s.Freeze && s.Script == "":
		return refuse(protocol.BadRequest, "freeze: scripts are frozen, and script is not set")
	case s.Script == "":
		return nil
	case s.Kind == kindInference && s.Script == ensemble.ScriptFusion:
		return refuse(protocol.Unsupported, "script: fusion; one network has nothing to fuse, kind ensemble has")
	case s.Script == ensemble.ScriptFusion && !weighted:
		return refuse(protocol.Unsupported, "script: fusion without aggregate: weighted, which is what is fused so")
	case s.Plan != "":
		return refuse(protocol.Unsupported, "script: %s with plan: %s; leave one of them out", s.Script, s.Plan)
	case s.Kind == kindInference && s.Passes > 0:
		return refuse(protocol.Unsupported, "script: model with passes: a script of a network has no dropout; leave one of them out")
	case s.Device == ensemble.CUDA || s.Schedule == string(ensemble.Stacked):
		return refuse(protocol.Unsupported, "script: %s is for members on the CPU, each by itself", s.Script)
	}
	return nil
}

// checkPasses refuses ways to sample where nothing is sampled.
func checkPasses(s protocol.Settings) error {
	if s.PassesThrough != "" && s.Passes == 0 {
		return refuse(protocol.BadRequest, "passes_through: %s; without Monte-Carlo there is one pass: setting %q is missing", s.PassesThrough, "passes")
	}
	return nil
}

// checkPlan refuses settings that plans have no part in.
func checkPlan(s protocol.Settings) error {
	switch {
	case s.Search && s.Plan == "":
		return refuse(protocol.BadRequest, "search: it chooses how a batch goes through a plan, and plan is not set")
	case s.Search && s.Mode != "":
		return refuse(protocol.Unsupported, "search with mode %s: what is chosen is for one number of images, and queries have others", s.Mode)
	case s.Search && s.Passes > 0:
		return refuse(protocol.Unsupported, "search with passes: what is chosen is for one pass through a plan; leave one of them out")
	case s.Plan != "" && s.PassesThrough == throughNetwork:
		return refuse(protocol.Unsupported, "plan: %s with passes_through: network: a plan has no dropout, so passes are through the head alone", s.Plan)
	}
	return nil
}

// checkPrecision refuses numbers that the work is not in.
func checkPrecision(s protocol.Settings) error {
	switch {
	case s.Precision != "" && s.Kind == kindInference:
		return refuse(protocol.Unsupported, "precision: %s; inference in other numbers is a plan's: set plan instead", s.Precision)
	case s.Precision == "int8":
		return refuse(protocol.Unsupported, "precision: int8; training is in fp32, bf16 or fp16")
	}
	return nil
}

// check checks one setting against its description.
func check(s protocol.Settings, f protocol.Field) error {
	if !s.IsSet(f) {
		if slices.Contains(f.Needed, s.Kind) {
			return refuse(protocol.BadRequest, "setting %q is missing", f.Key)
		}
		return nil
	}
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, s.Kind) {
		return refuse(protocol.BadRequest, "setting %q does not belong to kind %s, but to %s", f.Key, s.Kind, strings.Join(f.Kinds, ", "))
	}
	switch v := reflect.ValueOf(s.Value(f)); {
	case len(f.Enum) > 0:
		return checkEnum(f, v)
	case f.HasRange && !(number(v) >= f.Min && number(v) <= f.Max):
		return refuse(protocol.BadRequest, "%s: %v, want %g to %g", f.Key, v, f.Min, f.Max)
	}
	return nil
}

func number(v reflect.Value) float64 {
	if v.CanInt() {
		return float64(v.Int())
	}
	return v.Float()
}

// checkEnum checks a word or a list of words.
func checkEnum(f protocol.Field, v reflect.Value) error {
	words, ok := v.Interface().([]string)
	if !ok {
		words = []string{v.String()}
	}
	for _, w := range words {
		if !slices.Contains(f.Enum, w) {
			return unknown(f.Key, w, f.Enum)
		}
	}
	return nil
}

// unknown is for values that a newer bench may know.
func unknown(key, value string, known []string) error {
	return refuse(protocol.UnknownSetting, "%s: %q is not known to this worker, want one of %s", key, value, strings.Join(known, ", "))
}

// complete sets what is not set.
func complete(s protocol.Settings) (protocol.Settings, error) {
	base := protocol.Settings{Batch: 1, Bands: 3}
	switch s.Kind {
	case kindInference, kindTrain:
		m, err := model.New(s.Model, 1)
		if err != nil {
			return s, err
		}
		base.Pixels = m.Pixels
		if s.Kind == kindTrain {
			base.Images = 1024
			if s.Budget > 0 {
				base.Images = 256
			}
		}
	case kindEnsemble:
		base.Members = []string{"resnet18", "vit_b_16", "light_transformer"}
		base.Schedule = string(ensemble.Sequential)
		base.Pixels, base.Images = 112, 4
		if s.Passes > 0 {
			base.Aggregate = ensemble.Stream
		}
	}
	if s.Mode != "" {
		base = base.Overlay(modeDefaults(s))
		base.Source = sourceFor(s.Kind)
	}
	return base.Overlay(s), nil
}

// sourceFor is where a kind of work has images that are served: those of inference have
// no other place than memory.
func sourceFor(kind string) string {
	if kind == kindEnsemble {
		return sourceMemory
	}
	return ""
}
