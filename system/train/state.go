package train

import (
	"fmt"
	"strings"

	"lensbench/system/optim"
)

// A State is where a run is, but for tensors. It has no times and no paths, so
// equal runs have equal checkpoints, to the byte.
type State struct {
	Schema   int      `json:"schema"`
	Settings Settings `json:"settings"`
	Data     Data     `json:"data"`
	Machine  Machine  `json:"machine"`

	Epoch int `json:"epoch"` // complete epochs
	Batch int `json:"batch"` // complete batches of the next one, in each rank
	Step  int `json:"step"`  // complete steps of all epochs

	// Offset is the number of images of the next epoch that were used before its
	// Batch batches, by another number of ranks.
	Offset int `json:"offset,omitempty"`

	Interval sums `json:"interval"` // since the last line of the journal
	Sums     sums `json:"sums"`     // of the epoch

	Schedule *plateauState      `json:"schedule,omitempty"`
	Stop     stopState          `json:"stop"`
	Scaler   *optim.ScalerState `json:"scaler,omitempty"` // nil: losses are not scaled
	Best     *Best              `json:"best,omitempty"`   // nil: no epoch yet
	Ended    string             `json:"ended,omitempty"`  // why training is over: one of the reasons; empty: it is not
}

// StateSchema is the version of a State's form.
const StateSchema = 1

// Reasons for the end of training.
const (
	AllEpochs = "all epochs"
	NoBetter  = "no better" // early stopping
)

// Best is the epoch with the lowest validation loss so far.
type Best struct {
	Epoch int     `json:"epoch"` // from 1
	Loss  float64 `json:"loss"`
}

// A Machine is what makes the last digits of results.
type Machine struct {
	Libtorch   string `json:"libtorch"`   // version
	Capability string `json:"capability"` // instruction set of its kernels
}

// Where says where the run is, in words.
func (s *State) Where() string {
	switch {
	case s.Ended != "":
		return fmt.Sprintf("its end, after epoch %d", s.Epoch)
	case s.Batch+s.Offset == 0 && s.Epoch == 0:
		return "its beginning"
	case s.Batch+s.Offset == 0:
		return fmt.Sprintf("the end of epoch %d of %d", s.Epoch, s.Settings.Epochs)
	}
	return fmt.Sprintf("step %d, in epoch %d of %d", s.Step, s.Epoch+1, s.Settings.Epochs)
}

// sameRun returns an error that names every difference between the run that s is
// of and the one that is asked for. Another number of ranks, with as many threads as
// that leaves to each, goes on with the run.
func (s *State) sameRun(settings Settings, data Data) error {
	of := s.Settings
	if of.Ranks != settings.Ranks {
		of.Ranks, of.Threads = settings.Ranks, settings.Threads
	}
	problems := differences(of, settings)
	for _, p := range differences(s.Data, data) {
		problems = append(problems, "data."+p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("is of another run: %s", strings.Join(problems, "; "))
	}
	return nil
}
