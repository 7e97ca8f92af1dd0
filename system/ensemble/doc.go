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
//
// Logits differ between schedules only by the order of additions in kernels
// that split their work over another number of threads.
//
// Not here: Monte-Carlo dropout, calibration and fusion of the logits, loading
// that overlaps with inference, accelerators.
package ensemble
