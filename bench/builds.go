package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"lensbench/cli"
	"lensbench/gate"
	"lensbench/record"
	"lensbench/revision"
	"lensbench/runner"
	"lensbench/runner/progress"
)

// greetLimit is how long a build may take to say who it is.
const greetLimit = 2 * time.Minute

// builds finds and makes the programs that a run compares.
type builds struct {
	sink progress.Sink
	repo *revision.Repo // nil until a revision is wanted
}

// of returns the build that the user names by a program or a revision, for the arms
// that call it worker.
func (b *builds) of(ctx context.Context, worker, given string) (record.Build, error) {
	out, ok := revision.Program(given)
	if !ok {
		builder, err := b.builder(ctx)
		if err == nil {
			out, err = builder.Build(ctx, given)
		}
		if err != nil {
			return out, err
		}
	}
	out.Worker = worker
	return out, greet(ctx, &out)
}

func (b *builds) builder(ctx context.Context) (revision.Builder, error) {
	cache, err := cli.CacheDir()
	if err != nil {
		return revision.Builder{}, err
	}
	repo, err := b.repository(ctx)
	return revision.Builder{Repo: repo, Cache: cache, Note: b.sink.Note}, err
}

// repository is the one that bench is called in.
func (b *builds) repository(ctx context.Context) (revision.Repo, error) {
	if b.repo == nil {
		repo, err := revision.Open(ctx, ".")
		if err != nil {
			return repo, err
		}
		b.repo = &repo
	}
	return *b.repo, nil
}

// own is the lens that lies beside bench, with what is known of its sources: those of
// HEAD and what was changed since, if it belongs to the repository that bench is
// called in.
func (b *builds) own(ctx context.Context, commands map[string]runner.Command) (record.Build, error) {
	program, err := exec.LookPath(commands[gate.HeadWorker].Argv[0])
	if err != nil {
		return record.Build{}, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return record.Build{}, err
	}
	out := record.Build{Worker: gate.HeadWorker, Given: program, Program: program}
	if repo, err := b.repository(ctx); err == nil && program == filepath.Join(repo.Dir, "bin", "lens") {
		if err := ownSources(ctx, repo, &out); err != nil {
			return out, err
		}
	}
	return out, greet(ctx, &out)
}

func ownSources(ctx context.Context, repo revision.Repo, out *record.Build) error {
	head, err := repo.Commit(ctx, "HEAD")
	if err != nil {
		return err
	}
	sources, err := repo.Sources(ctx, head)
	if err != nil {
		return err
	}
	out.Given, out.Commit, out.Subject, out.Sources = "the work tree", head.Hash, head.Subject, sources.Lens
	out.Changed, err = repo.Changed(ctx)
	return err
}

// fresh finds out, of a head that is the same program as base though its sources are
// others, whether it is what its commit makes: then the change does not reach it, and
// else it is an old one.
func (b *builds) fresh(ctx context.Context, g *record.Gate) error {
	head, base := &g.Builds[0], g.Builds[1]
	if head.ID != base.ID || head.Sources == base.Sources || head.Sources == "" || base.Sources == "" || len(head.Changed) > 0 {
		return nil
	}
	made, err := b.of(ctx, head.Worker, head.Commit)
	if err != nil {
		return err
	}
	head.Built = made.ID == head.ID
	return nil
}

// greet asks a build who it is.
func greet(ctx context.Context, b *record.Build) error {
	hello, err := runner.Greet(ctx, command(*b), greetLimit)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %s does not answer as a worker: %w", b.Name(), b.Program, err)
	}
	b.ID = hello.Build
	return nil
}

// buildEnv is in the environment of builds that are compared: their memory then comes
// in huge pages, from libtorch for large tensors and from the heap of the C library for
// all others, which would else map each of 128 KiB and more by itself. Which 4 KiB pages
// a process is given is chance, and lasts as long as it lives: by where they fall in the
// caches, networks on small images run several per cent faster or slower from one
// process of the same build to the next, more than a night of restarts averages out.
// Where there are no huge pages, or another C library, it changes nothing.
var buildEnv = []string{
	"THP_MEM_ALLOC_ENABLE=1",
	"GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.top_pad=67108864",
}

func command(b record.Build) runner.Command {
	return runner.Command{Argv: []string{b.Program, "worker"}, Env: buildEnv, Install: "build it again: bench run --against " + b.Given}
}

// withBuilds adds those of a run to the workers that arms may name.
func withBuilds(commands map[string]runner.Command, g *record.Gate) map[string]runner.Command {
	if g == nil {
		return commands
	}
	out := maps.Clone(commands)
	for _, b := range g.Builds {
		out[b.Worker] = command(b)
	}
	return out
}

// unchanged refuses to go on with a run whose programs are no longer there, or others.
func unchanged(g *record.Gate) error {
	for _, b := range g.Builds {
		if _, err := os.Stat(b.Program); err != nil {
			return errors.Join(fmt.Errorf("%s: %w; it was build %s, %s", b.Program, reason(err), b.ID, b.Name()))
		}
	}
	return nil
}
