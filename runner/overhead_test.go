package runner

import (
	"context"
	"os"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/runner/fakeworker"
)

// What the harness adds to a sample: the runner's wall time less the worker's,
// at one iteration. It is to stay below 1 % of the smallest sample, 10 ms.
func BenchmarkOverhead(b *testing.B) {
	w, err := open(context.Background(), launch{command: fake(fakeworker.Script{Iteration: 1e-9}), mark: newMark("bench", 0),
		log: os.DevNull, limit: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	defer w.close()
	if _, err := w.ask(protocol.Request{Op: protocol.OpPrepare, Prepare: &protocol.Prepare{Settings: []byte(`{"kind":"null"}`)}}); err != nil {
		b.Fatal(err)
	}
	sum, n := 0.0, 0
	for b.Loop() {
		time.Sleep(gap)
		resp, wall, err := w.timedAsk(protocol.Request{Op: protocol.OpSample, Sample: &protocol.SampleRequest{Untimed: 1, Iterations: 1}})
		if err != nil {
			b.Fatal(err)
		}
		sum += wall - resp.Sample.Wall
		n++
	}
	b.ReportMetric(sum/float64(n)*1e9, "overhead-ns/sample")
}
