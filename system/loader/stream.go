package loader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

// A Batch is some images that are ready for a network. It belongs to the caller
// of Next until it is released.
type Batch struct {
	Number int       // in the epoch, from 0
	Pixels []float32 // [images, bands, height, width]
	Labels []float32 // 1 for a lens, 0 for none, or survey.Unlabelled
	Index  []int     // numbers of the images in the data set

	stream *Stream
	buffer *buffer // nil: released
}

// ErrClosed is what Next returns after Close.
var ErrClosed = errors.New("loader: the stream is closed")

// A Stream is the batches of an epoch, in order. Next, Release and Close are for
// one goroutine, or several that take turns.
type Stream struct {
	loader *Loader
	epoch  int
	order  []int // images of the epoch
	end    int   // number of batches of the epoch

	canceled     func() error // of the context: Next asks it, for stop comes some time after
	stopWatching func() bool  // of the context
	workers      sync.WaitGroup
	own          *decoder // of Next, if there are no workers

	mu     sync.Mutex
	work   sync.Cond // there may be something to decode, or no more of it
	ready  sync.Cond // the head of the queue may be complete
	all    []*buffer
	free   []*buffer
	queue  []*filling // batches in work or ready, in order; the last may not be given out entirely
	begun  int        // number of the next batch to be queued
	held   int        // batches that the caller has
	failed bool       // an image could not be read: none is begun any more
	err    error      // what Next returns from now on
	closed bool
	stats  Stats
}

// A filling is a batch that is being filled.
type filling struct {
	Batch
	given   int   // images that were given out to be decoded
	pending int   // of these, those not done
	err     error // of the first of its images, in order, that cannot be read
	at      int   // which that is
}

// complete says whether nothing more happens to f.
func (f *filling) complete() bool {
	return f.pending == 0 && (f.given == len(f.Index) || f.err != nil)
}

// Epoch returns the batches of an epoch, beginning at number first: 0, or that
// behind the last batch that was used before a run was broken off. The stream
// ends with ctx, but must be closed in any case.
func (l *Loader) Epoch(ctx context.Context, epoch, first int) *Stream {
	s := &Stream{loader: l, epoch: epoch, end: l.Batches(), begun: first}
	s.work.L, s.ready.L = &s.mu, &s.mu
	s.stopWatching = func() bool { return true }
	s.canceled = func() error { return context.Cause(ctx) }
	if first < 0 || first > s.end {
		s.err = fmt.Errorf("loader: first batch %d, an epoch has %d", first, s.end)
		return s
	}
	s.order = l.config.order(l.images.Len(), epoch)[:l.Images()]
	s.all = l.buffers(min(l.config.Prefetch+1, s.end-first))
	s.free = append(s.free, s.all...)
	s.stopWatching = context.AfterFunc(ctx, func() { s.stop(context.Cause(ctx)) })
	if l.config.Workers == 0 {
		s.own = l.newDecoder()
	}
	for range l.config.Workers {
		s.workers.Go(s.run)
	}
	return s
}

// turn is how long a worker goes on before it steps back. To do so costs some
// microseconds, where another processor is idle.
const turn = 100 * time.Microsecond

// run is what a worker does. It steps back time and again: where there are no
// more processors than workers, a training loop that comes back from libtorch
// would have to wait, for each of its calls, until the scheduler takes one from
// a worker, which is after 10 ms.
func (s *Stream) run() {
	d := s.loader.newDecoder()
	begin := time.Now()
	for {
		f, at, ok := s.take(true)
		if !ok {
			return
		}
		s.done(f, at, d.decode(f, at, s.epoch))
		if time.Since(begin) >= turn {
			runtime.Gosched()
			begin = time.Now()
		}
	}
}

