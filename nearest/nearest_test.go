package nearest

import "testing"

func TestName(t *testing.T) {
	names := []string{"sequential", "batch", "bands", "batch-major", "threads", "processes", "vit_b_16", "throughput", "set"}
	for word, want := range map[string]string{
		"bacth": "batch", "Batch": "batch", "treads": "threads", "thruput": "throughput", "sets": "set", "ste": "set", "est": "set", "tes": "", "batch-maj": "batch-major",
		"thread": "threads", "Threads": "threads", "batch_major": "batch-major", "batchmajor": "batch-major",
		"seq": "sequential", "vit-b-16": "vit_b_16", "vit": "vit_b_16", "procs": "", "x": "", "": "", "completely-different": "",
	} {
		if got := Name(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add("thraeds", "threads")
	f.Fuzz(func(t *testing.T, word, name string) {
		if got := Name(name, []string{name}); name != "" && got != name {
			t.Errorf("%q is not nearest to itself: %q", name, got)
		}
		Name(word, []string{name, ""})
	})
}
