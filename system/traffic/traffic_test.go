package traffic

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
)

// The first numbers of SplitMix64 with seed 0 are E220A8397B1DCDAF, 6E789E6AA1B965F4,
// 06C45D188009454F and F88BB8A8724C81EC: as 53 bits after the point 0.883311, 0.431528,
// 0.0264338 and 0.970882. Gaps at 10 a second are −ln(1 − u)/10.
func TestArrivalsByHand(t *testing.T) {
	want := []float64{0.2148241, 0.2713045, 0.2739834, 0.6276232}
	a := Poisson(10, 0)
	for i, w := range want {
		if got := a.Next(); math.Abs(got-w) > 1e-6 {
			t.Errorf("arrival %d at %.7f s, want %.7f", i, got, w)
		}
	}
	slow := Poisson(1, 0)
	if got := slow.Next(); math.Abs(got-2.148241) > 1e-5 {
		t.Errorf("at a tenth of the rate the first arrives at %g s", got)
	}
	if Poisson(1, 1).Next() == Poisson(1, 2).Next() {
		t.Error("two seeds have one schedule")
	}
}

// Of a Poisson process gaps have mean and standard deviation 1/rate, and neighbours are
// not correlated. Tolerances are five standard errors.
func TestArrivalsArePoisson(t *testing.T) {
	const n, rate = 100_000, 250
	a := Poisson(rate, 7)
	gaps := make([]float64, n)
	last := 0.0
	for i := range gaps {
		at := a.Next()
		gaps[i], last = (at-last)*rate, at
	}
	mean, deviation := stat.MeanStdDev(gaps, nil)
	if math.Abs(mean-1) > 5/math.Sqrt(n) || math.Abs(deviation-1) > 5*math.Sqrt(2./n) {
		t.Errorf("gaps have mean %g and deviation %g of 1/rate", mean, deviation)
	}
	if r := stat.Correlation(gaps[1:], gaps[:n-1], nil); math.Abs(r) > 5/math.Sqrt(n) {
		t.Errorf("neighbours correlate by %g", r)
	}
}

// A simulated clock, which only what is done moves on.
type simulated struct {
	now  float64
	late float64 // s by which Wait oversleeps
}

func (c *simulated) Now() float64       { return c.now }
func (c *simulated) Wait(until float64) { c.now = max(c.now, until) + c.late }

// service takes base and each seconds an image, and notes what was asked for.
type service struct {
	clock      *simulated
	base, each float64
	calls      [][2]int // first and count
}

func (s *service) serve(first, count int) error {
	s.calls = append(s.calls, [2]int{first, count})
	s.clock.now += s.base + s.each*float64(count)
	return nil
}

// Four queries arrive at 0.2148, 0.2713, 0.2740 and 0.6276 s (seed 0, 10 a second). A
// pass takes 0.1 s, whatever is in it: the first ends at 0.3148. With batches of one
// the second ends at 0.4148 and the third at 0.5148; with batches of two both end at
// 0.4148. The last waits for nobody.
func TestServerByHand(t *testing.T) {
	for _, tc := range []struct {
		name  string
		batch int
		late  float64
		want  []Query
		calls int
	}{
		{"one by one", 1, 0, []Query{{0.2148, 0.2148, 0.3148}, {0.2713, 0.3148, 0.4148}, {0.2740, 0.4148, 0.5148}, {0.6276, 0.6276, 0.7276}}, 4},
		{"together", 8, 0, []Query{{0.2148, 0.2148, 0.3148}, {0.2713, 0.3148, 0.4148}, {0.2740, 0.3148, 0.4148}, {0.6276, 0.6276, 0.7276}}, 3},
		// A generator that oversleeps by 20 ms makes queries late, and the latency says so.
		{"issued late", 8, 0.02, []Query{{0.2148, 0.2348, 0.3348}, {0.2713, 0.3348, 0.4348}, {0.2740, 0.3348, 0.4348}, {0.6276, 0.6476, 0.7476}}, 3},
	} {
		c := &simulated{late: tc.late}
		s := &service{clock: c, base: 0.1}
		got, err := Plan{Mode: Server, Images: 1, Batch: tc.batch, Rate: 10}.Run(4, c, s.serve)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range tc.want {
			g := got[i]
			if math.Abs(g.Scheduled-w.Scheduled)+math.Abs(g.Issued-w.Issued)+math.Abs(g.Done-w.Done) > 2e-4 {
				t.Errorf("%s: query %d %.4f, want %.4f", tc.name, i, g, w)
			}
			if math.Abs(g.Latency()-(w.Done-w.Scheduled)) > 2e-4 {
				t.Errorf("%s: query %d took %g s", tc.name, i, g.Latency())
			}
		}
		if len(s.calls) != tc.calls {
			t.Errorf("%s: passes %v, want %d", tc.name, s.calls, tc.calls)
		}
	}
}

