package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"lensbench/system/ranks"
	"lensbench/system/train"
	"lensbench/torch"
)

// maxRanks bounds the processes that are started on one machine; more is a slip of
// the hand.
const maxRanks = 256

// rank returns the place of this process: that of the environment, which must agree
// with --ranks. The zero place is a process that is alone, or is to start others.
func (t *training) rank() (ranks.Place, error) {
	if t.ranks < 0 || t.ranks > maxRanks {
		return ranks.Place{}, fmt.Errorf("%q: want 1 to %d, or 0 for those of the environment", fmt.Sprintf("--ranks %d", t.ranks), maxRanks)
	}
	if t.timeout <= 0 {
		return ranks.Place{}, fmt.Errorf("%q: want a time such as 5m", fmt.Sprintf("--rank-timeout %v", t.timeout))
	}
	p, err := ranks.FromEnv()
	if err == nil && p.World > 0 && t.ranks > 0 && t.ranks != p.World {
		err = fmt.Errorf("%q: the environment says %v; leave one of them away", fmt.Sprintf("--ranks %d", t.ranks), p)
	}
	return p, err
}

// launched calls f at this process's place. If it is to start the others, it becomes
// rank 0 of them, so that its terminal, signals and exit status stay its own.
func (t *training) launched(ctx context.Context, p ranks.Place, stderr io.Writer, f func(p ranks.Place) error) error {
	if p.World > 0 || t.ranks < 2 {
		return f(p)
	}
	p, crew, err := ranks.Launch{Ranks: t.ranks, Threads: t.job.Settings.Threads, Stderr: stderr}.Join()
	if err != nil {
		return err
	}
	if err := f(p); err != nil {
		crew.Stop()
		return err
	}
	return crew.Wait(ctx)
}

// takeRank0 takes the settings of rank 0.
func (t *training) takeRank0(team *ranks.Team) error {
	if team.Alone() {
		return nil
	}
	return torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error {
		own, err := json.Marshal(t.job.Settings)
		if err != nil {
			return err
		}
		text, err := team.Tell(sc, own)
		if err != nil {
			return err
		}
		t.job.Settings = train.Settings{}
		return json.Unmarshal(text, &t.job.Settings)
	})
}

// threadsOf is the number of threads of a rank that is not told one: its share of the
// processors, or what its launcher says.
func (t *training) threadsOf(p ranks.Place) int {
	n := torch.DefaultThreads()
	if p.World == 0 && t.ranks > 1 {
		n = max(1, n/t.ranks)
	}
	return n
}
