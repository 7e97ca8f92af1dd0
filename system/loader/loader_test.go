package loader

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lensbench/system/augment"
	"lensbench/system/stretch"
)

// numbered are images of 2 bands of 4×4 pixels whose pixels are a function of
// their number. Those in broken cannot be read, and every read takes some time
// that nothing depends on, if slow.
type numbered struct {
	n      int
	broken []int
	slow   bool
	reads  *atomic.Int64
}

func (im numbered) Len() int               { return im.n }
func (im numbered) Shape() (int, int, int) { return 2, 4, 4 }
func (im numbered) Label(i int) int        { return i % 2 }
func (im numbered) Name(i int) string      { return fmt.Sprintf("%d.npy", i) }

func (im numbered) Read(i int, dst []float32) error {
	if im.reads != nil {
		im.reads.Add(1)
	}
	if im.slow {
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	}
	if slices.Contains(im.broken, i) {
		return fmt.Errorf("%s: broken", im.Name(i))
	}
	for k := range dst {
		dst[k] = float32(i) + float32(k)/64
	}
	return nil
}

func newLoader(t testing.TB, images numbered, c Config) *Loader {
	t.Helper()
	l, err := New(images, c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// copied is a batch that outlives its release.
type copied struct {
	number         int
	pixels, labels []float32
	index          []int
}

func (c copied) bytes() []byte {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, []int64{int64(c.number), int64(len(c.index))})
	binary.Write(&b, binary.LittleEndian, c.pixels)
	binary.Write(&b, binary.LittleEndian, c.labels)
	return b.Bytes()
}

// epoch returns all batches of an epoch, from the first on, and the error at the
// end if it is not io.EOF.
func epoch(l *Loader, number, first int) (all []copied, err error) {
	s := l.Epoch(context.Background(), number, first)
	defer s.Close()
	for {
		b, err := s.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, copied{b.Number, slices.Clone(b.Pixels), slices.Clone(b.Labels), slices.Clone(b.Index)})
		s.Release(b)
	}
}

func indexes(all []copied) (index []int) {
	for _, b := range all {
		index = append(index, b.index...)
	}
	return index
}

func equal(a, b []copied) bool {
	return slices.EqualFunc(a, b, func(a, b copied) bool {
		return bytes.Equal(a.bytes(), b.bytes()) && slices.Equal(a.index, b.index)
	})
}

// everything is a configuration in which all that could depend on order does
// something.
func everything(workers, prefetch int) Config {
	return Config{Batch: 7, Workers: workers, Prefetch: prefetch, Shuffle: true, Seed: 3,
		Augment: &augment.Policy{Dihedral: true, Shift: 1, Zoom: 0.1, Rotation: 10, Noise: 1}, Stretch: stretch.Asinh}
}

func TestBatchesHaveTheImagesInOrder(t *testing.T) {
	all, err := epoch(newLoader(t, numbered{n: 10}, Config{Batch: 4, Workers: 2}), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Fatalf("%d batches of 10 images by 4, want 3", len(all))
	}
	for i, k := range indexes(all) {
		if i != k {
			t.Fatalf("order is %v, want that of the images", indexes(all))
		}
	}
	last := all[2]
	want := make([]float32, 32)
	numbered{}.Read(9, want)
	if !slices.Equal(last.pixels[32:], want) || len(last.pixels) != 64 || !slices.Equal(last.labels, []float32{0, 1}) {
		t.Errorf("last batch has %d pixels ending in %v and labels %v", len(last.pixels), last.pixels[32:], last.labels)
	}
}

func TestWorkersAndPrefetchDoNotMatter(t *testing.T) {
	images := numbered{n: 64, slow: true}
	want, err := epoch(newLoader(t, images, everything(0, 0)), 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ workers, prefetch int }{{0, 3}, {1, 0}, {2, 1}, {2, 4}, {7, 1}, {7, 20}} {
		l := newLoader(t, images, everything(c.workers, c.prefetch))
		for range 2 { // the second time in used buffers
			got, err := epoch(l, 2, 0)
			if err != nil || !equal(got, want) {
				t.Errorf("%d workers, prefetch %d: other batches than without workers (%v)", c.workers, c.prefetch, err)
			}
		}
	}
}

