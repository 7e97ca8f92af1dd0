package runner

import (
	"context"
	"errors"
	"os"
	"time"

	"lensbench/protocol"
)

// Greet starts a worker, asks who it is, and ends it. The error's text is a
// reason to show: what is missing and how to get it.
func Greet(ctx context.Context, c Command, limit time.Duration) (protocol.Hello, error) {
	if len(c.Argv) == 0 {
		return protocol.Hello{}, os.ErrNotExist
	}
	w, err := open(ctx, launch{command: c, mark: newMark("greet", 0), log: os.DevNull, limit: limit})
	var f *failure
	if errors.As(err, &f) {
		return protocol.Hello{}, errors.New(f.reason)
	}
	if err != nil {
		return protocol.Hello{}, err
	}
	defer w.close()
	return w.hello, nil
}

// InUse returns the run that is using this machine, if there is one.
func InUse() (Holder, bool) {
	l, err := tryLock(LockPath())
	var busy *Busy
	if errors.As(err, &busy) {
		return busy.Holder, true
	}
	if err == nil {
		l.f.Close() // without release, which would empty the file
	}
	return Holder{}, false
}
