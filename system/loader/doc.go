// Package loader feeds a training or scoring loop with batches of images that
// goroutines read, vary and stretch ahead of it.
//
//	l, err := loader.New(images, loader.Config{Batch: 64, Workers: 2, Shuffle: true})
//	s := l.Epoch(ctx, epoch, 0)
//	defer s.Close()
//	for b, err := s.Next(); err != io.EOF; b, err = s.Next() {
//		… // b.Pixels, b.Labels
//		s.Release(b)
//	}
//
// What is in batch k of an epoch is a function of the images and the Config,
// but not of Workers and Prefetch, and of what was read before: any number of
// goroutines gives the same bytes, and an epoch that begins at batch k continues
// one that was broken off there. The order is a permutation that depends on
// (Seed, epoch); augmentation depends on (Seed, epoch, image). So is the error
// that Next returns: that of the first image, in this order, that cannot be
// read, after all batches before it.
//
// Memory is bounded: a stream has Prefetch+1 buffers, which go round between the
// goroutines and the caller and stay with the Loader from epoch to epoch.
//
// Goroutines share the work by images, not by batches as PyTorch's DataLoader
// does: all work on the batch that is wanted next, the first of an epoch is there
// after a part of the time, and a free buffer is enough to occupy any number of
// them. They never call libtorch, whose state belongs to threads.
//
// Not here: decoding (package survey), and caches of what was decoded.
package loader
