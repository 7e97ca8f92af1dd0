// Package ensemble scores images on disk with several networks, in several
// schedules whose logits are the same and whose speed and memory are not.
//
// # What a member sees
//
// An image is read, and each of its bands is standardised over its pixels:
// (v − mean) / standard deviation, computed in float64, a constant band
// becoming zeros. Survey images are in electrons per second and span decades;
// this makes them independent of unit, exposure and sky, needs no statistics of
// a data set, and treats every image alike whatever the others are. A batch of
// such images is then resized to the member's own input by bilinear
// interpolation with antialiasing (each output pixel averages what it covers
// when shrinking), unless it has that size already. So one decoded batch serves
// members of different input sizes.
//
// # Schedules
//
//	Sequential   member after member, each over all batches; every member decodes every image again
//	BatchMajor   batch after batch, each decoded once and passed through all members
//	Threads      one session per member, all at once in this process; cores are shared out
//	Processes    one resident child process per member, all at once; cores are shared out
//	Stacked      batch after batch, members of equal shape in one forward pass (model.Stack)
//
//	Streams      as Threads, on CUDA devices, each member's work in a stream of its own
//
// # Devices
//
// Members compute on the CPU, or each on one of the CUDA devices that libtorch finds:
// all on the first, in turns, or balanced by the bytes of their weights (Place). Images
// are copied to where a member is. Member processes, stacks and aggregates are for the
// CPU.
//
// # Plans
//
// With Config.Plan each member is a plan (package plan) made of its network when the
// ensemble is opened, in any schedule but Stacked. Members may be trained networks, which
// then say themselves how images are stretched and resized; an int8 plan takes the
// calibration of a trained network, or looks at images behind those that are scored.
//
// # Loading
//
// With Config.Workers, whoever goes through all batches has goroutines of its own
// decode the next ones while the present one is computed (package loader). In
// BatchMajor an image is then decoded once and ahead of its use; in the others as
// often as there are members. Decoding ahead is within one call of Score: it ends
// with the last image, and the first batch is waited for.
//
// Logits differ between schedules only by the order of additions in kernels
// that split their work over another number of threads.
//
// # Aggregation
//
// Score returns all logits. Fuse returns their mean and variance over members and
// Monte-Carlo passes, and either keeps all logits until the end, 4·M·K bytes an image of
// M members and K passes, or streams them through running moments, 16 bytes an image.
//
// Not here: calibration, and fusion that weighs members by their variances (package
// fusion).
package ensemble
