package train

// A Result is what a run came to.
type Result struct {
	Ended string `json:"ended"`
}
