package runner

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/record"
	"lensbench/runner/fakeworker"
)

// TestCompanion: it is there while arms are measured, has ended when the run has, is on
// record, and is there again when the run goes on; without it the run does not.
func TestCompanion(t *testing.T) {
	opts := options(t, fakeworker.Script{}, smallCell("c", 2))
	log := filepath.Join(t.TempDir(), "log")
	opts.Companion = &Companion{Says: "a process that writes", Argv: []string{"sh", "-c", `echo begins >>"$0"; cat >/dev/null; echo ends >>"$0"`, log}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts.Progress = &interruptAfter{silence{}, 4, cancel}
	dir, err := Start(ctx, opts)
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	if run, err := record.ReadRun(dir); err != nil || run.Context.Beside != opts.Companion.Says {
		t.Errorf("on record is %q beside it (%v)", run.Context.Beside, err)
	}
	opts.Progress = nil
	for _, c := range []*Companion{nil, {Says: "another"}} {
		other := opts
		other.Companion = c
		if err := Resume(context.Background(), dir, other); err == nil || !strings.Contains(err.Error(), "was begun beside a process that writes; go on with: bench calibrate --resume") {
			t.Errorf("beside %v: %v", c, err)
		}
	}
	if err := Resume(context.Background(), dir, opts); err != nil {
		t.Fatal(err)
	}
	if got, want := string(readFile(t, log)), strings.Repeat("begins\nends\n", 2); got != want {
		t.Errorf("its log is %q; want %q", got, want)
	}
	opts.Companion = &Companion{Says: "nothing", Argv: []string{filepath.Join(t.TempDir(), "nothing")}}
	if _, err := Start(context.Background(), opts); err == nil || !strings.HasPrefix(err.Error(), "cannot start nothing: ") {
		t.Errorf("a program that is not there: %v", err)
	}
}
