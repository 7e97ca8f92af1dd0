package train

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

var someProgress = Progress{Epoch: 2, Epochs: 20, Batch: 30, Batches: 312, Loss: 0.43217, PerSecond: 128.4, Remaining: 754}

func TestDisplayInALog(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	d := NewDisplay(&b).(*display)
	d.now = func() time.Time { return now }
	for range 25 { // a step a second
		d.Update(someProgress)
		now = now.Add(time.Second)
	}
	d.Epoch(EpochLine{Place: Place{Epoch: 2}, Loss: 0.4, Validation: 0.38, AUROC: 0.91, Best: true, PerSecond: 127, Seconds: 160})
	d.Finish()
	line := "epoch 2/20  step 30/312  loss 0.4322  128 images/s  12 min 34 s left\n"
	want := strings.Repeat(line, 3) + "epoch 2: loss 0.4000, validation loss 0.3800 (best), AUROC 0.9100, 127 images/s, 2 min 40 s\n"
	if b.String() != want {
		t.Errorf("the log is\n%s\nwant\n%s", b.String(), want)
	}
}

func TestDisplayOnATerminal(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	d := &display{w: &b, now: func() time.Time { return now }, every: time.Second, width: func() int { return 40 }}
	d.Update(someProgress)
	now = now.Add(time.Second)
	d.Update(Progress{Epoch: 2, Epochs: 20, Remaining: -1})
	d.Note("a word")
	d.Finish()
	want := clearLine + "epoch 2/20  step 30/312  loss 0.4322" + clearLine + "epoch 2/20  validation" + clearLine + "a word\n"
	if b.String() != want {
		t.Errorf("%q\nwant\n%q", b.String(), want)
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
