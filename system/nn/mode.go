package nn

// A Mode says how the layers behave that differ between training and use. The
// zero value is evaluation.
type Mode struct {
	// Dropout makes Dropout and DropPath drop, with numbers of the process's
	// generator.
	Dropout bool
	// BatchNorm makes BatchNorm normalise with the statistics of the batch, and
	// update the running ones. Otherwise those are used, and frozen.
	BatchNorm bool
	// Checkpoint says what is computed again in the backward pass.
	Checkpoint Policy
	// Again is set there by a Chain: BatchNorm has updated its running statistics
	// in the first pass, and leaves them alone.
	Again bool
}

// The modes in use.
var (
	Evaluation = Mode{}
	Training   = Mode{Dropout: true, BatchNorm: true}
	MonteCarlo = Mode{Dropout: true} // samples of the approximate posterior, Gal and Ghahramani 2016
)
