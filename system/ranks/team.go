package ranks

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"lensbench/torch"
)

// DefaultTimeout is how long ranks wait for each other.
const DefaultTimeout = 5 * time.Minute

// Options are how ranks work together; the same in all of them.
type Options struct {
	// Timeout is after what time a rank for which the others wait is lost, at
	// the beginning and later; 0: DefaultTimeout. What one rank does alone, such as
	// writing a checkpoint, has to be shorter.
	Timeout time.Duration

	// Interface is the network interface to the other machines; "": that of
	// GLOO_SOCKET_IFNAME, or else the address that this machine's name stands for.
	// Ranks that meet on the loopback interface use it.
	Interface string
}

// reserve is the part of the timeout that is left when a call has waited in vain:
// half of it to find out who is missing, half to leave.
func (o Options) reserve() time.Duration { return min(o.Timeout/2, 10*time.Second) }

// A Team is this process among the ranks. The zero value is one that works alone. Its methods are called by all ranks in
// the same order; each waits for the others. One that works alone has nobody to
// wait for. It belongs to one goroutine at a time.
type Team struct {
	Place
	options Options
	store   *torch.Store // for the group
	group   *torch.Group
	watch   *watch

	hostGroup   *torch.Group // that of before OnDevices; nil: group is
	deviceStore *torch.Store // of OnDevices
}

// Run has f work with the other ranks. It returns when all have come to the end of
// f, or with an error if one of them has not: f's error, or a *Lost where others
// are to blame.
func Run(p Place, o Options, f func(t *Team) error) error {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	p.World = max(p.World, 1)
	t := &Team{Place: p, options: o}
	if t.Alone() {
		return f(t)
	}
	if err := t.meet(); err != nil {
		t.leave(err)
		return fmt.Errorf("%v: %w", p, err)
	}
	err := f(t)
	if err == nil {
		err = t.call("the end", t.group.Barrier)
	}
	if err = t.watch.explain(err); err != nil {
		err = fmt.Errorf("%v: %w", p, err)
	}
	t.leave(err)
	return err
}

// AllReduce sets every tensor to its sum over the ranks.
func (t *Team) AllReduce(tensors ...*torch.Tensor) error {
	return t.call("all-reduce", func() error { return t.group.AllReduce(tensors...) })
}

// Broadcast sets every tensor to that of rank 0.
func (t *Team) Broadcast(tensors ...*torch.Tensor) error {
	return t.call("broadcast", func() error { return t.group.Broadcast(0, tensors...) })
}

// Barrier waits until all ranks have come to it.
func (t *Team) Barrier() error {
	return t.call("barrier", func() error { return t.group.Barrier() })
}

// Any says whether v is true in any rank.
func (t *Team) Any(sc *torch.Scope, v bool) (any bool, err error) {
	all, err := t.Gather(sc, []float64{map[bool]float64{true: 1}[v]})
	for _, of := range all {
		any = any || of[0] != 0
	}
	return any, err
}

// Gather returns the values of every rank, in the order of ranks. They may have
// different numbers of values.
func (t *Team) Gather(sc *torch.Scope, values []float64) (all [][]float64, err error) {
	if t.Alone() {
		return [][]float64{values}, nil
	}
	err = t.call("gather", func() (err error) {
		sc.Scoped(func(sc *torch.Scope) { all, err = t.gather(sc, values) })
		return err
	})
	return all, err
}

// Tell returns rank 0's text in all ranks; those of others are not looked at.
func (t *Team) Tell(sc *torch.Scope, text []byte) ([]byte, error) {
	var values []float64
	if t.Rank == 0 {
		for _, b := range text {
			values = append(values, float64(b))
		}
	}
	all, err := t.Gather(sc, values)
	if err != nil {
		return nil, err
	}
	text = make([]byte, len(all[0]))
	for i, v := range all[0] {
		text[i] = byte(v)
	}
	return text, nil
}

// gather exchanges the numbers of values, and then as many of each rank as the
// longest has.
func (t *Team) gather(sc *torch.Scope, values []float64) ([][]float64, error) {
	counts, err := t.exchange(sc, []float64{float64(len(values))})
	if err != nil {
		return nil, err
	}
	longest := 1.0 // gloo does not send nothing
	for _, c := range counts {
		longest = max(longest, c[0])
	}
	all, err := t.exchange(sc, append(values[:len(values):len(values)], make([]float64, int(longest)-len(values))...))
	for i := range all {
		all[i] = all[i][:int(counts[i][0])]
	}
	return all, err
}

