package ranks

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	children["collectives"] = asRank(collectives)
	// join is rank 0 itself, and starts the others.
	children["join"] = func() error {
		p, c, err := Launch{Ranks: 3, Env: []string{childVar + "=collectives"}, Threads: 1}.Join()
		if err != nil {
			return err
		}
		err = Run(p, Options{}, func(t *Team) error {
			return torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error { return collectives(t, sc) })
		})
		return errors.Join(err, c.Wait(context.Background()))
	}
	children["absent"] = func() error {
		p, err := FromEnv()
		if err != nil || p.Rank == p.World-1 {
			time.Sleep(time.Hour)
		}
		return Run(p, Options{Timeout: time.Second}, nil)
	}
	children["lose"] = lose
}

// collectives are exact: sums of small integers are, in any order.
func collectives(t *Team, sc *torch.Scope) error {
	x := sc.FromFloat32([]float32{float32(t.Rank + 1), 0.5}, 2)
	y := sc.Full(torch.Float32, float64(t.Rank), 1)
	if err := errors.Join(t.AllReduce(x, y), t.Barrier()); err != nil {
		return err
	}
	got := make([]float32, 2)
	x.CopyFloat32(got)
	if want := []float32{float32(t.World * (t.World + 1) / 2), float32(t.World) / 2}; !slices.Equal(got, want) {
		return fmt.Errorf("sum %v, want %v", got, want)
	}
	all, err := t.Gather(sc, make([]float64, t.Rank)) // of rank 0 none
	if err != nil {
		return err
	}
	for r, of := range all {
		if len(of) != r {
			return fmt.Errorf("%d values of rank %d", len(of), r)
		}
	}
	text, err := t.Tell(sc, fmt.Appendf(nil, "I am %d", t.Rank))
	if err != nil || string(text) != "I am 0" {
		return fmt.Errorf("told %q, %v", text, err)
	}
	one, err := t.Any(sc, t.Rank == 1)
	none, err2 := t.Any(sc, false)
	if one != (t.World > 1) || none {
		return fmt.Errorf("any: %v and %v", one, none)
	}
	return errors.Join(err, err2)
}

func TestTeam(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3} {
		succeeds(t, "collectives", n)
	}
	succeeds(t, "join", 1)
}

func TestARankThatDoesNotComeIsNamed(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{2: "rank 0 of 2: rank 1 has not come within 1s", 3: "rank 2 has not come within 1s"} {
		if out, err := runs(t, "absent", n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q\n%s", err, want, out)
		}
	}
}

// lostAfter is the timeout of ranks that lose one.
const lostAfter = 8 * time.Second

// lose makes steps; in the third, rank VICTIM gets lost in the way HOW says. The
// others leave their errors, and how long it took, in DIR.
func lose() error {
	signal.Ignore(syscall.SIGTERM) // Launch sends it when the victim dies, and the others are to find out by themselves
	p, err := FromEnv()
	if err != nil {
		return err
	}
	var last time.Time
	err = Run(p, Options{Timeout: lostAfter}, func(t *Team) error {
		return torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error {
			n, err := newTiny(t, sc, 1)
			if err != nil {
				return err
			}
			defer n.free()
			for step := range 5 {
				last = time.Now()
				if err := n.pass(sc, step, p); err != nil {
					return err
				}
			}
			return nil
		})
	})
	text := fmt.Sprintf("%.1f %v", time.Since(last).Seconds(), err)
	os.WriteFile(filepath.Join(os.Getenv("DIR"), strconv.Itoa(p.Rank)), []byte(text), 0o666)
	return err
}

// pass makes a pass, in the middle of which the victim gets lost.
func (n *tiny) pass(sc *torch.Scope, step int, p Place) error {
	if err := n.gradients.Forward(true); err != nil {
		return err
	}
	loss := n.loss(sc, 0, 4)
	how := os.Getenv("HOW")
	victim := step == 2 && strconv.Itoa(p.Rank) == os.Getenv("VICTIM")
	if victim && how == "late" {
		time.Sleep(time.Hour)
	}
	if err := n.gradients.Backward(); err != nil {
		return err
	}
	if victim {
		if err := getLost(how); err != nil {
			return err
		}
	}
	sc.Backward(loss)
	return nil
}

func getLost(how string) error {
	switch how {
	case "killed":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "stopped":
		for { // whoever lets it go on
			syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		}
	case "hangs":
		time.Sleep(time.Hour)
	}
	return errors.New("the disk is full")
}

