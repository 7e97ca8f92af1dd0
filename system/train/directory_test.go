package train

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lensbench/system/trained"
)

func openDir(t *testing.T, path string) *directory {
	t.Helper()
	d, err := openDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d
}

func TestOneRunAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "run")
	d, err := openDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = openDirectory(path)
	for _, want := range []string{path, "in use by another training run", "process " + strconv.Itoa(os.Getpid()), os.Args[0]} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
	}
	d.close()
	openDir(t, path)
}

func TestUnfinishedFilesAreRemoved(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{".new-123", LastName} {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	openDir(t, path)
	if _, err := os.Stat(filepath.Join(path, ".new-123")); err == nil {
		t.Error("what a killed process was writing is still there")
	}
	if _, err := os.Stat(filepath.Join(path, LastName)); err != nil {
		t.Error("a checkpoint is gone")
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	d := openDir(t, t.TempDir())
	if err := d.mustBeFree(); err != nil {
		t.Error(err)
	}
	writeSome(t, d.file(LastName), someState())
	want := "holds a training run, resnet18 at step 27, in epoch 3 of 20; go on with --resume"
	if err := d.mustBeFree(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if err := os.WriteFile(d.file(trained.ManifestName), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := d.mustBeFree(); err == nil || !strings.Contains(err.Error(), "holds a trained network") {
		t.Error(err)
	}
}

func TestSpaceIsChecked(t *testing.T) {
	d := openDir(t, t.TempDir())
	if err := d.checkSpace(1 << 10); err != nil {
		t.Error(err)
	}
	err := d.checkSpace(math.MaxInt64 / 4)
	if err == nil || !strings.Contains(err.Error(), "checkpoints need another 6.0 EiB there") || !strings.Contains(err.Error(), "are free") {
		t.Error(err)
	}
}
