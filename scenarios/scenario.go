package scenarios

import (
	"reflect"

	"gopkg.in/yaml.v3"

	"lensbench/protocol"
	"lensbench/record"
)

// documentType is what a file is decoded into.
var documentType = reflect.TypeFor[document]()

// A Scenario is a scenario file that has been read and checked.
type Scenario struct {
	Name   string        // unique; the file's name without its ending
	Title  string        // one line
	File   string        // where it was read from
	Claim  *record.Claim // nil if it puts none to the test
	Suites []string      // suites that it belongs to

	named *yaml.Node // where the file gives its name
	doc   document
}

// Parse reads one scenario. file names it in messages, and the scenario must
// be called as the file is. The error is Problems: all of them, in order.
func Parse(file string, data []byte) (Scenario, error) {
	d := decoder{source: read(file, data), at: make(map[string]pair)}
	if d.root == nil {
		return Scenario{}, d.problems.err()
	}
	var doc document
	whole := len(d.problems) == 0
	d.structure(pair{value: d.root}, "the scenario", "", reflect.ValueOf(&doc).Elem())
	if whole && d.root.Kind == yaml.MappingNode {
		d.check(&doc)
	}
	if len(d.problems) > 0 {
		return Scenario{}, d.problems.err()
	}
	s := doc.scenario(file)
	s.named = d.at["name"].value
	return s, nil
}

func (doc document) scenario(file string) Scenario {
	s := Scenario{Name: string(doc.Name), Title: doc.Title, File: file, Suites: doc.Suites, doc: doc}
	if doc.Claim != nil {
		s.Claim = &record.Claim{ID: string(doc.Claim.ID), Says: doc.Claim.Says}
	}
	return s
}

// resolve returns the settings of an arm outside the matrix.
func (doc *document) resolve(a arm) protocol.Settings {
	var s protocol.Settings
	doc.Workload.apply(&s)
	a.Set.apply(&s)
	return s
}

// worker is the program that runs the arm.
func (a arm) worker() string {
	if a.Worker == "" {
		return "lens"
	}
	return a.Worker
}
