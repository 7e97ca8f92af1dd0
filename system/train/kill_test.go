package train

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"lensbench/torch"
)

// childDir is the variable that makes the test binary train in a directory, to
// be killed there.
const childDir = "TRAIN_TEST_DIR"

// child starts or resumes a run and prints a line a step.
func child(dir string) int {
	j := someJob(dir)
	j.Watch, j.Every = steps{Silence}, 100*time.Millisecond
	run := Start
	if _, err := Peek(dir + "/" + LastName); err == nil {
		run = func(ctx context.Context, j Job) (*Result, error) { return Resume(ctx, j, LastName) }
	}
	if _, err := run(context.Background(), j); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if torch.LiveTensors() != 0 {
		fmt.Fprintln(os.Stderr, torch.LiveTensors(), "tensors are left")
		return 1
	}
	return 0
}

type steps struct{ Watcher }

func (steps) Update(Progress) { fmt.Println("step") }

// A run that is killed again and again, a random time after a random step, comes
// to the bytes of one that is left alone.
func TestKilledRunIsThatOfAnUnbrokenOne(t *testing.T) {
	whole := someJob(t.TempDir())
	train(t, whole)
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	for attempt := 0; ; attempt++ {
		steps := 1 + random.IntN(5)
		if attempt >= 4 {
			steps = -1 // to the end
		}
		killed := runChild(t, dir, steps, time.Duration(random.IntN(60))*time.Millisecond)
		if !killed {
			break
		}
		kills++
	}
	if kills < 2 {
		t.Fatalf("seed %d: killed %d times only", seed, kills)
	}
	sameFiles(t, whole.Dir, dir)
	if t.Failed() {
		t.Logf("seed %d, %d kills", seed, kills)
	}
}

// runChild runs a child and kills it after that many steps and a pause. It
// returns false if the child came to its end.
func runChild(t *testing.T, dir string, steps int, pause time.Duration) (killed bool) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childDir+"="+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if steps--; steps == 0 {
			time.Sleep(pause)
			c.Process.Kill()
			killed = true
		}
	}
	if err := c.Wait(); err != nil && !killed {
		t.Fatal(err)
	}
	return killed && !c.ProcessState.Success()
}
