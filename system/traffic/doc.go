// Package traffic says when queries come to a network that is in use, and how long
// they take, in the four modes of MLPerf Inference's load generator (Reddi et al. 2020,
// "MLPerf Inference Benchmark", ISCA):
//
//	SingleStream   one image after another, each when the one before is done
//	MultiStream    likewise some images together
//	Offline        all images in one query
//	Server         single images that arrive by themselves, as a Poisson process of a given rate
//
// In the first three the next query waits for the network (closed loop), and latency is
// from issue to result. In Server it does not (open loop), and latency is from the
// scheduled arrival: a query that waits in line, or that was issued late because the
// network, the generator or the machine was busy with something else, has waited all
// the same. Whatever has arrived when the network is free is served together, up to a
// largest batch.
//
// Gaps between arrivals are −ln(1 − u)/rate, with u the numbers of SplitMix64 (Steele,
// Lea and Flood 2014) in [0, 1): the same seed gives the same schedule everywhere.
//
// Not here: what serves the queries; percentiles of latencies (package verdict).
package traffic
