package torch_test

import (
	"debug/elf"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const shim = "../bin/liblt.so.1"

// TestExportsAreTheHeader compares the symbols that the shim exports with the
// functions that its header declares.
func TestExportsAreTheHeader(t *testing.T) {
	if got, want := exported(t), declared(t); !slices.Equal(got, want) {
		t.Errorf("shim exports\n  %s\nheader declares\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func exported(t *testing.T) (names []string) {
	t.Helper()
	f, err := elf.Open(shim)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

func declared(t *testing.T) (names []string) {
	t.Helper()
	header, err := os.ReadFile("shim/lt.h")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAll(header, nil)
	for _, m := range regexp.MustCompile(`\b(lt_\w+)\(`).FindAllSubmatch(code, -1) {
		names = append(names, string(m[1]))
	}
	slices.Sort(names)
	return names
}

// The name in the library is what the loader looks for beside the program.
func TestSharedObjectName(t *testing.T) {
	f, err := elf.Open(shim)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := f.DynString(elf.DT_SONAME); err != nil || !slices.Equal(got, []string{"liblt.so.1"}) {
		t.Errorf("SONAME %v (%v), want liblt.so.1", got, err)
	}
}

// One guard holds the only try block: anything else would let an exception
// through, or turn one into an error twice.
func TestOneTryBlock(t *testing.T) {
	files, err := os.ReadDir("shim")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		text, err := os.ReadFile("shim/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		count += len(regexp.MustCompile(`\btry \{`).FindAll(text, -1))
		if strings.Contains(string(text), "torch/torch.h") {
			t.Errorf("%s includes torch/torch.h, which takes 16 s and 1.2 GB to compile", f.Name())
		}
	}
	if count != 1 {
		t.Errorf("%d try blocks, want 1", count)
	}
}
