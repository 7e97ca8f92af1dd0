package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lensbench/system/atomic"
	"lensbench/system/nn"
	"lensbench/system/safetensors"
)

// Names of the checkpoints in a run's directory.
const (
	LastName = "last.safetensors"
	BestName = "best.safetensors"
)

// Checkpoints are the names that a run can be resumed from.
var Checkpoints = map[string]string{"last": LastName, "best": BestName}

const (
	stateKey  = "state"   // in the metadata
	firstKey  = "exp_avg" // of AdamW's first moments, which are named as in PyTorch
	secondKey = "exp_avg_sq"
	optimizer = "optimizer" // begins the names of its tensors
	stepName  = optimizer + ".step"
	rngName   = "generator" // state of the random number generator
)

func momentName(key, param string) string { return optimizer + "." + key + "." + param }

// A checkpoint is a checkpoint that is open for reading.
type checkpoint struct {
	*safetensors.File
	State State
}

// Peek returns what a checkpoint says of itself; its tensors may still turn out
// to be damaged. A checkpoint that was cut short is an error.
func Peek(path string) (*State, error) {
	f, err := safetensors.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noRun(path)
	}
	if err != nil {
		return nil, damaged(path, err)
	}
	defer f.Close()
	return readState(f)
}

// openCheckpoint opens a checkpoint and makes sure that nothing in it was
// changed. The caller closes it.
func openCheckpoint(path string) (*checkpoint, error) {
	f, err := safetensors.OpenSealed(path)
	if err != nil {
		return nil, damaged(path, err)
	}
	state, err := readState(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &checkpoint{f, *state}, nil
}

// noRun says that there is no checkpoint.
func noRun(path string) error {
	return fmt.Errorf("%s: is not there, so there is no run to go on with; without --resume one begins", path)
}

// damaged adds to an error of format what can be done about it.
func damaged(path string, err error) error {
	if !errors.Is(err, safetensors.ErrFormat) || filepath.Base(path) != LastName {
		return err
	}
	best, bestErr := Peek(filepath.Join(filepath.Dir(path), BestName))
	if bestErr != nil {
		return fmt.Errorf("%w; there is no other checkpoint to go on from", err)
	}
	return fmt.Errorf("%w; %s is of %s, and --from best goes on from it", err, BestName, best.Where())
}

func readState(f *safetensors.File) (*State, error) {
	text, ok := f.Metadata[stateKey]
	if !ok {
		return nil, fmt.Errorf("%s: holds weights, but not the state of a training run; --init begins a run with them", f.Name())
	}
	var version struct{ Schema int }
	if err := json.Unmarshal([]byte(text), &version); err != nil {
		return nil, fmt.Errorf("%s: state of the run: %w", f.Name(), err)
	}
	if version.Schema != StateSchema {
		return nil, fmt.Errorf("%s: state of schema %d, this program reads %d", f.Name(), version.Schema, StateSchema)
	}
	var s State
	if err := strictJSON([]byte(text), &s); err != nil {
		return nil, fmt.Errorf("%s: state of the run: %w", f.Name(), err)
	}
	if err := s.Settings.Check(); err != nil {
		return nil, fmt.Errorf("%s: settings of the run: %w", f.Name(), err)
	}
	return &s, nil
}

// Fill reads one parameter, as nn.Source has it.
func (c *checkpoint) Fill(p *nn.Param, dst []float32) error { return c.ReadFloat32(p.Name, dst) }

// Count reads one counter, as nn.Counted has it.
func (c *checkpoint) Count(p *nn.Param) (int64, error) {
	var n [1]int64
	err := c.ReadInt64(p.Name, n[:])
	return n[0], err
}

var (
	_ nn.Source  = (*checkpoint)(nil)
	_ nn.Counted = (*checkpoint)(nil)
)

// writeCheckpoint writes a checkpoint, which is there as a whole or not at all,
// and to stay.
func writeCheckpoint(path string, s *State, tensors []safetensors.Source) error {
	return safetensors.WriteSealedFile(path, map[string]string{"format": "pt", stateKey: string(mustJSON(s))}, tensors)
}

// share makes the file at path hold what from holds, without another copy of it
// on the disk if the file system can. Files that were written are never changed,
// so it does not matter whether there are two.
func share(from, path string) error {
	name := filepath.Join(filepath.Dir(path), ".new-"+filepath.Base(path))
	os.Remove(name)
	if err := os.Link(from, name); err != nil {
		return err
	}
	if err := os.Rename(name, path); err != nil {
		return err
	}
	if sameFile(from, name) { // rename does nothing between two names of one file
		os.Remove(name)
	}
	return atomic.SyncDir(filepath.Dir(path))
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// checkpointBytes is the size of the tensors of a checkpoint of a network.
func checkpointBytes(ps *nn.Params) int64 {
	const rest = 1 << 16 // the state, the header, the random number generator
	return ps.Bytes() + 2*4*ps.Trainable() + rest
}