// take gives out the next image. Without one, because all buffers are full, it
// waits for a buffer if it may. It returns false if there is nothing to do.
func (s *Stream) take(wait bool) (f *filling, at int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.failed && s.err == nil {
		if n := len(s.queue); n > 0 && s.queue[n-1].given < len(s.queue[n-1].Index) {
			f = s.queue[n-1]
			f.given++
			f.pending++
			return f, f.given - 1, true
		}
		switch {
		case s.begun == s.end:
			return nil, 0, false
		case len(s.free) > 0:
			s.begin()
		case !wait:
			return nil, 0, false
		default:
			s.work.Wait()
		}
	}
	return nil, 0, false
}

// begin queues the next batch.
func (s *Stream) begin() {
	l := s.loader
	b := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	index := s.order[s.begun*l.config.Batch : min((s.begun+1)*l.config.Batch, len(s.order))]
	n := len(index)
	s.queue = append(s.queue, &filling{Batch: Batch{
		Number: s.begun, Pixels: b.pixels[:n*l.each], Labels: b.labels[:n], Index: index[:n:n], stream: s, buffer: b}})
	s.begun++
	s.work.Broadcast()
}

// done notes that an image was decoded, or was not.
func (s *Stream) done(f *filling, at int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.pending--
	if err == nil {
		s.stats.Images++
	} else {
		s.failed = true // all images before this one are done or in work
		if f.err == nil || at < f.at {
			f.err, f.at = err, at
		}
		s.work.Broadcast()
	}
	if f.complete() {
		s.ready.Broadcast()
	}
}

// Next returns the next batch. It waits for it, and this is the time that Stats
// tells. At the end of the epoch the error is io.EOF. After an error there are
// no more batches, and Next returns the same again; only to ask for a batch while
// all buffers are in use, which would be to wait for ever, ends nothing.
func (s *Stream) Next() (*Batch, error) {
	start := time.Now()
	if err := s.canceled(); err != nil {
		s.stop(err)
	}
	if s.own != nil {
		s.decodeHere()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && len(s.queue) == 0 && s.begun < s.end && len(s.free) == 0 {
		return nil, fmt.Errorf("loader: all %d batches that prefetch %d allows are in use: release one before the next", s.held, s.loader.config.Prefetch)
	}
	if s.err == nil && len(s.queue) == 0 && s.begun == s.end {
		s.err = io.EOF
	}
	for s.err == nil && (len(s.queue) == 0 || !s.queue[0].complete()) {
		s.ready.Wait()
	}
	if s.err == nil {
		s.err = s.queue[0].err
	}
	if s.err != nil {
		return nil, s.err
	}
	b := s.queue[0].Batch
	s.queue = s.queue[1:]
	s.held++
	s.stats.add(time.Since(start))
	return &b, nil
}

// decodeHere decodes the next batch on the goroutine of the caller.
func (s *Stream) decodeHere() {
	for {
		f, at, ok := s.take(false)
		if !ok {
			return
		}
		s.done(f, at, s.own.decode(f, at, s.epoch))
		if at == len(f.Index)-1 {
			return
		}
	}
}

// Release gives the batch back, whose slices must not be used any more: its
// buffer is filled anew. Each batch is released once, to the stream it is from;
// after Close that is not needed.
func (s *Stream) Release(b *Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case b.stream != s:
		panic(fmt.Sprintf("loader: batch %d is released to a stream that it is not from", b.Number))
	case b.buffer == nil:
		panic(fmt.Sprintf("loader: batch %d is released twice", b.Number))
	}
	if !s.closed {
		s.free = append(s.free, b.buffer)
		s.held--
		s.work.Broadcast()
	}
	b.buffer, b.Pixels, b.Labels, b.Index = nil, nil, nil, nil
}

// stop ends the stream: Next returns err from now on, unless something else has
// ended it before.
func (s *Stream) stop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.work.Broadcast()
	s.ready.Broadcast()
}

// Close ends the stream, waits for its goroutines and takes back its buffers,
// those of batches that were not released too.
func (s *Stream) Close() {
	s.stopWatching()
	s.stop(ErrClosed)
	s.workers.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.loader.takeBack(s.all)
	s.all, s.free, s.queue = nil, nil, nil
}
