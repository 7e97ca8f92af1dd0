package nn

import (
	"fmt"
	"strconv"
	"strings"

	"lensbench/nearest"
)

// A Policy says which segments of a [Chain] are computed again on the way back
// instead of being kept (gradient checkpointing, Chen et al. 2016). A positive
// Policy is a number of layers: that many in a row, whatever their stages, are one
// segment; a segment of every k-th layer alone would keep all the others. Fewer and
// longer segments keep fewer inputs, but all of one segment is there at once when it
// is computed again. The zero value keeps everything.
type Policy int

const (
	KeepAll    Policy = 0  // none
	EveryBlock Policy = 1  // each layer is a segment
	EveryStage Policy = -1 // each stage is a segment
)

const (
	keepAll    = "none"
	everyBlock = "block"
	everyStage = "stage"
	every      = "every-"
)

// ParsePolicy reads what String writes: none, block, stage, or every-K for segments
// of K blocks.
func ParsePolicy(s string) (Policy, error) {
	switch s {
	case keepAll:
		return KeepAll, nil
	case everyBlock:
		return EveryBlock, nil
	case everyStage:
		return EveryStage, nil
	}
	digits, isEvery := strings.CutPrefix(s, every)
	if k, err := strconv.Atoi(digits); isEvery && err == nil && k >= 2 && every+strconv.Itoa(k) == s {
		return Policy(k), nil
	}
	return KeepAll, unknownPolicy(s)
}

func unknownPolicy(s string) error {
	near := nearest.Name(s, []string{keepAll, everyBlock, everyStage, every + "2"})
	switch {
	case s == every+"1":
		near = everyBlock
	case strings.HasPrefix(s, every):
		near = every + "2"
	}
	hint := ""
	if near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return fmt.Errorf("unknown checkpoint policy %q, %sthere are %s, %s, %s, and %sK with K from 2", s, hint, keepAll, everyBlock, everyStage, every)
}

func (p Policy) String() string {
	switch {
	case p == KeepAll:
		return keepAll
	case p == EveryBlock:
		return everyBlock
	case p < 0:
		return everyStage
	}
	return every + strconv.Itoa(int(p))
}
