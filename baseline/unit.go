package baseline

// Units of a line. Time is in seconds and memory in bytes; "op" is an
// iteration.
const (
	UnitTime       = "sec/op"     // wall time ÷ iterations
	UnitMedian     = "p50-sec/op" // of the iterations, from 11 iterations on
	UnitCPU        = "cpu-sec/op" // CPU time ÷ iterations, children included
	UnitThroughput = "samples/s"  // items ÷ wall time
	UnitStart      = "start-sec"  // process start to hello
	UnitFirst      = "first-sec"  // first iteration after prepare
	UnitTensors    = "tensor-B"   // peak of tensor bytes, counted
	UnitRSS        = "rss-B"      // highest resident set
)

// unitFacts are what benchstat cannot know of the units.
var unitFacts = []UnitFact{
	{UnitTime, "better", "lower"},
	{UnitMedian, "better", "lower"},
	{UnitCPU, "better", "lower"},
	{UnitThroughput, "better", "higher"},
	{UnitStart, "better", "lower"},
	{UnitFirst, "better", "lower"},
	{UnitTensors, "better", "lower"},
	{UnitTensors, "assume", "exact"},
	{UnitRSS, "better", "lower"},
}
