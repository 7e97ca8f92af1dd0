package train

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lensbench/system/model"
	"lensbench/system/trained"
	"lensbench/torch"
)

// What is killed, and how often. The slow, thorough variant is
//
//	go test -run Killed -kill.model resnet18 -kill.threads 2 -kill.times 20 ./system/train
var (
	killModel   = flag.String("kill.model", model.Tiny, "network of the run that is killed")
	killEpochs  = flag.Int("kill.epochs", 30, "its epochs, of 5 steps")
	killThreads = flag.Int("kill.threads", 1, "its compute threads")
	killTimes   = flag.Int("kill.times", 6, "number of times that it is killed at most")
)

// childDir is the variable that makes the test binary train in a directory, to be
// killed there.
const childDir = "TRAIN_TEST_DIR"

func killedJob(dir string) Job {
	j := someJob(dir)
	j.Settings.Model, j.Settings.Epochs, j.Settings.Threads = *killModel, *killEpochs, *killThreads
	j.Settings.Stop, j.Every = StopSetting{}, 0
	return j
}

// child starts or resumes a run and prints a line a step.
func child(dir string) int {
	if os.Getenv(teamVar) != "" {
		if err := inTeam(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	j := killedJob(dir)
	j.Watch = lines{Silence}
	run := Start
	if _, err := os.Stat(filepath.Join(dir, LastName)); err == nil {
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

// lines prints a line after every step.
type lines struct{ Watcher }

func (lines) Update(Progress) { fmt.Println("step") }

// A run that is killed again and again, a random time after a random step, comes
// to the bytes of one that is left alone.
func TestKilledRunIsThatOfAnUnbrokenOne(t *testing.T) {
	whole := killedJob(t.TempDir())
	whole.Every = time.Hour
	train(t, whole)
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	for range *killTimes {
		steps := 1 + random.IntN(2*5**killEpochs / *killTimes)
		pause := time.Duration(random.IntN(5000)) * time.Microsecond // a step with its checkpoint takes 4 ms or more
		if !runChild(t, dir, steps, pause) {
			break
		}
		kills++
	}
	if runChild(t, dir, -1, 0); kills < 2 {
		t.Errorf("killed %d times only", kills)
	}
	sameFiles(t, whole.Dir, dir)
	t.Logf("seed %d, %d kills", seed, kills)
}

// runChild runs a child and kills it after that many steps and a pause; a negative
// number never comes. It returns false if the child came to its end.
func runChild(t *testing.T, dir string, steps int, pause time.Duration) (killed bool) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, trained.ManifestName)); err == nil {
		return false
	}
	c := exec.Command(os.Args[0], os.Args[1:]...)
	c.Env = append(os.Environ(), childDir+"="+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
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
