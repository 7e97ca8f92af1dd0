package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"

	"lensbench/protocol"
)

//go:generate go test . -update

// A schemer knows its own JSON Schema.
type schemer interface {
	schema(f field) *jsonschema.Schema
}

// Schema returns the JSON Schema of scenario files, made from the same tags
// that Parse follows, for editors to complete and check. It cannot say what
// refers to what: a schema accepts some files that Parse refuses, and refuses
// none that Parse accepts.
func Schema() ([]byte, error) {
	root := objectSchema(documentType)
	root.Version = jsonschema.Version
	root.Title = "lensbench scenario"
	root.Description = "What is compared: a workload, a control and its variants, over a matrix of settings, and the claim that the comparison decides."
	for _, kind := range kinds() {
		root.AllOf = append(root.AllOf, kindSchema(kind))
	}
	root.DependentRequired = map[string][]string{
		"claim": {"decides", "check"}, "decides": {"claim"}, "expect": {"claim"},
	}
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("scenario schema: %w", err)
	}
	return append(b, '\n'), nil
}

func kinds() []string {
	f, _ := protocol.FieldByKey(kindKey)
	return f.Enum
}

// objectSchema is the schema of a mapping that is decoded into a struct.
func objectSchema(t reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for _, f := range fieldsOf(t) {
		s.Properties.Set(f.Key, describedSchema(base(t.Field(f.index).Type), f))
		if f.need {
			s.Required = append(s.Required, f.Key)
		}
	}
	return s
}

func describedSchema(t reflect.Type, f field) *jsonschema.Schema {
	s := typeSchema(t, f)
	s.Description = f.Doc
	return s
}

// typeSchema is the schema of a value that is decoded into a t.
func typeSchema(t reflect.Type, f field) *jsonschema.Schema {
	if v, ok := reflect.New(t).Interface().(schemer); ok {
		return v.schema(f)
	}
	switch t.Kind() {
	case reflect.Struct:
		return objectSchema(t)
	case reflect.Slice:
		return listSchema(typeSchema(t.Elem(), field{Field: itemOf(f.Field)}), true)
	}
	return valueSchema(f.Field)
}

func listSchema(items *jsonschema.Schema, unique bool) *jsonschema.Schema {
	one := uint64(1)
	return &jsonschema.Schema{Type: "array", Items: items, MinItems: &one, UniqueItems: unique}
}

// valueSchema is the schema of a single value, or of the words that a setting
// lists.
func valueSchema(f protocol.Field) *jsonschema.Schema {
	switch f.Type {
	case reflect.Slice:
		return listSchema(valueSchema(itemOf(f)), false)
	case reflect.Int, reflect.Float64:
		return numberSchema(f)
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	}
	s := &jsonschema.Schema{Type: "string"}
	if len(f.Enum) > 0 {
		s.Enum = anys(f.Enum)
		return s
	}
	most := uint64(titleLimit)
	s.Pattern, s.MaxLength = `^[^\r\n]*\S[^\r\n]*$`, &most
	return s
}

func numberSchema(f protocol.Field) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "number"}
	if f.Type == reflect.Int {
		s.Type = "integer"
	}
	if f.HasRange {
		s.Minimum, s.Maximum = json.Number(number(f.Min)), json.Number(number(f.Max))
	}
	return s
}

func anys(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

func (name) schema(field) *jsonschema.Schema {
	most := uint64(nameLimit)
	return &jsonschema.Schema{Type: "string", Pattern: goodName.String(), MaxLength: &most}
}

func (duration) schema(f field) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: durationText.String(),
		Examples: []any{"20ms", "1.5s", "2m"}}
}

func (bound) schema(field) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: boundText.String(), Examples: []any{">= 1.4"}}
}

func (exact) schema(field) *jsonschema.Schema {
	return &jsonschema.Schema{Enum: []any{"exact", 0, "0"}}
}

func (needs) schema(field) *jsonschema.Schema {
	word := &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Enum: anys(protocol.Needs())},
		{Type: "string", Pattern: protocol.DevicesPattern, Examples: []any{"2 devices"}},
	}}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{word, listSchema(word, true)}}
}

func (settings) schema(f field) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for _, sf := range protocol.Fields() {
		if sf.Key == kindKey && f.Key != "workload" {
			continue
		}
		one := valueSchema(sf)
		one.Description = sf.Doc
		s.Properties.Set(sf.Key, one)
	}
	if f.Key == "workload" {
		s.Required = []string{kindKey}
	}
	return s
}

func (matrix) schema(field) *jsonschema.Schema {
	s := settings.schema(nil, field{})
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		list := listSchema(p.Value, true)
		list.Description, p.Value.Description = p.Value.Description, ""
		p.Value = list
	}
	return s
}

func (variants) schema(field) *jsonschema.Schema {
	one := uint64(1)
	names := name("").schema(field{})
	names.Not = &jsonschema.Schema{Const: controlName}
	return &jsonschema.Schema{Type: "object", MinProperties: &one, PropertyNames: names,
		AdditionalProperties: objectSchema(reflect.TypeFor[arm]())}
}

func (decides) schema(field) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Required: []string{"variant"}, Properties: jsonschema.NewProperties()}
	s.Properties.Set("variant", name("").schema(field{}))
	s.PropertyNames = &jsonschema.Schema{Enum: append([]any{"variant"}, anys(settingKeys(false))...)}
	return s
}

// kindSchema restricts the settings of one kind of work to those it has.
func kindSchema(kind string) *jsonschema.Schema {
	own := &jsonschema.Schema{PropertyNames: &jsonschema.Schema{Enum: anys(keysOfKind(kind))}}
	arm := object("set", own)
	then := object("workload", own)
	then.Properties.Set("matrix", own)
	then.Properties.Set("control", arm)
	then.Properties.Set("variants", &jsonschema.Schema{AdditionalProperties: arm})
	then.Properties.Set("check", outputsSchema(kind))
	for _, f := range protocol.Fields() {
		if slices.Contains(f.Needed, kind) {
			either := []*jsonschema.Schema{requires("workload", f.Key), requires("matrix", f.Key)}
			then.AllOf = append(then.AllOf, &jsonschema.Schema{AnyOf: either})
		}
	}
	is := object(kindKey, &jsonschema.Schema{Const: kind})
	is.Required = []string{kindKey}
	return &jsonschema.Schema{If: object("workload", is), Then: then}
}

// outputsSchema restricts a check to one of the outputs that work of a kind has.
func outputsSchema(kind string) *jsonschema.Schema {
	own, one := outputs[kind], uint64(1)
	if own == nil {
		return jsonschema.FalseSchema
	}
	return &jsonschema.Schema{PropertyNames: &jsonschema.Schema{Enum: anys(own)}, MinProperties: &one, MaxProperties: &one}
}

// requires is the schema of a mapping whose section has the key.
func requires(section, key string) *jsonschema.Schema {
	s := object(section, &jsonschema.Schema{Required: []string{key}})
	s.Required = []string{section}
	return s
}

// object is the schema of a mapping whose key, if it is there, has a value of
// the given schema.
func object(key string, value *jsonschema.Schema) *jsonschema.Schema {
	s := &jsonschema.Schema{Properties: jsonschema.NewProperties()}
	s.Properties.Set(key, value)
	return s
}
