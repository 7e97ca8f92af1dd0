// Package safetensors reads and writes the safetensors format
// (https://github.com/huggingface/safetensors, format version 0.x): eight bytes
// with the length of a JSON header, the header, which gives every tensor's
// type, shape and place, and the tensors' little-endian bytes without gaps.
//
// Reading is strict and lazy: [Open] checks the whole header against the file's
// size, and a tensor's bytes are read when they are asked for, into the
// caller's buffer. So a file of several hundred megabytes costs one buffer of
// its largest tensor. Memory mapping was rejected: a file that shrinks while it
// is mapped kills the process instead of returning an error.
//
// A sealed file ([WriteSealedFile], [OpenSealed]) has its own SHA-256 in its
// metadata: what must not be used after a change that nobody meant.
//
// github.com/nlpodyssey/safetensors was looked at first. It has no release and
// takes the file as one buffer, two of its errors do not say which tensor they
// are about, a truncated file is "metadata incomplete buffer", and a name that
// occurs twice is accepted; users meet exactly these files.
//
// Not here: conversion between element types, sharded files with an index.
package safetensors
