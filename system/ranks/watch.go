package ranks

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"lensbench/torch"
)

// Keys in the store; all but the alarm are followed by a rank.
const (
	hereKey   = "here/"
	alarmKey  = "alarm"
	answerKey = "answer/"
	leftKey   = "left/"
)

// look is the time between looks for the alarm. A look takes less than 0.1 ms.
const look = 200 * time.Millisecond

// An answer is what a rank says of itself after an alarm.
type answer struct {
	Calls  int    // that it has come to
	Last   string // what that is
	Waited bool   // for others in the last call, in vain
	Err    string // why it has failed by itself; "": it has not
}

// A watch knows how far this rank has come and finds out about the others.
type watch struct {
	place Place
	store *torch.Store
	grace time.Duration // in which to find out
	stop  chan struct{} // closed when this rank leaves

	mu     sync.Mutex
	own    answer
	saying sync.Mutex // held from the reading of own until it is in the store, so that no older answer replaces a newer
}

func newWatch(p Place, s *torch.Store, grace time.Duration) *watch {
	return &watch{place: p, store: s, grace: grace, stop: make(chan struct{})}
}

func key(prefix string, rank int) string { return fmt.Sprint(prefix, rank) }

// gather waits until all ranks are there.
func (w *watch) gather(timeout time.Duration) error {
	host, _ := os.Hostname()
	if err := w.store.Set(key(hereKey, w.place.Rank), fmt.Appendf(nil, "%s, process %d", host, os.Getpid())); err != nil {
		return err
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(look / 10) {
		missing, err := w.without(hereKey)
		switch {
		case err != nil:
			return &Lost{w.keeperGone("is gone"), err}
		case len(missing) == 0:
			return nil
		case time.Now().After(deadline):
			return &Lost{Ranks: because(missing, fmt.Sprintf("has not come within %v", timeout))}
		}
	}
}

// because gives all ranks one reason.
func because(ranks []int, why string) (out []Missing) {
	for _, r := range ranks {
		out = append(out, Missing{Rank: r, Why: why})
	}
	return out
}

// without returns the ranks that have not set their key.
func (w *watch) without(prefix string) (ranks []int, err error) {
	for r := range w.place.World {
		has, err := w.store.Has(key(prefix, r))
		if err != nil {
			return nil, err
		}
		if !has {
			ranks = append(ranks, r)
		}
	}
	return ranks, nil
}

// enter notes that this rank has come to a call of all.
func (w *watch) enter(what string) {
	w.note(func(own *answer) { own.Calls, own.Last = own.Calls+1, what })
}

func (w *watch) note(change func(own *answer)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.own)
}

// run answers an alarm.
func (w *watch) run() {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		alarm, err := w.store.Has(alarmKey)
		if err != nil {
			return // this rank finds out in its next call
		}
		if alarm {
			w.answer()
			return
		}
	}
}

// answer puts into the store how far this rank is.
func (w *watch) answer() error {
	w.saying.Lock()
	defer w.saying.Unlock()
	w.mu.Lock()
	text, err := json.Marshal(w.own)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	return w.store.Set(key(answerKey, w.place.Rank), text)
}

// explain returns what err is due to: if a connection was lost a *Lost, else err,
// which the other ranks are told.
func (w *watch) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, torch.ErrConnection):
		w.note(func(own *answer) { own.Err = err.Error() })
		within(w.grace, func() { w.alarm() })
		return err
	}
	w.note(func(own *answer) { own.Waited = true })
	found := make(chan []Missing, 1)
	if !within(w.grace, func() { found <- w.rollCall() }) {
		return &Lost{w.keeperGone("does not answer"), err}
	}
	return &Lost{<-found, err}
}

// alarm has all ranks answer.
func (w *watch) alarm() error {
	if err := w.answer(); err != nil {
		return err
	}
	return w.store.Set(alarmKey, nil)
}

// rollCall finds out who is missing.
func (w *watch) rollCall() []Missing {
	if err := w.alarm(); err != nil {
		return w.keeperGone("is gone")
	}
	for deadline := time.Now().Add(w.grace / 2); ; time.Sleep(look / 10) {
		answers, err := w.answers()
		if err != nil {
			return w.keeperGone("is gone")
		}
		if settled(answers) || time.Now().After(deadline) {
			return w.locate(judge(answers))
		}
	}
}

// settled says whether no answer can change any more: every rank has waited in vain
// or failed by itself.
func settled(all []*answer) bool {
	return !slices.ContainsFunc(all, func(a *answer) bool { return a == nil || (!a.Waited && a.Err == "") })
}

// locate adds where ranks are.
func (w *watch) locate(lost []Missing) []Missing {
	for i, m := range lost {
		if where, err := w.store.Get(key(hereKey, m.Rank)); err == nil {
			lost[i].Where = string(where)
		}
	}
	return lost
}

// keeperGone blames who keeps the store, with which all answers are gone.
func (w *watch) keeperGone(how string) []Missing {
	switch {
	case w.place.Agent:
		return []Missing{{Rank: w.place.Rank, Why: "is without torchrun, which keeps the store and " + how}}
	case w.place.Rank == 0:
		return nil // it is this one
	}
	return []Missing{{Why: how}}
}

// answers returns the answers of all ranks, nil of the silent ones.
func (w *watch) answers() ([]*answer, error) {
	all := make([]*answer, w.place.World)
	for r := range all {
		has, err := w.store.Has(key(answerKey, r))
		if err != nil {
			return nil, err
		}
		if !has {
			continue
		}
		text, err := w.store.Get(key(answerKey, r))
		if err != nil {
			return nil, err
		}
		all[r] = &answer{}
		if err := json.Unmarshal(text, all[r]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// judge says who is missing: who has failed, else who is silent, else who has come
// to fewer calls than others, else who does not wait in the last. Each is a reason
// for the ones that follow.
func judge(all []*answer) []Missing {
	furthest := &answer{}
	for _, a := range all {
		if a != nil && a.Calls > furthest.Calls {
			furthest = a
		}
	}
	var lost [4][]Missing // by how sure it is
	for r, a := range all {
		if sure, why := suspect(a, furthest); why != "" {
			lost[sure] = append(lost[sure], Missing{Rank: r, Why: why})
		}
	}
	for _, l := range lost {
		if l != nil {
			return l
		}
	}
	return nil
}

// suspect says what speaks against a rank, "" if nothing, and how sure that is.
func suspect(a, furthest *answer) (sure int, why string) {
	switch {
	case a == nil:
		return 1, "does not answer: its process is gone or stopped"
	case a.Err != "":
		return 0, "failed: " + firstLine(a.Err)
	case a.Calls < furthest.Calls:
		return 2, fmt.Sprintf("has not come to call %d, %s: its last was %d, %s", furthest.Calls, furthest.Last, a.Calls, a.Last)
	case !a.Waited:
		return 3, fmt.Sprintf("does not come to the end of call %d, %s", a.Calls, a.Last)
	}
	return 0, ""
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// leave ends the watch. Who keeps the store stays until the others have left, too.
func (w *watch) leave(keeper bool) {
	close(w.stop)
	within(w.grace/2, func() {
		w.store.Set(key(leftKey, w.place.Rank), nil)
		for deadline := time.Now().Add(w.grace / 2); keeper && time.Now().Before(deadline); time.Sleep(look / 10) {
			missing, err := w.without(leftKey)
			if err != nil || len(missing) == 0 {
				break
			}
		}
		w.store.Free()
	})
}
