package safetensors

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sealed(t *testing.T, metadata map[string]string) (path string, content []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "c.safetensors")
	err := WriteSealedFile(path, metadata, []Source{
		{Name: "a", DType: F32, Shape: []int{3}, Float: func(dst []float32) error { copy(dst, []float32{1, 2, 3}); return nil }},
		{Name: "b", DType: U8, Shape: []int{2}, Bytes: []uint8{4, 5}},
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, content
}

func TestSealedFile(t *testing.T) {
	metadata := map[string]string{"format": "pt", "zeros": openSeal} // which could be taken for the seal
	path, content := sealed(t, metadata)
	f, err := OpenSealed(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Metadata["format"] != "pt" || len(metadata) != 2 {
		t.Errorf("metadata %v, those given are now %v", f.Metadata, metadata)
	}
	if _, again := sealed(t, metadata); !bytes.Equal(content, again) {
		t.Error("the same content has other bytes the second time")
	}
}

// Whichever byte of a sealed file is another, opening it is an error of format,
// and so is every length but its own.
func TestSealFindsEveryChange(t *testing.T) {
	path, content := sealed(t, map[string]string{"format": "pt", "state": `{"epoch": 3}`})
	broken := func(what string, at int, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := OpenSealed(path)
		if err == nil {
			f.Close()
			t.Fatalf("%s %d of %d was not noticed", what, at, len(content))
		}
		if !errors.Is(err, ErrFormat) || !strings.HasPrefix(err.Error(), path) {
			t.Fatalf("%s %d: %v, want ErrFormat and the path", what, at, err)
		}
	}
	for i := range content {
		b := bytes.Clone(content)
		b[i] ^= 1
		broken("change of byte", i, b)
		broken("cut at byte", i, content[:i])
	}
	broken("a byte more than", len(content), append(bytes.Clone(content), 0))
}

func TestOpenSealedWithoutSeal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := WriteFile(path, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealed(path); err == nil || !strings.Contains(err.Error(), "has no SHA-256 of itself") {
		t.Error(err)
	}
}
