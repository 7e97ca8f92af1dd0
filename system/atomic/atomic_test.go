package atomic

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	put := func(text string, err error) error {
		return WriteFile(path, func(w io.Writer) error {
			io.WriteString(w, text)
			return err
		})
	}
	if err := put("first", nil); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no more data")
	if err := put("half", broken); !errors.Is(err, broken) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want %v with the file's name", err, broken)
	}
	if b, _ := os.ReadFile(path); string(b) != "first" {
		t.Errorf("after a failure the file holds %q, want what it held", b)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%d files left, want one", len(left))
	}
}

func TestWriteFileSync(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	var seen []string
	err := WriteFileSync(path, func(w io.Writer) error {
		seen = Leftovers(dir)
		_, err := io.WriteString(w, "text")
		return err
	})
	if b, _ := os.ReadFile(path); err != nil || string(b) != "text" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if len(seen) != 1 || len(Leftovers(dir)) != 0 {
		t.Errorf("unfinished files: %v while writing, %v after", seen, Leftovers(dir))
	}
	if err := WriteFileSync(filepath.Join(dir, "no", "a"), nil); err == nil {
		t.Error("no error in a directory that does not exist")
	}
}
