package ranks

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// A Place says which of several processes this one is, and where they meet. The
// zero value is a process that works alone.
type Place struct {
	Rank  int    // from 0; rank 0 writes what all have done together
	World int    // number of ranks; 0 or 1: this process works alone
	Local int    // rank among those on this machine
	Host  string // machine of the store in which ranks find each other
	Port  int    // of the store
	Agent bool   // torchrun keeps the store; else rank 0 does
	Round string // torchrun's number of this start of all ranks: the store still has keys of the one before

	by     string   // the variable that has World, for errors
	socket *os.File // rank 0: listens at Port already; nil: it does not
}

// Alone says whether there are no other ranks.
func (p Place) Alone() bool { return p.World <= 1 }

func (p Place) String() string { return fmt.Sprintf("rank %d of %d", p.Rank, max(p.World, 1)) }

// Variables of the environment, which torchrun and the Kubernetes PyTorchJob set,
// too.
const (
	rankVar  = "RANK"
	worldVar = "WORLD_SIZE"
	localVar = "LOCAL_RANK"
	hostVar  = "MASTER_ADDR"
	portVar  = "MASTER_PORT"
	agentVar = "TORCHELASTIC_USE_AGENT_STORE" // torchrun's: True if it keeps the store
	roundVar = "TORCHELASTIC_RESTART_COUNT"   // torchrun's
	sockVar  = "LENSBENCH_RANKS_STORE_SOCKET" // Launch's: descriptor that listens at the port
)

// FromEnv returns the place that the environment says: RANK, WORLD_SIZE,
// LOCAL_RANK, MASTER_ADDR and MASTER_PORT, or without RANK and WORLD_SIZE those of
// Slurm's srun. Without either the process works alone. Errors name the variable,
// its value, and what was expected.
func FromEnv() (Place, error) {
	p, err := parse(os.LookupEnv)
	if err != nil || p.Alone() {
		return p, err
	}
	if fd, ok := os.LookupEnv(sockVar); ok && p.Rank == 0 {
		n, err := number(os.LookupEnv, sockVar, 3, 1<<20)
		if err != nil {
			return p, err
		}
		syscall.CloseOnExec(n)
		p.socket = os.NewFile(uintptr(n), "store socket "+fd)
	}
	return p, nil
}

// lookup is os.LookupEnv, but in tests.
type lookup func(name string) (value string, set bool)

func (l lookup) has(name string) bool {
	_, ok := l(name)
	return ok
}

func parse(env lookup) (Place, error) {
	switch {
	case env.has(rankVar) || env.has(worldVar):
		return ofTorch(env)
	case env.has(slurmRank) && env.has(slurmWorld):
		return ofSlurm(env)
	}
	return Place{}, nil
}

func ofTorch(env lookup) (p Place, err error) {
	if p, err = count(env, rankVar, worldVar, localVar); err != nil || p.Alone() {
		return p, err
	}
	if p.Host, err = text(env, hostVar, "the host of rank 0"); err != nil {
		return p, err
	}
	if p.Port, err = number(env, portVar, 1, 65535); err != nil {
		return p, err
	}
	agent, _ := env(agentVar)
	p.Agent = agent == "True"
	p.Round, _ = env(roundVar)
	return p, nil
}

// count reads the numbers of ranks; that among those on this machine may be
// missing.
func count(env lookup, rank, world, local string) (p Place, err error) {
	p.by = world
	if p.World, err = number(env, world, 1, maxWorld); err != nil {
		return p, err
	}
	if p.Rank, err = number(env, rank, 0, p.World-1); err != nil {
		return p, err
	}
	if env.has(local) {
		p.Local, err = number(env, local, 0, p.World-1)
	}
	return p, err
}

const maxWorld = 1 << 16

func number(env lookup, name string, low, high int) (int, error) {
	want := fmt.Sprintf("a whole number from %d to %d", low, high)
	if low == high {
		want = strconv.Itoa(low)
	}
	value, err := text(env, name, want)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("environment variable %s is %q; want %s", name, value, want)
	}
	return n, nil
}

func text(env lookup, name, want string) (string, error) {
	value, ok := env(name)
	switch {
	case !ok:
		return "", fmt.Errorf("environment variable %s is not set; want %s", name, want)
	case value == "":
		return "", fmt.Errorf("environment variable %s is empty; want %s", name, want)
	}
	return value, nil
}
