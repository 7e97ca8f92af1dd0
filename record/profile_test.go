package record_test

import (
	"reflect"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
)

// A profile is read as it was written; one that says that it is there and is not, or the
// other way round, is no entry.
func TestProfilesInTheJournal(t *testing.T) {
	there := record.Profile{Iterations: 3, Status: record.OK, Said: &protocol.Profile{Wall: 1, Busy: 0.5, Threads: 1,
		Operators: []protocol.OperatorTime{{Name: "aten::mm", Calls: 6, Seconds: 0.4}}, Other: &protocol.OperatorTime{Calls: 2, Seconds: 0.1}}}
	gone := record.Profile{Status: record.Skipped, Reason: "members run in processes of their own"}
	entry := func(p record.Profile) record.Entry {
		return record.Entry{Kind: record.KindProfile, Cell: "c", Profile: &record.ProfileEntry{Arm: "a", Profile: p}}
	}
	dir := newRun(t)
	j, err := record.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	want := []record.Entry{entry(there), entry(gone)}
	if err := j.Append(want...); err != nil {
		t.Fatal(err)
	}
	for _, p := range []record.Profile{{Status: record.OK}, {Status: record.Crash, Said: there.Said}} {
		if err := j.Append(entry(p)); err == nil {
			t.Errorf("%+v was written", p)
		}
	}
	if err := j.Append(record.Entry{Kind: record.KindProfile, Cell: "c"}); err == nil {
		t.Error("a profile without its content was written")
	}
	got, dropped, err := record.ReadJournal(dir)
	if err != nil || dropped != 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %d dropped, error %v; want %+v", got, dropped, err, want)
	}
}
