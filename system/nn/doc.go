// Package nn has what networks are made of: named parameters, layers over
// libtorch's operators, and two sources of weights, a file and a formula.
//
// A network is built by a [Builder], which collects its parameters in the order
// and under the names of PyTorch's state_dict, so that weights move both ways.
// Building it costs nothing: names, shapes and the number of operations are
// known before [Params.Load] asks libtorch for memory.
//
// # The formula
//
// Weights and test images come from integers, so that Go, Python and every
// machine agree on each bit of them and nothing large is stored. Element i of
// the array called name, under seed s, is
//
//	u = (mix(mix(fnv1a(name) xor mix(s)) + (i+1)·0x9E3779B97F4A7C15) >> 40) / 2²³ − 1
//
// with 64-bit arithmetic that wraps around, fnv1a the 64-bit FNV-1a hash of the
// name's bytes, and mix the finalizer of SplitMix64 (Steele, Lea and Flood,
// OOPSLA 2014). u lies in [−1, 1) and is exact in float32. The element is
// centre + bound·u in float32, with one rounding for each of the two operations.
//
// Centres and bounds have the variances of the usual initialisations
// (see [Init]), so activations stay of order one through every network here.
// They leave normalisation layers as the identity. [Formula.Scrambled] moves
// those too: with it, a layer that forgets its bias or confuses mean and
// variance changes the outputs.
//
// Not here: other element types; the steps of training (package train).
package nn
