package scenarios

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"
)

// compiled is the schema of scenario files, ready to validate with.
var compiled = sync.OnceValue(func() *jsonschema.Schema {
	b, err := Schema()
	if err != nil {
		panic(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("scenario.json")
})

// validate checks a YAML text with the schema, as an editor would. The second
// result is false for text that is no YAML to begin with.
func validate(text []byte) (error, bool) {
	var v any
	if yaml.Unmarshal(text, &v) != nil {
		return nil, false
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, false // NaN, or keys that are not words
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, false
	}
	return compiled().Validate(doc), true
}

// TestSchemaIsCurrent: schema.json, which the shipped scenarios name in their
// first line, is what Schema returns.
func TestSchemaIsCurrent(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile("schema.json"); !bytes.Equal(got, want) {
		t.Error("schema.json is not what Schema returns; write it with: go test ./scenarios -update")
	}
}

func TestSchemaAcceptsShipped(t *testing.T) {
	paths, _ := filepath.Glob("*.yaml")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err, ok := validate(text); !ok || err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// beyondSchema lists the broken files that a JSON Schema cannot refuse,
// because their mistake is a relation between two places or in what YAML
// leaves out of its values.
var beyondSchema = strings.Fields(`
	hexadecimal float-for-int date-for-title
	name-of-another-file
	axis-overridden too-many-cells identical-to-control identical-variants same-but-different
	decides-unknown-variant decides-control decides-value-not-in-matrix decides-without-matrix
	expect-not-measured expect-bad-side expect-twice claim-with-few-restarts limit-below-sample
	looks-order looks-end untrained-scores tags two-documents merge-key
	efficiency-without-single efficiency-without-ranks efficiency-looks efficiency-bad-side
	single-unknown single-of-several single-other-worker single-of-one single-unused`)

// TestSchemaRefusesBroken: what can be refused without knowing what refers to
// what, an editor refuses too.
func TestSchemaRefusesBroken(t *testing.T) {
	beyond := make(map[string]bool)
	for _, name := range beyondSchema {
		beyond[name] = true
	}
	archives, _ := filepath.Glob("testdata/broken/*.txtar")
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			name, ok := strings.CutSuffix(f.Name, ".yaml")
			if !ok {
				continue
			}
			err, valid := validate(f.Data)
			switch {
			case valid && err == nil && !beyond[name]:
				t.Errorf("%s: the schema accepts it", name)
			case valid && err != nil && beyond[name]:
				t.Errorf("%s: the schema refuses it after all; take it off the list", name)
			}
		}
	}
}
