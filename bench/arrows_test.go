package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoLibtorch: bench builds and runs anywhere, because nothing in it needs
// libtorch; that is only so as long as it imports no package that does.
func TestNoLibtorch(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "lensbench/bench").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		for _, banned := range []string{"lensbench/torch", "lensbench/system", "lensbench/runner/fakeworker"} {
			if dep == banned || strings.HasPrefix(dep, banned+"/") {
				t.Errorf("bench imports %s", dep)
			}
		}
	}
}
