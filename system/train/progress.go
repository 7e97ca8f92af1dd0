package train

import "time"

// Progress is where training is.
type Progress struct {
	Epoch, Epochs int     // from 1
	Step, Steps   int     // complete ones of the epoch; 0, 0: validation
	Loss          float64 // of the last interval; 0: not known yet
	PerSecond     float64 // images a second
	Remaining     float64 // s, estimated, if training does not end early; negative: not known yet
}

// A Watcher is told where training is. Its methods are called between steps, on
// the goroutine that trains.
type Watcher interface {
	Update(Progress) // after every step
	Epoch(EpochLine) // after every epoch
	Note(text string)
	Finish() // no more calls come
}

// Silence is a Watcher that looks away.
var Silence Watcher = silence{}

type silence struct{}

func (silence) Update(Progress) {}
func (silence) Epoch(EpochLine) {}
func (silence) Note(string)     {}
func (silence) Finish()         {}

// A pace says how fast training is in this process, and so when it may end.
type pace struct {
	now        func() time.Time
	steps      int     // measured
	stepping   float64 // s, of these steps
	images     int     // of these steps
	validating float64 // s, of the last validation; 0: none yet
	begun      time.Time
}

// warmUp is the number of steps that are not measured: libtorch prepares its
// kernels in them.
const warmUp = 2

func (p *pace) begin() { p.begun = p.now() }

// step notes a step on that many images, begun when begin was called.
func (p *pace) step(number, images int) {
	if number < warmUp {
		return
	}
	p.steps++
	p.images += images
	p.stepping += p.now().Sub(p.begun).Seconds()
}

func (p *pace) validation() { p.validating = p.now().Sub(p.begun).Seconds() }

// perSecond returns the images of training a second; 0: not known yet.
func (p *pace) perSecond() float64 {
	if p.stepping == 0 {
		return 0
	}
	return float64(p.images) / p.stepping
}

// remaining estimates the time for that many steps, and validations of that many
// images each.
func (p *pace) remaining(steps, validations, images int) float64 {
	if p.stepping == 0 {
		return -1
	}
	each := p.validating
	if each == 0 {
		const backward = 2 // times the cost of a forward pass
		each = float64(images) / p.perSecond() / (1 + backward)
	}
	return float64(steps)*p.stepping/float64(p.steps) + float64(validations)*each
}
