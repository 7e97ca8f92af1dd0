// Package worker is the lens worker: it does the work that bench measures and
// answers in the protocol of package protocol.
//
// Kinds of work and their settings, with what holds where one is not set:
//
//	inference   one network on a batch in memory, images from the formula of package nn:
//	            model (needed), passes (one without dropout), passes_through (head where that is the same),
//	            pixels (the network's own), batch (1), bands (3), threads (all), seed (0),
//	            layout (contiguous), plan (none), search (no), trained (no)
//	train       one network on a batch in memory, or on simulated images on disk: settings as for
//	            inference, and those that protocol.Settings says are of kind train
//	ensemble    several networks on simulated images on disk (package ensemble):
//	            members (resnet18, vit_b_16, light_transformer), schedule (sequential), source (disk),
//	            format (npy), workers (none), prefetch (2), passes (one without dropout), aggregate (stream
//	            with passes), device (cpu), placement (one), pixels (112), images (4), batch (1), bands (3), threads (all), seed (0)
//	train       steps of one network (package step); with ranks above 1 (1) this process is rank 0
//	            of as many, and starts the others
//	null        nothing
//
// Weights come from the formula and the seed, or from networks that were trained, which
// are found by their names in the cache; what those say of test images can be asked for
// (protocol.CheckScores). An iteration of inference is one
// forward pass, or as many as there are Monte-Carlo passes; of an ensemble it is all
// images through all members.
//
// In a mode (package traffic), which inference and ensembles have, an iteration is a
// query, and its latency ends when the logits are on the host. Settings are then also
// images (64 in memory) and, of arrivals, rate or load (50 %); batch is 1, 8, 32 and 32
// where it is not set. The offline rate that load is a share of is measured while
// preparing, so that arms on a slower or busier machine get fewer queries.
//
// An iteration of training is a step. With a budget of memory it is a fixed number of
// images instead, in steps of a batch that stays or that a rule chooses (package
// adaptive), so that throughputs compare whatever the batches are. The budget is
// enforced: tensors beyond it cannot be had, and a step that fails so is made again
// with fewer images.
//
// Time is measured inside the worker, around the iterations alone: requests,
// counters and their files are outside. Go's garbage collector rests meanwhile
// (see quietCollector); tensors are not its business anyway.
//
// An iteration of several ranks is one step of all of them; time begins when all are
// there, and ends when all have ended. After each sample they make one more step, in
// which each keeps its own gradients. What a step of the sample took longer, as a
// share of it, is the sample's communication_share: sending, and waiting for who is
// slower. straggler_spread is by how much ranks differ in the step without exchange:
// (longest − shortest) / mean. shared_exchange is 1 if gradients go through memory that
// all ranks have, 0 if they are sent.
//
// Steps whose gradients have no finite norm are counted on the device and read after the
// sample: nonfinite_norms, said of steps in 16 bits, and of others if there were any; and
// skipped_steps, those that a gradient scaler skipped instead.
//
// The profile pass notes what operators of libtorch run in the timed iterations, and for
// how long, on all threads of this process: the calls of a plan, and those of a backward
// pass, too. Work in other processes or on a CUDA device is refused, since it is not seen.
//
// The memory pass counts the bytes of CPU tensors exactly, from before the first one
// on, so it needs a process of its own. So do a budget and monitor allocator, which
// count in the time pass too. Scratch memory inside oneDNN is in the resident set
// only. Peaks of several processes are added up, though
// they need not coincide. What the peak was made of is said with it, by the
// categories at torch.Category. Copies of the first weights,
// to begin anew with, are no tensors.
package worker
