package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/record"
	"lensbench/runner/fakeworker"
	"lensbench/runner/progress"
)

func energyCell() record.Cell {
	c := smallCell("c", 2)
	c.Measure = append(c.Measure, record.Energy)
	return c
}

// shortWindow makes energy passes short for one test.
func shortWindow(t *testing.T) {
	before := energyWindow
	energyWindow = 0.01
	t.Cleanup(func() { energyWindow = before })
}

// burning is a sink that lets the counter of a machine run on.
type burning struct {
	silence
	file string
	µJ   int
}

func (b *burning) Update(progress.State) {
	b.µJ += 1_000_000
	if err := os.WriteFile(b.file, fmt.Appendf(nil, "%d\n", b.µJ), 0o644); err != nil {
		panic(err)
	}
}

func TestEnergyHasPassesOfItsOwn(t *testing.T) {
	shortWindow(t)
	opts := options(t, fakeworker.Script{}, energyCell())
	opts.Root = t.TempDir()
	zone := filepath.Join(opts.Root, "sys/class/powercap/intel-rapl:0")
	if err := os.MkdirAll(zone, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"name": "package-0", "energy_uj": "5", "max_energy_range_uj": "262143328850"} {
		if err := os.WriteFile(filepath.Join(zone, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	opts.Progress = &burning{file: filepath.Join(zone, "energy_uj")}
	j := journal(t, mustStart(t, opts))
	seen := map[string]int{}
	for _, e := range j[record.KindEnergy] {
		seen[fmt.Sprint(e.Energy.Arm, e.Energy.Restart)]++
		if e.Energy.Items < 1 || e.Energy.Seconds < energyWindow || e.Energy.Absent != "" || len(e.Energy.Joules) != 1 {
			t.Errorf("%+v", *e.Energy)
		}
	}
	if len(seen) != 4 || seen["control0"] != 1 || seen["variant11"] != 1 {
		t.Errorf("passes %v; want one per arm and restart", seen)
	}
	passes := 0
	for _, e := range j[record.KindWorker] {
		if e.Worker.Pass == record.PassEnergy {
			passes++
		}
	}
	if passes != 4 {
		t.Errorf("%d processes of energy passes; want 4", passes)
	}
}

// Absent is not 0: it is said once, with the reason, and nothing is run for it.
func TestEnergyThatNobodyCountsIsAbsent(t *testing.T) {
	opts := options(t, fakeworker.Script{}, energyCell())
	opts.Root = t.TempDir()
	j := journal(t, mustStart(t, opts))
	if n := len(j[record.KindEnergy]); n != 2 {
		t.Fatalf("%d entries; want one per arm", n)
	}
	for _, e := range j[record.KindEnergy] {
		if !strings.Contains(e.Energy.Absent, "no counter of its processors' energy") || e.Energy.Joules != nil {
			t.Errorf("%+v", *e.Energy)
		}
	}
	if n := len(j[record.KindWorker]); n != 4 {
		t.Errorf("%d processes; want those of the time pass alone", n)
	}
}