func TestAnEpochContinuesAtAnyBatch(t *testing.T) {
	images := numbered{n: 40}
	whole, _ := epoch(newLoader(t, images, everything(2, 2)), 5, 0)
	for first := range len(whole) + 1 {
		rest, err := epoch(newLoader(t, images, everything(3, 1)), 5, first)
		if err != nil || !equal(rest, whole[first:]) {
			t.Errorf("from batch %d on: other batches than in the whole epoch (%v)", first, err)
		}
	}
	for _, first := range []int{-1, len(whole) + 1} {
		if _, err := epoch(newLoader(t, images, everything(1, 1)), 0, first); err == nil || !strings.Contains(err.Error(), "has 6") {
			t.Errorf("first batch %d: error %v, want one that says how many there are", first, err)
		}
	}
}

func TestTheErrorIsThatOfTheFirstImageInOrder(t *testing.T) {
	images := numbered{n: 60, broken: []int{17, 18, 22, 23, 40}, slow: true}
	for _, workers := range []int{0, 1, 2, 7} {
		for range 10 {
			l := newLoader(t, images, Config{Batch: 5, Workers: workers, Prefetch: 6})
			s := l.Epoch(context.Background(), 0, 0)
			for want := range 3 {
				b, err := s.Next()
				if err != nil || b.Number != want {
					t.Fatalf("%d workers: batch %d before the broken image: %v", workers, want, err)
				}
				s.Release(b)
			}
			for range 2 {
				if _, err := s.Next(); err == nil || err.Error() != "17.npy: broken" {
					t.Fatalf("%d workers: error %v, want that of 17.npy", workers, err)
				}
			}
			s.Close()
		}
	}
}

func TestStoppingEarlyLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	stops := map[string]func(s *Stream, cancel func()){
		"at once":          func(*Stream, func()) {},
		"with a batch":     func(s *Stream, _ func()) { s.Next() },
		"cancelled":        func(s *Stream, cancel func()) { s.Next(); cancel() },
		"cancelled at end": func(s *Stream, cancel func()) { drain(s); cancel() },
		"closed twice":     func(s *Stream, _ func()) { s.Close() },
	}
	for name, stop := range stops {
		for _, workers := range []int{0, 1, 5} {
			ctx, cancel := context.WithCancel(context.Background())
			s := newLoader(t, numbered{n: 50, slow: true}, Config{Batch: 3, Workers: workers, Prefetch: 2}).Epoch(ctx, 0, 0)
			stop(s, cancel)
			s.Close()
			cancel()
			if _, err := s.Next(); err == nil {
				t.Errorf("%s: a closed stream has a batch", name)
			}
		}
	}
	waitFor(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

func drain(s *Stream) {
	for {
		b, err := s.Next()
		if err != nil {
			return
		}
		s.Release(b)
	}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 500 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("waited 5 s in vain for %s", what)
}

func TestCancellationEndsAWaitingNext(t *testing.T) {
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	stuck := make(chan struct{})
	l, err := New(waiting{numbered{n: 4}, stuck}, Config{Batch: 2, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := l.Epoch(ctx, 0, 0)
	time.AfterFunc(10*time.Millisecond, func() { cancel(reason) })
	if _, err := s.Next(); err != reason {
		t.Errorf("error %v, want the context's cause", err)
	}
	close(stuck)
	s.Close()
}

func TestNothingFollowsCancellation(t *testing.T) {
	for _, workers := range []int{0, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		s := newLoader(t, numbered{n: 50}, Config{Batch: 3, Workers: workers, Prefetch: 4}).Epoch(ctx, 0, 0)
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := s.Next(); err != context.Canceled {
			t.Errorf("%d workers: error %v, want that of the context though batches are ready", workers, err)
		}
		s.Close()
	}
}

// waiting are images that cannot be read before the channel is closed.
type waiting struct {
	numbered
	until chan struct{}
}

func (w waiting) Read(i int, dst []float32) error {
	<-w.until
	return w.numbered.Read(i, dst)
}

func TestMemoryIsBounded(t *testing.T) {
	var mu sync.Mutex
	var made []int
	var reads atomic.Int64
	c := Config{Batch: 4, Workers: 3, Prefetch: 2, Alloc: func(n int) []float32 {
		mu.Lock()
		defer mu.Unlock()
		made = append(made, n)
		return make([]float32, n)
	}}
	l := newLoader(t, numbered{n: 100, reads: &reads}, c)
	s := l.Epoch(context.Background(), 0, 0)
	if b, err := s.Next(); err != nil {
		t.Fatal(err)
	} else {
		waitFor(t, "all buffers to be full", func() bool { return reads.Load() == 12 })
		time.Sleep(20 * time.Millisecond)
		if n := reads.Load(); n != 12 {
			t.Errorf("%d images read while one batch of 4 is in use and 2 may be ready, want 12", n)
		}
		s.Release(b)
	}
	s.Close()
	for e := range 3 {
		if _, err := epoch(l, e, 0); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(made, []int{128, 128, 128}) {
		t.Errorf("buffers of %v floats were made in four epochs, want 3 of 128", made)
	}
}

func TestHoldingAllBuffersIsAnError(t *testing.T) {
	for _, workers := range []int{0, 2} {
		s := newLoader(t, numbered{n: 10}, Config{Batch: 2, Workers: workers, Prefetch: 1}).Epoch(context.Background(), 0, 0)
		first, err1 := s.Next()
		_, err2 := s.Next()
		_, err3 := s.Next()
		if err1 != nil || err2 != nil || err3 == nil || !strings.Contains(err3.Error(), "all 2 batches") {
			t.Fatalf("errors %v, %v, %v of three batches with two buffers", err1, err2, err3)
		}
		s.Release(first)
		if b, err := s.Next(); err != nil || b.Number != 2 {
			t.Errorf("after a release: %v, want batch 2", err)
		}
		s.Close()
	}
}

func TestMisuseOfReleasePanics(t *testing.T) {
	l := newLoader(t, numbered{n: 10}, Config{Batch: 2, Workers: 1})
	s, other := l.Epoch(context.Background(), 0, 0), l.Epoch(context.Background(), 0, 0)
	defer s.Close()
	defer other.Close()
	b, _ := s.Next()
	mustPanic(t, "not from", func() { other.Release(b) })
	s.Release(b)
	if b.Pixels != nil || b.Labels != nil || b.Index != nil {
		t.Error("a released batch still has its slices")
	}
	if _, err := s.Next(); err != nil { // may be in the same buffer
		t.Fatal(err)
	}
	mustPanic(t, "released twice", func() { s.Release(b) })
}

func mustPanic(t *testing.T, with string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if r := fmt.Sprint(recover()); !strings.Contains(r, with) {
			t.Errorf("panic %q, want one with %q", r, with)
		}
	}()
	f()
}

func TestStatsCountBatchesImagesAndWaits(t *testing.T) {
	s := newLoader(t, numbered{n: 20, slow: true}, Config{Batch: 4}).Epoch(context.Background(), 0, 0)
	defer s.Close()
	start := time.Now()
	drain(s)
	total := time.Since(start).Seconds()
	got := s.Stats()
	if got.Batches != 5 || got.Images != 20 {
		t.Errorf("%d batches of %d images, want 5 of 20", got.Batches, got.Images)
	}
	if !(got.First > 0 && got.Longest > 0 && got.Waited >= got.First+got.Longest && got.Waited <= total) {
		t.Errorf("%+v in an epoch of %g s", got, total)
	}
	if want := (got.Waited - got.First) / 4; got.PerStep() != want {
		t.Errorf("wait per step is %g, want %g", got.PerStep(), want)
	}
	if (Stats{Batches: 1, Waited: 1, First: 1}).PerStep() != 0 {
		t.Error("the first batch counts as a step")
	}
}

func TestConfigsThatMakeNoSense(t *testing.T) {
	for want, c := range map[string]Config{
		"batch 0":         {},
		"workers -1":      {Batch: 1, Workers: -1},
		"prefetch -1":     {Batch: 1, Prefetch: -1},
		"rank 2 of 2":     {Batch: 1, Rank: 2, World: 2},
		"rank 1 of 1":     {Batch: 1, Rank: 1},
		"zoom -1":         {Batch: 1, Augment: &augment.Policy{Zoom: -1}},
		`stretch "cubic"`: {Batch: 1, Stretch: "cubic"},
	} {
		if _, err := New(numbered{n: 1}, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := New(numbered{}, Config{Batch: 1}); err == nil {
		t.Error("no error of no images")
	}
}

// Where there is one processor, a worker does not keep it while there is more to
// read, of which there are 6 ms here.
func TestWorkersStepBack(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	images := busy{numbered{n: 20, reads: new(atomic.Int64)}}
	l, err := New(images, Config{Batch: 1, Workers: 1, Prefetch: 19})
	if err != nil {
		t.Fatal(err)
	}
	s := l.Epoch(context.Background(), 0, 0)
	defer s.Close()
	runtime.Gosched()
	if n := images.reads.Load(); n > 10 {
		t.Errorf("%d images of 0.3 ms were read before the loop got its processor back, want a few", n)
	}
}

// busy are images that take 0.3 ms of the processor each.
type busy struct{ numbered }

func (b busy) Read(i int, dst []float32) error {
	for begin := time.Now(); time.Since(begin) < 300*time.Microsecond; {
	}
	return b.numbered.Read(i, dst)
}
