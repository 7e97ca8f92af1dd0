package record_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/record"
)

func TestANewRunReadsBackAsItWasPlanned(t *testing.T) {
	run := record.Run{Command: []string{"run", "null"}, Seed: 1<<63 + 5, Started: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Cells: []record.Cell{{ID: "c", Arms: []record.Arm{{Name: "a", Settings: protocol.Settings{Kind: "null"}}}}}}
	dir, err := record.Create(t.TempDir(), &run)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^20260102T030405Z-[0-9a-f]{6}$`).MatchString(run.ID) || filepath.Base(dir) != run.ID {
		t.Errorf("run %q in directory %s", run.ID, dir)
	}
	got, err := record.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, run) {
		t.Errorf("read %+v; want %+v", got, run)
	}
	if entries, dropped := readJournal(t, dir); len(entries)+dropped != 0 {
		t.Errorf("a new journal has %d entries, %d dropped", len(entries), dropped)
	}
	if names := list(t, filepath.Dir(dir)); len(names) != 1 {
		t.Errorf("directory of runs has %v; want the run alone", names)
	}
}

func TestARunIsNeverMadeOverAnother(t *testing.T) {
	root := t.TempDir()
	if _, err := record.Create(root, &record.Run{ID: "same"}); err != nil {
		t.Fatal(err)
	}
	_, err := record.Create(root, &record.Run{ID: "same"})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(root, "same")) {
		t.Errorf("second run of one name: %v; want an error that names it", err)
	}
}

func TestAPlaceThatCannotBeWrittenIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{file, filepath.Join(file, "runs"), "/proc/lensbench", "/sys"} {
		if err := record.CheckWritable(root); err == nil || !strings.Contains(err.Error(), root) {
			t.Errorf("CheckWritable(%s): %v; want an error that names it", root, err)
		}
	}
	root := filepath.Join(t.TempDir(), "new", "runs")
	if err := record.CheckWritable(root); err != nil {
		t.Errorf("CheckWritable(%s): %v", root, err)
	}
	if names := list(t, root); len(names) != 0 {
		t.Errorf("CheckWritable left %v behind", names)
	}
}

func TestVerdictsAreReplacedWhole(t *testing.T) {
	dir := newRun(t)
	for _, id := range []string{"first", "second"} {
		if err := record.WriteVerdicts(dir, record.Verdicts{Run: id}); err != nil {
			t.Fatal(err)
		}
		v, err := record.ReadVerdicts(dir)
		if err != nil || v.Run != id || v.Schema != record.Schema {
			t.Errorf("read %+v, %v; want run %s of schema %d", v, err, id, record.Schema)
		}
	}
	for _, name := range list(t, dir) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("temporary file %s is left", name)
		}
	}
}

func TestADocumentThatCannotBeReadIsNamed(t *testing.T) {
	for name, content := range map[string]string{
		"of a newer bench": `{"schema": 99}`,
		"without schema":   `{}`,
		"cut":              `{"schema": 1, "id": "x`,
		"empty":            ``,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, record.RunFile)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := record.ReadRun(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("run.json %s: %v; want an error that names %s", name, err, path)
		}
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
