package record_test

import (
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lensbench/protocol"
	"lensbench/record"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// entries has one entry of every kind.
func entries() []record.Entry {
	said := protocol.Sample{Wall: 0.02, CPU: 0.019, Durations: []float64{0.011, 0.008}, Items: 16, RSSPeak: 1 << 28, Voluntary: 3,
		Extra: map[string]protocol.Number{"loss": protocol.Number(math.Inf(1))}}
	return []record.Entry{
		{Kind: record.KindWorker, Cell: "c", Time: 0.5, Worker: &record.WorkerEntry{Arm: "a", Pass: protocol.PassTime,
			Hello: protocol.Hello{Protocol: 1, Worker: "lens"}, Facts: protocol.Facts{ItemsPerIteration: 8}, Start: 0.4, First: 0.05, Iterations: 2}},
		{Kind: record.KindOutputs, Cell: "c", Time: 0.6, Outputs: &record.OutputEntry{Arm: "a", When: "before", Digest: "00",
			Shape: []int{8}, Worst: protocol.Number(math.NaN())}},
		{Kind: record.KindBlock, Cell: "c", Time: 0.7, Block: &record.BlockEntry{Restart: 1, Block: 2,
			Samples: []record.Sample{{Arm: "a", Start: 0.65, Wall: 0.03, Iterations: 2, Said: said, Host: record.HostSample{Steal: 0.01}}}}},
		{Kind: record.KindMemory, Cell: "c", Time: 0.8, Memory: &record.MemoryEntry{Arm: "a", TensorPeak: 66561192, RSSPeak: 1 << 28}},
		{Kind: record.KindStatus, Cell: "c", Time: 0.9, Status: &record.StatusEntry{Arm: "b", Status: record.Crash, Reason: "ended", Stderr: "two\nlines <&>"}},
		{Kind: record.KindResume, Time: 1},
		{Kind: record.KindEnd, Time: 2},
	}
}

// newRun makes an empty run and returns its directory.
func newRun(t testing.TB) string {
	t.Helper()
	dir, err := record.Create(t.TempDir(), &record.Run{})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func openJournal(t testing.TB, dir string) *record.Journal {
	t.Helper()
	j, err := record.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func appendAll(t testing.TB, j *record.Journal, es ...record.Entry) {
	t.Helper()
	if err := j.Append(es...); err != nil {
		t.Fatal(err)
	}
}

func readJournal(t testing.TB, dir string) ([]record.Entry, int) {
	t.Helper()
	got, dropped, err := record.ReadJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	return got, dropped
}

// kinds is what tells entries() apart.
func kinds(es []record.Entry) []string {
	var out []string
	for _, e := range es {
		out = append(out, e.Kind)
	}
	return out
}

func TestTheFormOfAJournal(t *testing.T) {
	dir := newRun(t)
	appendAll(t, openJournal(t, dir), entries()...)
	got, err := os.ReadFile(filepath.Join(dir, record.JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/journal.jsonl"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("a journal reads\n%s\nbut %s has\n%s", got, golden, want)
	}
}

// A run may be killed at any byte of a write.
func TestAnyPrefixOfAJournalLosesAtMostItsLastEntry(t *testing.T) {
	whole, err := os.ReadFile("testdata/journal.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	all := kinds(entries())
	dir := newRun(t)
	for cut := range len(whole) + 1 {
		prefix := whole[:cut]
		if err := os.WriteFile(filepath.Join(dir, record.JournalFile), prefix, 0o644); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(prefix), "\n")
		got, dropped := readJournal(t, dir)
		if len(got) < lines || dropped > 1 || !slices.Equal(kinds(got), all[:len(got)]) {
			t.Fatalf("cut at byte %d, in line %d: read %v, dropped %d", cut, lines+1, kinds(got), dropped)
		}
	}
}

func TestAJournalCutAnywhereCanBeContinued(t *testing.T) {
	whole, err := os.ReadFile("testdata/journal.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	dir := newRun(t)
	for cut := 0; cut <= len(whole); cut += 7 { // each continuation waits for the disk
		if err := os.WriteFile(filepath.Join(dir, record.JournalFile), whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		kept, lost := readJournal(t, dir)
		j := openJournal(t, dir)
		appendAll(t, j, record.Entry{Kind: record.KindResume}, record.Entry{Kind: record.KindEnd})
		j.Close()
		got, dropped := readJournal(t, dir)
		want := append(kinds(kept), record.KindResume, record.KindEnd)
		if !slices.Equal(kinds(got), want) || dropped != lost {
			t.Fatalf("cut at byte %d: read %v, dropped %d; want %v, %d", cut, kinds(got), dropped, want, lost)
		}
	}
}

func TestLinesThatAreNotEntriesAreCounted(t *testing.T) {
	end := `{"kind":"end","time":1}`
	for name, tt := range map[string]struct {
		journal       string
		read, dropped int
	}{
		"empty":                 {"", 0, 0},
		"empty lines":           {"\n\n" + end + "\n\n", 1, 0},
		"no final newline":      {end, 1, 0},
		"truncated":             {end + "\n" + `{"kind":"en`, 1, 1},
		"glued":                 {`{"kind":"en` + end + "\n" + end + "\n", 1, 1},
		"binary":                {"\x00\x01\xff\n" + end + "\n", 1, 1},
		"a list":                {"[]\n" + end, 1, 1},
		"unknown kind":          {`{"kind":"future","time":1}` + "\n" + end, 1, 1},
		"kind without content":  {`{"kind":"block","cell":"c","time":1}` + "\n" + end, 1, 1},
		"content without cell":  {`{"kind":"status","time":1,"status":{}}` + "\n" + end, 1, 1},
		"wrong type":            {`{"kind":"end","time":"noon"}` + "\n" + end, 1, 1},
		"two objects on a line": {end + end + "\n" + end, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dropped, read := 0, 0
			for _, err := range record.Scan(strings.NewReader(tt.journal), &dropped) {
				if err != nil {
					t.Fatal(err)
				}
				read++
			}
			if read != tt.read || dropped != tt.dropped {
				t.Errorf("read %d, dropped %d; want %d, %d", read, dropped, tt.read, tt.dropped)
			}
		})
	}
}

func TestOnlyOneProcessWritesAJournal(t *testing.T) {
	dir := newRun(t)
	j := openJournal(t, dir)
	if _, err := record.OpenJournal(dir); !errors.Is(err, record.ErrHeld) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second writer: %v; want %v naming %s", err, record.ErrHeld, dir)
	}
	j.Close()
	openJournal(t, dir)
}

func TestAnEntryThatIsNotWholeIsNotWritten(t *testing.T) {
	dir := newRun(t)
	j := openJournal(t, dir)
	if err := j.Append(record.Entry{Kind: record.KindBlock, Cell: "c"}); err == nil {
		t.Error("a block without samples was written")
	}
	if got, _ := readJournal(t, dir); len(got) != 0 {
		t.Errorf("journal has %d entries; want none", len(got))
	}
}

// A limit on the size of files stands in for a full disk: it, too, lets part
// of a write through.
func TestAFullDiskLosesOnlyWhatCouldNotBeWritten(t *testing.T) {
	dir := newRun(t)
	path := filepath.Join(dir, record.JournalFile)
	j := openJournal(t, dir)
	// The limit holds for all files of this process, so it must not be small.
	first := record.Entry{Kind: record.KindStatus, Cell: "c", Status: &record.StatusEntry{Stderr: strings.Repeat("x", 1<<20)}}
	appendAll(t, j, first)

	limitFileSize(t, fileSize(t, path)+20)
	err := j.Append(entries()...)
	var we *record.WriteError
	if !errors.As(err, &we) || we.Kept != 1 || !strings.Contains(err.Error(), path) || !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("append to a full disk: %v; want a WriteError naming %s and 1 entry kept", err, path)
	}
	if got, dropped := readJournal(t, dir); len(got) != 1 || dropped != 0 {
		t.Errorf("after the failure: %d entries, %d dropped; want 1, 0", len(got), dropped)
	}

	limitFileSize(t, math.MaxInt64)
	appendAll(t, j, record.Entry{Kind: record.KindEnd})
	if got, dropped := readJournal(t, dir); len(got) != 2 || dropped != 0 {
		t.Errorf("after making room: %d entries, %d dropped; want 2, 0", len(got), dropped)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// limitFileSize sets the limit for the rest of the test.
func limitFileSize(t *testing.T, n int64) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: min(uint64(n), old.Max), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_FSIZE, &old) })
}

// Whatever the bytes, reading ends, accounts for every line that is not empty,
// and yields only entries that can be written and read again.
func FuzzScan(f *testing.F) {
	golden, err := os.ReadFile("testdata/journal.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(golden[:len(golden)/2])
	f.Add([]byte("{}\nnull\n\n[1]\n{\"kind\":\"end\"}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got []record.Entry
		dropped := 0
		for e, err := range record.Scan(strings.NewReader(string(b)), &dropped) {
			if err != nil {
				t.Fatalf("reading memory failed: %v", err)
			}
			got = append(got, e)
		}
		lines := 0
		for l := range strings.Lines(string(b)) {
			if l != "\n" {
				lines++
			}
		}
		if len(got)+dropped != lines {
			t.Errorf("%d entries and %d dropped of %d lines", len(got), dropped, lines)
		}
		var written strings.Builder
		for _, e := range got {
			if err := json.NewEncoder(&written).Encode(e); err != nil {
				t.Fatalf("%+v was read and cannot be written: %v", e, err)
			}
		}
		var again []record.Entry
		for e := range record.Scan(strings.NewReader(written.String()), &dropped) {
			again = append(again, e)
		}
		if !slices.Equal(kinds(again), kinds(got)) {
			t.Errorf("written again, %v reads as %v", kinds(got), kinds(again))
		}
	})
}
