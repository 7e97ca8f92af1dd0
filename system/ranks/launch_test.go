package ranks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lensbench/torch"
)

func init() {
	children["joined"] = asRank(collectives)
	children["say"] = func() error {
		p, err := FromEnv()
		if err != nil {
			return err
		}
		fmt.Printf("%v, local %d, at %s, %s spins, %s threads\n", p, p.Local, p.Host, os.Getenv("GOMP_SPINCOUNT"), os.Getenv("OMP_NUM_THREADS"))
		fmt.Fprintf(os.Stderr, "one\ntwo, not ended")
		return nil
	}
	// die has rank 1 end in some way while the others sleep.
	children["die"] = func() error {
		if os.Getenv("IGNORE") != "" {
			signal.Ignore(syscall.SIGTERM)
		}
		if os.Getenv(rankVar) != "1" {
			time.Sleep(time.Hour)
		}
		time.Sleep(50 * time.Millisecond)
		switch os.Getenv("HOW") {
		case "killed":
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "status":
			fmt.Fprintln(os.Stderr, "some line")
			return errors.New("the disk is full")
		}
		time.Sleep(time.Hour)
		return nil
	}
	// parent starts children that sleep, and leaves their process numbers in a file.
	children["parent"] = func() error {
		_, c, err := Launch{Ranks: 3, Command: []string{"sleep", "3600"}}.Join()
		if err != nil {
			return err
		}
		var pids []string
		for _, m := range c.members {
			pids = append(pids, strconv.Itoa(m.cmd.Process.Pid))
		}
		path := os.Getenv("PIDS")
		if err := os.WriteFile(path+".new", []byte(strings.Join(pids, " ")), 0o666); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
		return c.Wait(context.Background())
	}
}

func TestLaunchTellsRanksTheirPlaces(t *testing.T) {
	out := succeeds(t, "say", 3)
	for _, want := range []string{
		"rank 0 of 3, local 0, at 127.0.0.1, 30000 spins, 1 threads\n",
		"rank 1: rank 1 of 3, local 1, at 127.0.0.1, 30000 spins, 1 threads\n",
		"rank 2: one\n",
		"rank 0: two, not ended\n",
	} {
		if !slices.Contains(strings.SplitAfter(out, "\n"), want) {
			t.Errorf("output is\n%swithout the line %q", out, want)
		}
	}
}

// The process that calls Join is rank 0 of the team.
func TestJoin(t *testing.T) {
	t.Parallel()
	l, out := crew("joined", 2)
	l.Ranks = 3
	p, c, err := l.Join()
	if err != nil {
		t.Fatal(err)
	}
	err = Run(p, Options{Timeout: time.Minute}, func(t *Team) error {
		return torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error { return collectives(t, sc) })
	})
	if err := errors.Join(err, c.Wait(t.Context())); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestLaunchNamesTheRankThatFailed(t *testing.T) {
	for how, want := range map[string]string{
		"killed": "rank 1: signal: killed",
		"status": "rank 1: exit status 1: the disk is full",
	} {
		begun := time.Now()
		l, out := crew("die", 3, "HOW="+how)
		l.Grace = time.Minute
		if err := l.Run(context.Background()); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q\n%s", how, err, want, out)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s: the others ended after %v, want at once", how, took)
		}
	}
}

func TestLaunchKillsRanksThatDoNotEnd(t *testing.T) {
	l, _ := crew("die", 2, "HOW=status", "IGNORE=yes")
	l.Grace = 100 * time.Millisecond
	if err := l.Run(context.Background()); err == nil || !strings.HasPrefix(err.Error(), "rank 1: exit status 1") {
		t.Errorf("%v, want that of rank 1", err)
	}
}

func TestLaunchEndsWithItsContext(t *testing.T) {
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(100*time.Millisecond, func() { cancel(reason) })
	l, _ := crew("die", 2, "HOW=sleep")
	if err := l.Run(ctx); !errors.Is(err, reason) {
		t.Errorf("%v, want %v", err, reason)
	}
}

func TestLaunchRejects(t *testing.T) {
	if err := (Launch{}).Run(context.Background()); err == nil || !strings.Contains(err.Error(), "0 ranks; want 1 to") {
		t.Errorf("no ranks: %v", err)
	}
	err := Launch{Ranks: 2, Command: []string{"/no/such/program"}}.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "rank 0: ") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
}

func TestRanksDieWithWhoStartedThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pids")
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), childVar+"=parent", "PIDS="+path)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := os.Stat(path); return err == nil })
	c.Process.Kill()
	c.Wait()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pids := strings.Fields(string(text))
	if len(pids) != 2 {
		t.Fatalf("processes %v, want 2", pids)
	}
	for _, pid := range pids {
		waitFor(t, func() bool { return !alive(pid) })
	}
}

// alive says whether a process runs; one whose new parent has not asked how it ended
// does not.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for range 3000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("waited 30 s in vain")
}
