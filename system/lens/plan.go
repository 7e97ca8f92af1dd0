package main

import (
	"strings"

	"github.com/spf13/cobra"

	"lensbench/system/plan"
)

// planFlag adds the flag --plan, whose value is checked when it is read.
func planFlag(c *cobra.Command, p *plan.Precision) {
	c.Flags().Var((*precision)(p), "plan", "compute faster, by a program made of the network first, in numbers of a `kind`: "+strings.Join(precisions(), ", ")+
		"; int8 takes lens calibrate")
}

func precisions() (names []string) {
	for _, p := range plan.Precisions() {
		if p != plan.Folded && p != plan.Dynamic { // which are for measuring
			names = append(names, string(p))
		}
	}
	return names
}

// A precision is a plan.Precision as the value of a flag.
type precision plan.Precision

func (p *precision) String() string { return string(*p) }

func (p *precision) Type() string { return "kind" }

func (p *precision) Set(s string) error {
	parsed, err := plan.Parse(s)
	*p = precision(parsed)
	return err
}
