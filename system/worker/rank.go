package worker

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"lensbench/system/ranks"
	"lensbench/system/usage"
	"lensbench/torch"
)

// repliesDescriptor is where a rank writes its replies.
const repliesDescriptor = 3

// ServeRank is the whole work of a process that is one rank of a training, but for
// rank 0: it does what requests on standard input say until that ends.
func ServeRank() error {
	var st unix.Stat_t
	if err := unix.Fstat(repliesDescriptor, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return errors.New("a rank is started by its worker, not by hand")
	}
	place, err := ranks.FromEnv()
	if err != nil {
		return err
	}
	r := rankProcess{gob.NewDecoder(os.Stdin), gob.NewEncoder(os.NewFile(repliesDescriptor, "replies"))}
	var q rankRequest
	if err := r.requests.Decode(&q); err != nil {
		return fmt.Errorf("request to a rank: %w", err)
	}
	if q.Count {
		if err := torch.CountMemory(); err != nil {
			return err
		}
	}
	return ranks.Run(place, ranks.Options{}, func(team *ranks.Team) error {
		w, err := openRank(q.Settings, q.Cache, team, nil)
		if e := r.reply(rankReply{}, err); e != nil || err != nil {
			return errors.Join(err, e)
		}
		defer w.closeRank()
		quietCollector()
		return r.serve(w)
	})
}

// A rankProcess is the connection to rank 0.
type rankProcess struct {
	requests *gob.Decoder
	replies  *gob.Encoder
}

func (r rankProcess) reply(a rankReply, err error) error {
	if err != nil {
		a.Error, a.OutOfMemory = err.Error(), errors.Is(err, torch.ErrOutOfMemory)
	}
	return r.replies.Encode(a)
}

func (r rankProcess) serve(w *training) error {
	for {
		var q rankRequest
		if err := r.requests.Decode(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("request to a rank: %w", err)
		}
		a, err := w.answer(q)
		if e := r.reply(a, err); e != nil || err != nil {
			return errors.Join(err, e)
		}
	}
}

// answer does what rank 0 does at the same time.
func (w *training) answer(q rankRequest) (a rankReply, err error) {
	switch q.Op {
	case rankRewind:
		err = w.rewindRank()
	case rankIterate:
		err = w.iterateRank(q.Iterations, nil)
	case rankLocal:
		a.Seconds, err = w.localStep()
	case rankCheck:
		_, err = w.outputsRank(q.Check)
	case rankUsage:
		a.Usage, err = usage.Self()
		a.Peaks = torch.ReadPeaks()
	case rankReset:
		torch.ResetPeak()
	default:
		err = fmt.Errorf("unknown request %q", q.Op)
	}
	return a, err
}
