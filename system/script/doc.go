// Package script writes networks, and the fusion of several, in TorchScript: libtorch's
// own language for what runs without Python.
//
// A network's source comes from its graph, one line for each operation with the same
// operator of libtorch and the names of PyTorch's state_dict. So a network as it is
// written computes the same bits. Frozen, its weights are constants, BatchNorm goes into
// convolutions, and logits differ by rounding; optimised for inference, convolutions are
// oneDNN's as well. Frozen scripts are what files are made of: PyTorch reads them, and
// can optimise them for the machine that it is on. Optimised ones it could not read.
//
// Not here: dropout. Package plan makes the same networks faster by other means.
package script