// Were latency counted from the issue, the queries that wait in line would look as fast
// as the first: this is what the schedule is for.
func TestLatencyIsNotFromIssue(t *testing.T) {
	c := &simulated{}
	s := &service{clock: c, base: 0.2}
	got, err := Plan{Mode: Server, Images: 1, Batch: 1, Rate: 10}.Run(50, c, s.serve)
	if err != nil {
		t.Fatal(err)
	}
	last := got[49]
	if fromIssue := last.Done - last.Issued; math.Abs(fromIssue-0.2) > 1e-9 || last.Latency() < 10*fromIssue {
		t.Errorf("at twice the rate that can be served the last of 50 takes %g s, %g from its issue", last.Latency(), fromIssue)
	}
}

// M/D/1: at half the rate that can be served a query waits for half a service on
// average, ρ/(2(1−ρ)) with ρ = 0.5.
func TestServerWaitsAsQueueingTheorySays(t *testing.T) {
	const n = 200_000
	c := &simulated{}
	s := &service{clock: c, base: 0.01}
	got, err := Plan{Mode: Server, Images: 1, Batch: 1, Rate: 50, Seed: 3}.Run(n, c, s.serve)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, q := range got {
		sum += q.Issued - q.Scheduled
	}
	if wait := sum / n / 0.01; math.Abs(wait-0.5) > 0.02 {
		t.Errorf("queries wait %g services on average, want 0.5", wait)
	}
}

// In a closed loop each query is issued when the one before is done.
func TestClosedLoop(t *testing.T) {
	for _, tc := range []struct {
		plan    Plan
		latency float64 // passes take 1 s and 0.1 s an image
		calls   [][2]int
	}{
		{Plan{Mode: SingleStream, Images: 1, Batch: 1}, 1.1, [][2]int{{0, 1}, {1, 1}}},
		{Plan{Mode: MultiStream, Images: 8, Batch: 8}, 1.8, [][2]int{{0, 8}, {8, 8}}},
		{Plan{Mode: Offline, Images: 10, Batch: 4}, 4, [][2]int{{0, 4}, {4, 4}, {8, 2}, {10, 4}, {14, 4}, {18, 2}}},
	} {
		c := &simulated{}
		s := &service{clock: c, base: 1, each: 0.1}
		got, err := tc.plan.Run(2, c, s.serve)
		if err != nil {
			t.Fatal(err)
		}
		for i, q := range got {
			if math.Abs(q.Latency()-tc.latency) > 1e-9 || q.Scheduled != q.Issued || i > 0 && q.Issued != got[i-1].Done {
				t.Errorf("%s: query %d %+v, want a latency of %g", tc.plan.Mode, i, q, tc.latency)
			}
		}
		if len(s.calls) != len(tc.calls) || s.calls[len(s.calls)-1] != tc.calls[len(tc.calls)-1] {
			t.Errorf("%s: passes %v, want %v", tc.plan.Mode, s.calls, tc.calls)
		}
	}
}

// A clock of real time never wakes early.
func TestRealClock(t *testing.T) {
	c := Start()
	begin := time.Now()
	c.Wait(0.005)
	if c.Now() < 0.005 || time.Since(begin) < 5*time.Millisecond {
		t.Errorf("woke at %g s", c.Now())
	}
	c.Wait(0) // is over
}

func TestErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		plan Plan
		want string
	}{
		{Plan{Mode: "burst", Images: 1, Batch: 1}, `unknown mode "burst", want one of [single-stream multi-stream offline server]`},
		{Plan{Mode: Server, Images: 2, Batch: 1, Rate: 1}, "mode server: queries of 2 images"},
		{Plan{Mode: Offline, Batch: 1}, "mode offline: queries of 0 images"},
		{Plan{Mode: SingleStream, Images: 1}, "batches of 0 images"},
		{Plan{Mode: Server, Images: 1, Batch: 1}, "mode server: 0 queries a second"},
		{Plan{Mode: SingleStream, Images: 1, Batch: 1}, "broken"},
		{Plan{Mode: Server, Images: 1, Batch: 1, Rate: 1}, "broken"},
	} {
		_, err := tc.plan.Run(1, &simulated{}, func(int, int) error { return broken })
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.plan, err, tc.want)
		}
	}
}