func TestLostRanksAreNamed(t *testing.T) {
	const silent = "does not answer: its process is gone or stopped"
	for _, c := range []struct {
		how    string
		world  int
		victim int
		want   string // of the others' errors
		within time.Duration
	}{
		{"killed", 2, 1, silent, lostAfter / 2}, // the kernel closes the connection
		{"killed", 3, 1, silent, lostAfter},
		{"killed", 2, 0, "is gone", lostAfter / 2},
		{"stopped", 2, 1, silent, lostAfter},
		{"stopped", 2, 0, "does not answer", lostAfter},
		{"hangs", 3, 2, "does not come to the end of call", lostAfter},
		{"late", 3, 1, "has not come to call", lostAfter},
		{"fails", 2, 1, "failed: the disk is full", lostAfter / 2},
		{"fails", 3, 0, "failed: the disk is full", lostAfter},
	} {
		t.Run(fmt.Sprintf("%s/%d-of-%d", c.how, c.victim, c.world), func(t *testing.T) {
			t.Parallel()
			for {
				longest := stalls()
				err := loseOne(t, c.how, c.world, c.victim, c.want, c.within)
				stalled := longest()
				if err == nil {
					return
				}
				if stalled < time.Second {
					t.Fatal(err)
				}
				t.Logf("%v; but this process was held up for %v: again", err, stalled)
			}
		})
	}
}

// stalls begins to look for times in which this process got no time of a processor;
// a test of timeouts proves nothing then. The function that it returns ends that, and
// returns the longest.
func stalls() (longest func() time.Duration) {
	stop, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for last := time.Now(); ; last = time.Now() {
			select {
			case <-ticker.C:
				most = max(most, time.Since(last))
			case <-stop:
				result <- most
				return
			}
		}
	}()
	return func() time.Duration { close(stop); return <-result }
}

// loseOne has one of the ranks get lost, and checks what the others say.
func loseOne(t *testing.T, how string, world, victim int, want string, within time.Duration) error {
	dir := t.TempDir()
	l, out := crew("lose", world, "HOW="+how, fmt.Sprint("VICTIM=", victim), "DIR="+dir)
	l.Grace = lostAfter
	err := l.Run(t.Context())
	if err == nil || (how == "killed" && err.Error() != fmt.Sprintf("rank %d: signal: killed", victim)) {
		return fmt.Errorf("launch: %v\n%s", err, out)
	}
	for r := range world {
		if r != victim {
			if err := checkLost(t, filepath.Join(dir, strconv.Itoa(r)), victim, want, within); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkLost(t *testing.T, path string, victim int, want string, within time.Duration) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	took, message, _ := strings.Cut(string(text), " ")
	t.Logf("%s s: %s", took, message)
	if !strings.Contains(message, fmt.Sprintf(": rank %d ", victim)) || !strings.Contains(message, want) {
		return fmt.Errorf("%q, want rank %d and %q", message, victim, want)
	}
	// The bound has room for a machine that is busy with other things.
	if s, err := strconv.ParseFloat(took, 64); err != nil || s > within.Seconds()+2 {
		return fmt.Errorf("after %s s, want %v", took, within)
	}
	return nil
}

// Who is missing follows from the answers alone.
func TestJudge(t *testing.T) {
	here := func(calls int) *answer { return &answer{Calls: calls, Last: "all-reduce", Waited: true} }
	busy := &answer{Calls: 5, Last: "all-reduce"}
	failed := &answer{Calls: 3, Err: "out of disk\nand more"}
	for name, c := range map[string]struct {
		answers []*answer
		want    []string
	}{
		"all wait":                 {[]*answer{here(5), here(5)}, nil},
		"one is silent":            {[]*answer{here(5), nil, here(5)}, []string{"rank 1 does not answer: its process is gone or stopped"}},
		"one is behind":            {[]*answer{here(5), here(5), here(4)}, []string{"rank 2 has not come to call 5, all-reduce: its last was 4, all-reduce"}},
		"the silent one is blamed": {[]*answer{here(4), here(5), nil}, []string{"rank 2 does not answer: its process is gone or stopped"}},
		"one does not wait":        {[]*answer{here(5), busy}, []string{"rank 1 does not come to the end of call 5, all-reduce"}},
		"who failed is blamed":     {[]*answer{failed, here(4), nil}, []string{"rank 0 failed: out of disk"}},
	} {
		var got []string
		for _, m := range judge(c.answers) {
			got = append(got, m.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
