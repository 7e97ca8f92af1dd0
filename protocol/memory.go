package protocol

// Memory is what the peak of tensor bytes was made of, and the peaks of parts of
// the work. Of several processes each number is the sum of theirs.
type Memory struct {
	AtPeak         Bytes `json:"at_peak"`         // when TensorPeak was reached, of which it is the sum
	ActivationPeak int64 `json:"activation_peak"` // bytes, most that were activations at once in the timed iterations
	Load           int64 `json:"load"`            // bytes, peak of preparing
	WarmUp         int64 `json:"warm_up"`         // bytes, peak of this sample's untimed iterations; 0 without any
	Forward        int64 `json:"forward"`         // bytes, peak within the forward passes of the timed steps of training, else 0
	Backward       int64 `json:"backward"`        // … within the backward passes
	Update         int64 `json:"update"`          // … while the optimiser changes the weights
}

// Bytes are tensor bytes by what they are for.
type Bytes struct {
	Weights     int64 `json:"weights"`     // parameters and buffers of networks
	Gradients   int64 `json:"gradients"`   // of the parameters, and what is being added to them
	Optimiser   int64 `json:"optimiser"`   // its state
	Activations int64 `json:"activations"` // results of layers, what is saved of them, and their gradients
	Other       int64 `json:"other"`       // images, labels, scratch memory of operators and what else there is
}

// Total returns the sum.
func (b Bytes) Total() int64 { return b.Weights + b.Gradients + b.Optimiser + b.Activations + b.Other }
