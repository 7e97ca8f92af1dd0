// Package model has the four classifiers of the lens finder: resnet18,
// resnet34, vit_b_16 and light_transformer.
//
// Each is a backbone and a head, Linear(d, 1), whose logit is positive for a
// lens. Names and shapes of the parameters, and the order of the operations,
// are those of torchvision's modules under "backbone." and of "head.1" (head.0
// is the dropout, which evaluation skips); a state_dict of the same PyTorch
// module loads here as it is, and the logits agree.
//
// The residual networks are He et al., "Deep residual learning for image
// recognition" (2016); the vision transformer is Dosovitskiy et al., "An image
// is worth 16x16 words" (2021); the light transformer puts four transformer
// blocks behind the first three stages of a ResNet-18.
//
// Under a policy of checkpoints ([nn.Policy]), a block is one residual or one
// transformer block, and a stage one of those of a residual network, three layers of
// the vision transformer, or all blocks of the light one. The stem of residual
// networks is a segment of its own under every policy. Heads are kept.
//
// Dropout and DropPath draw their numbers in PyTorch's order, so equal seeds give
// equal masks.
package model
