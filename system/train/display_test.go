package train

import (
	"strings"
	"testing"
	"time"
)

var someProgress = Progress{Epoch: 2, Epochs: 20, Step: 30, Steps: 312, Loss: 0.43217, PerSecond: 128.4, Remaining: 754}

func TestDisplay(t *testing.T) {
	epoch := EpochLine{Place: Place{Epoch: 2}, Loss: 0.4, Validation: 0.38, AUROC: 0.91, Best: true, PerSecond: 127, Seconds: 160}
	for want, got := range map[string]string{
		"epoch 2/20  step 30/312  loss 0.4322  128 images/s  12 min 34 s left": strings.Join(someProgress.pieces(), "  "),
		"epoch 2/20  validation": strings.Join(Progress{Epoch: 2, Epochs: 20, Remaining: -1}.pieces(), "  "),
		"epoch 2: loss 0.4000, validation loss 0.3800 (best), AUROC 0.9100, 127 images/s, 2 min 40 s": epoch.String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var b strings.Builder
	d := NewDisplay(&b)
	d.Update(someProgress) // at once: not yet
	d.Epoch(epoch)
	d.Note("a word")
	d.Finish()
	if want := epoch.String() + "\na word\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestPace(t *testing.T) {
	now := time.Unix(0, 0)
	p := pace{now: func() time.Time { return now }}
	step := func(number, images int, took time.Duration) {
		p.begin()
		now = now.Add(took)
		p.step(number, images)
	}
	step(0, 10, time.Hour) // prepares kernels
	step(1, 10, time.Hour)
	if p.perSecond() != 0 || p.remaining(1, 1, 1) >= 0 {
		t.Errorf("%g images/s, %g s after warm-up alone, want nothing yet", p.perSecond(), p.remaining(1, 1, 1))
	}
	step(2, 10, time.Second)
	step(3, 10, 3*time.Second)
	if p.perSecond() != 5 {
		t.Errorf("%g images/s, want 20 in 4 s", p.perSecond())
	}
	if got := p.remaining(10, 2, 15); got != 10*2+2*15/5./3 {
		t.Errorf("%g s remain, want 10 steps of 2 s and twice 15 images at three times the speed", got)
	}
	p.begin()
	now = now.Add(7 * time.Second)
	p.validation()
	if got := p.remaining(10, 2, 15); got != 10*2+2*7 {
		t.Errorf("%g s remain, want 10 steps of 2 s and two validations of 7 s", got)
	}
}
