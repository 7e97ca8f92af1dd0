// Package ranks trains one network in several processes, called ranks, each on
// images of its own: data parallelism, as PyTorch's DistributedDataParallel has it.
//
//	place, err := ranks.FromEnv() // what torchrun, Slurm or Launch say
//	err = ranks.Run(place, ranks.Options{}, func(t *ranks.Team) error {
//		return torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error {
//			… // load the network; the loader has Rank: t.Rank, World: t.World
//			g, err := ranks.NewGradients(t, params, torch.ReducerConfig{})
//			defer g.Free()
//			for … {
//				g.Forward(true)
//				loss := …
//				g.Backward()
//				sc.Backward(loss) // leaves the mean gradients of all ranks
//				… // every rank makes the same step
//			}
//		})
//	})
//
// # Who is missing
//
// Ranks wait for each other in every step, so one that dies or hangs stops all of
// them, and each sees only that a connection broke or that nothing came. The
// error that all return is a [Lost], which says who and why. A rank whose call
// failed sounds an alarm in the store; in every rank a goroutine looks for it five
// times a second, and answers with the number of calls that its rank has come to.
// Who does not answer is dead or stopped; who has come to fewer calls than the
// others hangs, or waits for something else; who has failed has left its error
// there. A rank that is lost costs the others [Options].Timeout at most, and no
// time if its process is gone, because the kernel closes its connections.
//
// Rank 0 keeps the store, or torchrun does. If it is gone, that is the answer.
//
// # Equal steps
//
// Weights and running statistics begin as those of rank 0. The mean of the ranks'
// gradients is the gradient of the mean loss over all their images, if all have
// equally many; the sum of two rounded means is not rounded as the mean of all, so
// the number of ranks shows in last digits. BatchNorm normalises with the images of
// its rank alone, and its running statistics are those of rank 0 before every step:
// DistributedDataParallel's defaults.
//
// Ranks exchange by Gloo and, once Team.OnDevices was called, tensors on CUDA devices
// by NCCL, where the shim was built with it.
//
// Not here: parallelism within a network; ranks that come and go.
package ranks
