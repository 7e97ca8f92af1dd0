package usage

import (
	"runtime"
	"testing"
	"time"
)

func TestSelf(t *testing.T) {
	before, err := Counters()
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 30*time.Millisecond; {
	}
	after, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	used := after.Since(before)
	if used.CPU <= 0 || used.CPU > 10 || used.RSSPeak < 1<<20 || used.RSSPeak != after.RSSPeak {
		t.Errorf("30 ms of work used %+v", used)
	}
	if sum := before.Plus(used); sum.CPU != after.CPU && sum.CPU-after.CPU > 1e-9 || sum.Voluntary != after.Voluntary {
		t.Errorf("%+v plus %+v is %+v, want %+v", before, used, sum, after)
	}
}

// What is written to becomes resident, and is at most the peak.
func TestResident(t *testing.T) {
	const size = 64 << 20
	before, err := Resident()
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		block[i] = 1
	}
	now, err := Resident()
	if err != nil {
		t.Fatal(err)
	}
	used, err := Self()
	// The race detector keeps a shadow of what is written.
	if grown := now - before; err != nil || grown < size*9/10 || grown > 4*size || now > used.RSSPeak+1<<20 {
		t.Errorf("%d bytes before, %d with %d more, the peak is %d, %v", before, now, len(block), used.RSSPeak, err)
	}
	runtime.KeepAlive(block)
}

func TestAge(t *testing.T) {
	age, err := Age()
	if err != nil || age < 0 || age > time.Hour {
		t.Errorf("age %v, %v", age, err)
	}
}

// BenchmarkResident is what a monitor of the resident set adds to each step.
func BenchmarkResident(b *testing.B) {
	for b.Loop() {
		if _, err := Resident(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSelf(b *testing.B) {
	for b.Loop() {
		if _, err := Self(); err != nil {
			b.Fatal(err)
		}
	}
}
