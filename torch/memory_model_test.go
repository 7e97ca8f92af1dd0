package torch_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"lensbench/torch"
)

// Random allocations, releases, moves, phases and resets, from several goroutines,
// give what the model says.
func TestMemoryAgainstModel(t *testing.T) { child(t, "model") }

// The same without taking turns: only what always holds can be said.
func TestMemoryUnderContention(t *testing.T) { child(t, "contention") }

// A memoryModel remembers everything, and works out peaks by their definition.
type memoryModel struct {
	live    []*block
	moments []moment
	phase   torch.Phase
	since   int // first moment after the last reset
}

// A block is a tensor in memory.
type block struct {
	t        *torch.Tensor
	size     int64
	category torch.Category
	joined   int // moment when it came into its category
}

// A moment is when there may be more of something than before.
type moment struct {
	phase torch.Phase
	live  []*block
}

func (m *memoryModel) happen() {
	m.moments = append(m.moments, moment{m.phase, slices.Clone(m.live)})
}

// add adds a block that was just allocated.
func (m *memoryModel) add(b *block) {
	b.joined = len(m.moments)
	m.live = append(m.live, b)
	m.happen()
}

func (m *memoryModel) move(b *block, c torch.Category) {
	if b.category != c {
		b.category, b.joined = c, len(m.moments)
		m.happen()
	}
}

func (m *memoryModel) reset() {
	m.since = len(m.moments)
	m.happen()
}

// breakdown is by what blocks are now, or were at their end.
func breakdown(blocks []*block) (b torch.Breakdown) {
	for _, x := range blocks {
		b[x.category] += x.size
	}
	return b
}

// peak is that of the moments in a phase, or of all if in is nil.
func (m *memoryModel) peak(in *torch.Phase) (top torch.Breakdown) {
	most := int64(-1)
	for _, at := range m.moments[m.since:] {
		if in != nil && at.phase != *in {
			continue
		}
		if b := breakdown(at.live); b.Total() > most {
			top, most = b, b.Total()
		}
	}
	return top
}

// activations is the most bytes of activations: of blocks that were some then, and
// have stayed so.
func (m *memoryModel) activations() (most int64) {
	for i, at := range m.moments[m.since:] {
		var n int64
		for _, b := range at.live {
			if b.category == torch.Activations && b.joined <= m.since+i {
				n += b.size
			}
		}
		most = max(most, n)
	}
	return most
}

func (m *memoryModel) check() error {
	var errs []error
	compare := func(what string, got, want torch.Breakdown) {
		if got != want {
			errs = append(errs, fmt.Errorf("after %d moments, %s: %v, the model says %v", len(m.moments), what, got, want))
		}
	}
	compare("now", torch.MemoryNow(), breakdown(m.live))
	compare("at the peak", torch.MemoryPeak(), m.peak(nil))
	for _, p := range append([]torch.Phase{torch.PhaseNone}, torch.Phases...) {
		compare("at the peak of phase "+p.String(), torch.PhasePeak(p), m.peak(&p))
	}
	if got, want := torch.ActivationPeak(), m.activations(); got != want {
		errs = append(errs, fmt.Errorf("after %d moments, activations: %d, the model says %d", len(m.moments), got, want))
	}
	if now, top := torch.Memory(); now != breakdown(m.live).Total() || top != torch.MemoryPeak().Total() {
		errs = append(errs, fmt.Errorf("%d bytes now and %d at the peak, of %v", now, top, torch.MemoryPeak()))
	}
	return errors.Join(errs...)
}

// A player changes memory and the model alike.
type player struct {
	*memoryModel
	rng *rand.Rand
	sc  *torch.Scope
}

func (p player) category() torch.Category {
	return torch.Categories[p.rng.IntN(len(torch.Categories))]
}

// allocate makes a block that its scope does not own: any goroutine may free it.
func (p player) allocate() {
	b := &block{size: 1 + p.rng.Int64N(1000), category: p.category()}
	p.sc.Tagged(b.category, func() { b.t = p.sc.Keep(p.sc.Empty(torch.Uint8, b.size)) })
	p.add(b)
}

func (p player) pick() int { return p.rng.IntN(len(p.live)) }

// retag moves a block, half of the times through a view of it.
func (p player) retag() {
	b, c := p.live[p.pick()], p.category()
	if p.rng.IntN(2) == 0 {
		b.t.SetCategory(c)
	} else {
		view := p.sc.Narrow(b.t, 0, b.size/2, b.size-b.size/2)
		view.SetCategory(c)
		view.Free()
	}
	p.move(b, c)
}

func (p player) free() {
	i := p.pick()
	p.live[i].t.Free()
	p.live = slices.Delete(p.live, i, i+1)
}

// turn makes one change. Blocks become more in some stretches and fewer in others.
func (p player) turn() {
	growing := len(p.moments)/40%2 == 0
	switch r := p.rng.IntN(20); {
	case r == 0:
		torch.ResetPeak()
		p.reset()
	case r < 3 && p.phase == torch.PhaseNone:
		p.inPhase()
	case len(p.live) == 0 || r < 8 || growing && r < 12:
		p.allocate()
	case r < 15:
		p.retag()
	default:
		p.free()
	}
}

// inPhase makes some changes in a phase.
func (p player) inPhase() {
	to := torch.Phases[p.rng.IntN(len(torch.Phases))]
	p.phase = to
	p.sc.InPhase(to, func() {
		p.happen()
		for range p.rng.IntN(8) {
			p.turn()
		}
		p.phase = torch.PhaseNone
	})
	p.happen()
}

// againstModel has goroutines take turns, each in a session on its own thread.
func againstModel() error {
	const players, turns = 4, 400
	var turn sync.Mutex
	m := &memoryModel{}
	m.happen()
	err := atOnce(players, func(i int, sc *torch.Scope) error {
		p := player{m, rand.New(rand.NewPCG(7, uint64(i))), sc}
		for range turns {
			turn.Lock()
			p.turn()
			err := m.check()
			turn.Unlock()
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, b := range m.live {
		b.t.Free()
	}
	return err
}

// atOnce runs f in sessions at the same time.
func atOnce(n int, f func(i int, sc *torch.Scope) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			errs[i] = torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error { return f(i, sc) })
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// contention has goroutines hand blocks to each other.
func contention() error {
	const players, blocks = 4, 3000
	passed := make(chan *torch.Tensor, 64)
	err := atOnce(players, func(i int, sc *torch.Scope) error {
		rng := rand.New(rand.NewPCG(8, uint64(i)))
		for range blocks {
			c := torch.Categories[rng.IntN(len(torch.Categories))]
			sc.Tagged(c, func() { passed <- sc.Keep(sc.Empty(torch.Uint8, 1+rng.Int64N(1000))) })
			other := <-passed
			other.SetCategory(torch.Categories[rng.IntN(len(torch.Categories))])
			other.Free()
			if b := torch.MemoryPeak(); slices.Min(b[:]) < 0 {
				return fmt.Errorf("breakdown %v", b)
			}
		}
		return nil
	})
	if _, top := torch.Memory(); top != torch.MemoryPeak().Total() || top == 0 {
		err = errors.Join(err, fmt.Errorf("%d bytes at the peak, of %v", top, torch.MemoryPeak()))
	}
	if now := torch.MemoryNow(); now != (torch.Breakdown{}) {
		err = errors.Join(err, fmt.Errorf("%v at the end, want nothing", now))
	}
	return err
}
