// Package graph writes down what a network computes in evaluation mode: its
// operations in order, each with the operations whose results it takes.
//
// A network's forward pass says the same in Go, and runs it. A graph can be looked
// at before anything is run: package plan finds in it which operations go into one,
// and whoever writes a network in another language writes its graph. That both say
// the same is tested to the bit, for every network of package model.
//
// Not here: training. Dropout is the identity and left out, BatchNorm has its
// running statistics.
package graph
