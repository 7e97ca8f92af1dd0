package npy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	want := []float32{1, 2, 3, 4, 5, 6}
	if err := WriteFile(path, []int{3, 2}, want); err != nil {
		t.Fatal(err)
	}
	rows, err := OpenRows[float32](path)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !slices.Equal(rows.Shape(), []int{3, 2}) {
		t.Errorf("shape %v", rows.Shape())
	}
	got := make([]float32, 6)
	for _, part := range [][]float32{got[:4], got[4:]} {
		if err := rows.Next(part); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := rows.Next(make([]float32, 1)); err == nil {
		t.Error("no error beyond the end")
	}
}

func TestRowsOfBadFiles(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.npy")
	if err := WriteFile(good, []int{2}, []float32{1, 2}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		says  string
	}{
		{"truncated", b[:len(b)-1], "truncated"},
		{"too long", append(slices.Clone(b), 0), "bytes after the data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, "bad.npy")
			if err := os.WriteFile(path, c.bytes, 0o644); err != nil {
				t.Fatal(err)
			}
			rows, err := OpenRows[float32](path)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			if err := rows.Next(make([]float32, 2)); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one that names the file and says %q", err, c.says)
			}
		})
	}
	if _, err := OpenRows[float64](good); err == nil || !strings.Contains(err.Error(), "<f4") {
		t.Errorf("float32 read as float64: %v", err)
	}
}
