package report_test

import (
	"strconv"
	"strings"
	"testing"

	"lensbench/report"
)

// A profile of a machine that did something else as well says so.
func TestSlowProfilesAreDoubtful(t *testing.T) {
	f := profiled()
	if got := text(t, f, report.Options{}); strings.Contains(got, "doubtful") {
		t.Errorf("profiles as fast as the timing are doubtful: %s", got)
	}
	p := f.v.Cells[0].Arms[2].Profile
	p.Said.Wall *= 3
	if got := strings.Join(strings.Fields(text(t, f, report.Options{})), " "); !strings.Contains(got, "doubtful: an iteration of plan took 3") {
		t.Errorf("a profile three times as slow as the timing is not doubtful: %s", got)
	}
}

// Every column adds up to its last row, whatever operators it has no row for.
func TestProfileColumnsAddUp(t *testing.T) {
	for name, details := range map[string]bool{"the first": false, "all": true} {
		tables := 0
		for _, table := range strings.Split(text(t, profiled(), report.Options{Details: details}), "Time by operator")[1:] {
			table, _, _ = strings.Cut(table, "\n\n")
			rows := strings.Split(table, "\n")[3:]
			for column := 1; column <= 3; column++ {
				sum, last := 0.0, 0.0
				for i, row := range rows {
					fields := strings.Fields(row)
					v := milliseconds(t, fields[len(fields)-4+column])
					if i == len(rows)-1 {
						last = v
					} else {
						sum += v
					}
				}
				if d := sum - last; d > 0.06 || d < -0.06 { // a rounding of 0.005 in each of a dozen rows
					t.Errorf("%s operators: column %d adds up to %.2f, and ends with %.2f:%s", name, column, sum, last, table)
				}
			}
			tables++
		}
		if tables != 2 {
			t.Errorf("%d tables, want 2", tables)
		}
	}
}

// milliseconds reads a cell of a table; what is absent or among others is 0.
func milliseconds(t *testing.T, s string) float64 {
	t.Helper()
	if s == "–" || s == "other" {
		return 0
	}
	v, err := strconv.ParseFloat(strings.NewReplacer("−", "-", "+", "").Replace(s), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
