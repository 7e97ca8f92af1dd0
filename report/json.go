package report

import (
	"encoding/json"
	"io"
	"time"

	"lensbench/record"
)

// A Document is the report for programs.
type Document struct {
	Schema   int             `json:"schema"` // record.Schema
	Run      Identity        `json:"run"`
	Verdicts record.Verdicts `json:"verdicts"`
}

// An Identity says which run a document is about.
type Identity struct {
	ID        string         `json:"id"`
	Started   time.Time      `json:"started"` // UTC
	Command   []string       `json:"command"` // repeats the run
	MachineID string         `json:"machine_id"`
	Machine   record.Machine `json:"machine"`
	Context   record.Context `json:"context"`
}

// JSON writes the report as one JSON document. Numbers that are not finite are
// strings, as in all documents of a run.
func JSON(w io.Writer, run record.Run, v record.Verdicts) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(Document{
		Schema: record.Schema,
		Run: Identity{
			ID:        run.ID,
			Started:   run.Started.UTC(),
			Command:   run.Command,
			MachineID: run.Machine.ID(),
			Machine:   run.Machine,
			Context:   run.Context,
		},
		Verdicts: v,
	})
}
