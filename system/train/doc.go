// Package train trains a network on labelled images. A run can be broken off at
// any moment, by a signal, a power cut or kill -9, and goes on from its last
// checkpoint to the same weights, to the bit, as if nothing had happened.
//
// # Recipe
//
// A step (package step) computes the mean binary cross-entropy of a batch's logits,
// or of several batches', its gradients, their norm, scales them down to a largest
// norm, and updates the weights by AdamW (Loshchilov and Hutter 2019) with PyTorch's coefficients 0.9,
// 0.999 and 1e-8 in libtorch's fused kernel. The rate follows a schedule. An
// epoch uses every training image once, varied by package augment, but for those
// of a last batch that is not full, other ones in each epoch: BatchNorm has
// little use for the statistics of two images. Validation is never varied and
// scores every image. The epoch with the lowest validation loss is the result.
//
// A step reads nothing back from the device. Losses and norms stay tensors and
// are read once every 20 steps, and before a checkpoint is written. If one of them
// is not finite, the run ends with an error that names the steps; so no
// checkpoint ever holds weights that have diverged.
//
// # Memory
//
// A budget limits the bytes of all tensors together; a step that wants more ends the
// run with an error. The batch may be left to a search (package adaptive) that makes
// some steps of each batch before the run begins and takes the one with the most images
// per second within the budget. It is then among the settings as if it had been asked
// for, so a run that is resumed does not search again. What is faster depends on the
// machine: another search may end at another batch, and then at other weights.
//
// # Files
//
// The directory of a run has
//
//	last.safetensors     the checkpoint to go on from
//	best.safetensors     that of the epoch with the lowest validation loss
//	metrics.jsonl        what happened
//	model.json           the trained network, package trained; at the end
//	weights.safetensors  its weights, the best ones; at the end
//	trace.jsonl          digests of every step, if wanted, for package divergence
//	.lock                who trains here
//
// A checkpoint is a sealed safetensors file (package safetensors), so that one
// that was cut short or changed is noticed, not used. It appears as a whole or
// not at all and is on the disk before the run goes on; a full disk leaves the one
// before. Its tensors are
//
//	NAME                       weights and buffers, under PyTorch's names
//	optimizer.exp_avg.NAME     first moments of AdamW
//	optimizer.exp_avg_sq.NAME  second moments
//	optimizer.step             number of its steps
//	generator                  state of libtorch's random number generator, which dropout uses
//
// so PyTorch goes on from it too: the names after "optimizer." are those of
// torch.optim.AdamW's state. The metadata's "state" is a [State] as JSON. It has
// no times and no paths: the same run twice leaves the same bytes.
//
// metrics.jsonl has one JSON object a line: a [RunLine] at the beginning, and
// one of kind "resume" wherever the run was resumed, a [StepLine] every 20 steps, an
// [EpochLine] every epoch and an [EndLine]. A resumed run first drops lines that
// its checkpoint knows nothing of, so every step is in it once.
//
// # What makes runs equal
//
// The weights are a function of [Settings], images, libtorch's version and the
// instruction set of its kernels. The order of images and their augmentation are
// functions of (seed, epoch, image); dropout's masks come from libtorch's
// generator, whose state is in the checkpoint (of one rank, see below). The number of threads is among the
// settings, because sums of floats depend on it. The number of goroutines that
// read, and the times at which checkpoints are written, do not matter: to write one
// changes nothing. For the same reason there is no limit on the time of a run: it
// would make the result depend on how busy the machine is.
//
// # Ranks
//
// Several processes can train one network (package ranks): a Team in the [Job]. A
// step then has the gradients of the mean loss over all ranks' batches, and losses in
// the journal are means over ranks. All ranks share one order of the images, of which
// rank r takes every World-th: no image comes twice in an epoch, and the last that do
// not make a batch for every rank are left out. Rank 0 alone writes; what it has
// read from a checkpoint it tells the others. Validation images are shared out and
// scored once each.
//
// Weights and running statistics are equal in all ranks before every step; dropout's
// masks are not: they follow from (seed, rank, step). So the same settings with the
// same number of ranks leave the same bytes, broken off and resumed or not. The number
// may change where a run is resumed: it goes on behind the images that were used, with
// the rate of that place, and notes it. Ranks stop together: a rank that is
// interrupted says so in the next exchange after a step, and not in validation.
//
// Not here: several devices; ranks that come and go.
package train
