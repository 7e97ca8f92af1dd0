// Package record is what a run leaves behind: who the machine is, every raw
// sample, and the statements made from them.
//
// A run is a directory:
//
//	run.json        the Run: machine, context, cells with their arms; written first
//	journal.jsonl   one Entry a line, append-only, flushed per block
//	verdicts.json   the Verdicts, recomputed from the journal at any time
//	logs/           standard error of every worker
//
// The journal is the truth; everything else can be made again from it. Times
// are seconds and sizes are bytes throughout.
package record
