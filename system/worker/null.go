package worker

import "lensbench/protocol"

// null is no work: what it takes is the harness's own.
type null struct {
	steady
	alone
	plain
}

func (null) facts() protocol.Facts { return protocol.Facts{ItemsPerIteration: 1, Threads: 1} }

func (null) iterate(n int, c *clock) error {
	c.start()
	for range n {
		c.lap()
	}
	return nil
}

func (null) outputs(string) (outputs, error) { return outputs{shape: []int{0}}, nil }
func (null) close() error                    { return nil }
