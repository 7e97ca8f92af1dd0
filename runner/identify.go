package runner

import (
	"context"
	"slices"
	"strings"
	"time"

	"lensbench/record"
)

// identify reads the identity of this machine. The version of libtorch is part
// of it, and only workers know that; so one is started and greeted, "lens" if
// there is such an arm. That no worker tells is no error here: what keeps it
// from starting will be the status of its arms.
func identify(ctx context.Context, cells []record.Cell, commands map[string]Command) (record.Machine, error) {
	libtorch := ""
	for _, name := range workersOf(cells) {
		v, err := libtorchOf(ctx, commands[name], timeLimit(cells))
		if ctx.Err() != nil {
			return record.Machine{}, ctx.Err()
		}
		if err == nil && v != "" {
			libtorch = v
			break
		}
	}
	return record.Host{}.Machine(libtorch)
}

// Identity reads the identity of this machine as a run would that c takes part
// in. Without the worker the version of libtorch is unknown, and empty.
func Identity(ctx context.Context, c Command) (record.Machine, error) {
	libtorch, err := libtorchOf(ctx, c, greeting)
	if err != nil && ctx.Err() != nil {
		return record.Machine{}, ctx.Err()
	}
	return record.Host{}.Machine(libtorch)
}

// greeting is how long a worker may take to say who it is.
const greeting = 2 * time.Minute

// workersOf lists the workers that the cells need, "lens" first.
func workersOf(cells []record.Cell) []string {
	var names []string
	for _, c := range cells {
		for _, a := range c.Arms {
			if !slices.Contains(names, a.Worker) {
				names = append(names, a.Worker)
			}
		}
	}
	if i := slices.Index(names, "lens"); i > 0 {
		names[0], names[i] = names[i], names[0]
	}
	return names
}

func libtorchOf(ctx context.Context, c Command, limit time.Duration) (string, error) {
	hello, err := Greet(ctx, c, limit)
	if err != nil {
		return "", err
	}
	for _, key := range []string{"libtorch", "torch"} {
		if v := hello.Libraries[key]; v != "" {
			v, _, _ = strings.Cut(v, "+") // PyTorch adds its own build: 2.11.0+cpu
			return v, nil
		}
	}
	return "", nil
}

// timeLimit is the longest that any cell allows for an answer.
func timeLimit(cells []record.Cell) time.Duration {
	limit := 0.0
	for _, c := range cells {
		limit = max(limit, c.Plan.TimeLimit)
	}
	return seconds(limit)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