func (t *Team) exchange(sc *torch.Scope, values []float64) (all [][]float64, err error) {
	tensors, err := t.group.AllGather(sc, sc.FromFloat64(values, int64(len(values))))
	for _, x := range tensors {
		of := make([]float64, len(values))
		if err := x.CopyFloat64(of); err != nil {
			return nil, err
		}
		all = append(all, of)
	}
	return all, err
}

// call calls what all ranks have to call, unless there is one only.
func (t *Team) call(what string, f func() error) error {
	if t.Alone() {
		return nil
	}
	t.watch.enter(what)
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// meet connects the ranks.
func (t *Team) meet() (err error) {
	if err := t.openStores(); err != nil {
		return err
	}
	if err := t.watch.gather(t.options.Timeout); err != nil {
		return t.started(err)
	}
	if t.group, err = t.connect(t.store, torch.Gloo); err != nil {
		return t.watch.explain(fmt.Errorf("connecting: %w", err))
	}
	return nil
}

func (t *Team) connect(s *torch.Store, backend string) (*torch.Group, error) {
	return torch.NewGroup(s, torch.GroupConfig{Backend: backend, Rank: t.Rank, World: t.World,
		Timeout: t.options.Timeout - t.options.reserve(), Host: t.address(), Interface: t.device()})
}

// OnDevices makes tensors on CUDA devices ones that the ranks can exchange, over NCCL.
// All of them call it once, before the first such exchange.
func (t *Team) OnDevices() error {
	return t.call("connecting devices", func() (err error) {
		c := t.storeConfig()
		c.Prefix += "/devices"
		if t.deviceStore, err = torch.OpenStore(c); err != nil {
			return t.noStore(err)
		}
		g, err := t.connect(t.deviceStore, torch.NCCL)
		if err != nil {
			return err
		}
		t.group, t.hostGroup = g, t.group
		return nil
	})
}

// started adds to an error about ranks that have not come who should have started
// them.
func (t *Team) started(err error) error {
	if t.by == slurmWorld {
		return fmt.Errorf("%w; there are to be %d by %s, so srun starts this program", err, t.World, t.by)
	}
	return err
}

// openStores opens one store for the group, and one for the watch, which must not
// wait for a call of the group.
func (t *Team) openStores() (err error) {
	c := t.storeConfig()
	own := c
	own.Keep, own.Socket = t.keeps(), t.socket
	if t.store, err = torch.OpenStore(own); err != nil {
		return t.noStore(err)
	}
	store, err := torch.OpenStore(c)
	if err != nil {
		return t.noStore(err)
	}
	t.watch = newWatch(t.Place, store, t.options.reserve()/2)
	go t.watch.run()
	return nil
}

// storeConfig is how this rank reaches a store that another keeps.
func (t *Team) storeConfig() torch.StoreConfig {
	return torch.StoreConfig{Host: t.Host, Port: t.Port, Timeout: t.options.Timeout, Prefix: "lensbench/ranks/" + t.Round}
}

// keeps says whether this rank keeps the store.
func (t *Team) keeps() bool { return t.Rank == 0 && !t.Agent }

// noStore explains why there is no store.
func (t *Team) noStore(err error) error {
	at := net.JoinHostPort(t.Host, fmt.Sprint(t.Port))
	if t.keeps() || t.Agent || !errors.Is(err, torch.ErrConnection) {
		return fmt.Errorf("store at %s: %w", at, err)
	}
	return t.started(&Lost{[]Missing{{Why: "has not come to its place at " + at}}, err})
}

// address is what the other ranks reach this one by.
func (t *Team) address() string {
	if ip := net.ParseIP(t.Host); t.Host == "localhost" || ip.IsLoopback() {
		return "127.0.0.1"
	}
	return ""
}

func (t *Team) device() string {
	switch {
	case t.options.Interface != "":
		return t.options.Interface
	case t.address() != "":
		return ""
	}
	return os.Getenv("GLOO_SOCKET_IFNAME")
}

// leave ends the connections: first those of the group, so that a rank that waits
// for this one sees it. After an error, a call may still be in flight, which the group
// would wait for, and the store may not answer: then they go with the process.
func (t *Team) leave(err error) {
	t.bounded(err, func() {
		for _, g := range []*torch.Group{t.group, t.hostGroup} {
			if g != nil {
				g.Free()
			}
		}
	})
	if t.watch != nil {
		t.watch.leave(t.keeps())
	}
	t.bounded(err, func() {
		for _, s := range []*torch.Store{t.deviceStore, t.store} {
			if s != nil {
				s.Free()
			}
		}
	})
}

// bounded calls f, and after an error waits for it for a short time only.
func (t *Team) bounded(err error, f func()) {
	if err == nil {
		f()
		return
	}
	within(t.options.reserve()/8, f)
}

// within calls f and waits for it, but not longer than d. It says whether f has
// ended.
func within(d time.Duration, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}
