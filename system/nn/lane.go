package nn

import (
	"errors"
	"sync"

	"lensbench/torch"
)

// A Lane is a torch session that stays open for work that comes piece by piece.
// Its operating-system thread keeps its team of OpenMP threads and libtorch's
// prepared kernels, which a session per piece would lose.
type Lane struct {
	jobs    chan job
	end     chan struct{} // closed when the session has ended
	err     error         // of the session; read after end
	threads int
	close   sync.Once
}

type job struct {
	f    func(sc *torch.Scope) error
	done chan error
}

// OpenLane opens a session.
func OpenLane(s torch.Session) (*Lane, error) {
	l := &Lane{jobs: make(chan job), end: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		defer close(l.end)
		l.err = s.Run(func(sc *torch.Scope) error {
			l.threads = sc.Threads()
			close(ready)
			l.serve(sc)
			return nil
		})
	}()
	select {
	case <-ready:
		return l, nil
	case <-l.end:
		return nil, l.err
	}
}

func (l *Lane) serve(sc *torch.Scope) {
	for j := range l.jobs {
		var err error
		sc.Scoped(func(sc *torch.Scope) { err = run(sc, j.f) })
		j.done <- err // after the scope is freed: the caller may count tensors
	}
}

// run returns f's error or the one that an operator panicked with; the session
// would end if it saw that one.
func run(sc *torch.Scope, f func(sc *torch.Scope) error) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if e, ok := r.(error); ok && errors.As(e, new(*torch.Error)) {
			err = e
			return
		}
		panic(r)
	}()
	return f(sc)
}

// Threads returns the number of compute threads, read back from libtorch.
func (l *Lane) Threads() int { return l.threads }

// Do runs f in the session, in a scope of its own, and returns its error or
// that of the operator that failed; the lane stays usable. Calls from several
// goroutines take turns.
func (l *Lane) Do(f func(sc *torch.Scope) error) error {
	j := job{f, make(chan error, 1)}
	l.jobs <- j
	return <-j.done
}

// Rest ends the idle threads of the session's team, as torch.Scope.Rest does.
func (l *Lane) Rest() error {
	return l.Do(func(sc *torch.Scope) error {
		sc.Rest()
		return nil
	})
}

// Close ends the session. Do must not be called any more.
func (l *Lane) Close() error {
	l.close.Do(func() { close(l.jobs) })
	<-l.end
	return l.err
}
