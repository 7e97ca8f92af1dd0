// Package train trains a network, so that it can be broken off at any moment and
// goes on to the same weights, to the bit.
package train
