package train

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"lensbench/system/loader"
	"lensbench/system/ranks"
	"lensbench/torch"
)

// errStop ends the steps of a team in which one rank was interrupted.
var errStop = errors.New("a rank was interrupted")

// chief says whether this process writes what the run leaves.
func (r *run) chief() bool { return r.Team.Rank == 0 }

// world is the number of ranks.
func (s *Settings) world() int { return max(s.Ranks, 1) }

// unite makes the ranks alike: in state, first weights, moments and scale.
func (r *run) unite(sc *torch.Scope) error {
	if r.Team.Alone() {
		return nil
	}
	if err := r.takeState(sc); err != nil {
		return err
	}
	if r.at.CUDA {
		if err := r.Team.OnDevices(); err != nil {
			return err
		}
	}
	g, err := ranks.NewGradients(r.Team, r.model.Params, torch.ReducerConfig{})
	if err != nil {
		return err
	}
	r.engine.gradients, r.engine.Exchange = g, g
	if r.chief() {
		r.Watch.Note(fmt.Sprintf("%s exchange gradients %s", counted(r.Settings.world()), route(g)))
	}
	o := r.engine.AdamW
	return r.Team.Broadcast(append(append(append([]*torch.Tensor(nil), o.First...), o.Second...), o.Steps...)...)
}

// route says how gradients go from rank to rank.
func route(g *ranks.Gradients) string {
	if g.Shared() {
		return "through shared memory"
	}
	return "over the network"
}

// takeState takes the state of rank 0, which alone has read a checkpoint.
func (r *run) takeState(sc *torch.Scope) error {
	text, err := r.Team.Tell(sc, mustJSON(r.state))
	if err != nil || r.chief() {
		return err
	}
	data := r.state.Data
	r.state = State{}
	if err := strictJSON(text, &r.state); err != nil {
		return err
	}
	if d := differences(data, r.state.Data); d != nil {
		return fmt.Errorf("images are not those of rank 0: %s", strings.Join(d, "; "))
	}
	if r.engine.AdamW.Scaler != nil && r.state.Scaler != nil {
		r.engine.AdamW.Scaler.Restore(sc, *r.state.Scaler)
	}
	return restore(r.schedule, r.state.Schedule)
}

// agree tells all ranks whether one of them was interrupted, and whether rank 0 wants
// to save: they do either together, after the same step.
func (r *run) agree(ctx context.Context, due bool) (save bool, err error) {
	if r.Team.Alone() {
		return due, nil // the stream notices an interruption
	}
	var wants [2]float32
	if ctx.Err() != nil {
		wants[0] = 1
	}
	if due && r.chief() {
		wants[1] = 1
	}
	r.engine.sc.Scoped(func(sc *torch.Scope) {
		t := sc.FromFloat32(wants[:], 2)
		if err = r.Team.AllReduce(t); err == nil {
			err = t.CopyFloat32(wants[:])
		}
	})
	if err == nil && wants[0] > 0 {
		err = errStop
	}
	return wants[1] > 0, err
}

// streaming is the context of streams of images. A rank that is interrupted goes on
// until all know.
func (r *run) streaming(ctx context.Context) context.Context {
	if r.Team.Alone() {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// stopped says whether err is due to an interruption, so that the run can be saved.
func (r *run) stopped(ctx context.Context, err error) bool {
	return errors.Is(err, errStop) || r.Team.Alone() && ctx.Err() != nil
}

// maskSeed is what the masks of a step are drawn from in one of several ranks. It
// follows from the step, so that a checkpoint need not hold the generators of all
// ranks, and another number of ranks can go on from it.
func maskSeed(seed uint64, rank, step int) uint64 {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[0:], seed)
	binary.LittleEndian.PutUint64(b[8:], uint64(rank))
	binary.LittleEndian.PutUint64(b[16:], uint64(step))
	return xxhash.Sum64(b[:])
}

// meanLosses makes the losses of steps those of all ranks' images.
func (r *run) meanLosses(losses []float32) (err error) {
	if r.Team.Alone() {
		return nil
	}
	r.engine.sc.Scoped(func(sc *torch.Scope) {
		t := sc.FromFloat32(losses, int64(len(losses)))
		if err = r.Team.AllReduce(t); err == nil {
			err = sc.MulScalar(t, 1/float64(r.Settings.world())).CopyFloat32(losses)
		}
	})
	return err
}

// batches is the number of batches of the epoch that the run is in, and batchesOf
// that of one of which so many images are left out. All ranks have equally many, and
// no image comes twice.
func (r *run) batches() int { return r.batchesOf(r.state.Offset) }

func (r *run) batchesOf(offset int) int {
	return ranks.Steps(r.Train.Len()-offset, r.Settings.Batch, r.Settings.world())
}

// position is the number of steps that complete epochs and this one have had, if they
// had all been made by this number of ranks.
func (r *run) position() int { return r.state.Epoch*r.stepsOfEpoch() + r.stepsDone() }

// stepsDone are those of this epoch.
func (r *run) stepsDone() int {
	n := r.Settings.Step.MicroBatches()
	before := r.state.Offset / (r.Settings.Batch * r.Settings.world())
	return (before + r.state.Batch + n - 1) / n
}

// rest is the loader of the epoch that the run is in.
func (r *run) rest() (*loader.Loader, error) {
	if r.state.Offset == 0 {
		return r.train, nil
	}
	c := r.trainConfig(r.Settings.Batch)
	c.Skip = r.state.Offset
	return loader.New(r.Train, c)
}

// regroup makes the state one that another number of ranks goes on from: after the
// same images of the same order.
func (s *State) regroup(settings Settings) {
	s.Offset += s.Batch * s.Settings.Batch * s.Settings.world()
	s.Batch = 0
	s.Settings = settings
}

// interleaved puts together what ranks have of images: of rank r those at r,
// r+world, …
func interleaved(all [][]float64) []float64 {
	n := 0
	for _, of := range all {
		n += len(of)
	}
	out := make([]float64, n)
	for r, of := range all {
		for k, v := range of {
			out[r+k*len(all)] = v
		}
	}
	return out
}
