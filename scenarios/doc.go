// Package scenarios turns scenario files into the cells that a run measures.
//
// A scenario says in YAML what is compared: one workload, a control and its
// variants, perhaps over a matrix of settings, and the claim that the
// comparison decides. Parse reads one file strictly, Expand lays the matrix
// out into cells with resolved settings, and the files of this directory are
// embedded, so that bench runs without its sources.
//
// A scenario is written once and then believed for years, so nothing in it is
// ignored or guessed: an unknown key, a value out of range, a variant that
// does not differ from its control or a claim that nothing decides is a
// Problem with file, line, column, the offending text, what is expected
// instead and the nearest valid name. All problems of a file come at once.
//
// What may be written is said in one place, the tags of document and of
// protocol.Settings; the decoder and the JSON Schema both follow them. YAML's
// own ways of saying a thing twice (anchors, aliases, merge keys, tags, several
// documents) are refused: a reader of a scenario should see its settings where
// they apply, and a parser that expands aliases can be made to eat the memory
// of the machine.
//
// The package does not know what a machine or a worker can do; whether an arm
// can run here is found out by the runner.
package scenarios
