package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/cases"
)

func newFieldCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "field CASES.json",
		Short: "Print the deflection field of given lenses",
		Long: `field prints, as JSON, potential (psi, arcsec²), deflection (alpha_x, alpha_y,
arcsec), convergence, shear and the determinant of the lens mapping at given points.

The input is {"cases": [{"id", "kind", …, "x": […], "y": […]}, …]} with kind SIE (theta_E,
q, phi, center_x, center_y), SHEAR (gamma1, gamma2, ra_0, dec_0) or SIE+SHEAR (all of
them); x and y are the points. The output is {"cases": [{"id", "alpha_x", …}, …]}, its
lists in the order of the points. At its centre an SIE has no field.`,
		Example: "  lens field lenses.json > fields.json",
		Args:    cli.Arguments(1, 1, "a file of lenses and points"),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := cases.ReadPoints(args[0])
			if err != nil {
				return err
			}
			return writeFields(c.OutOrStdout(), list)
		},
	}
}

// A fieldList is the field at the points of one case.
type fieldList struct {
	ID     string    `json:"id"`
	AlphaX []float64 `json:"alpha_x"`
	AlphaY []float64 `json:"alpha_y"`
	Kappa  []float64 `json:"kappa"`
	Gamma1 []float64 `json:"gamma1"`
	Gamma2 []float64 `json:"gamma2"`
	DetA   []float64 `json:"detA"`
	Psi    []float64 `json:"psi"`
}

func writeFields(w io.Writer, list []cases.Points) error {
	var out struct {
		Cases []fieldList `json:"cases"`
	}
	for _, p := range list {
		f, err := fieldAt(p)
		if err != nil {
			return err
		}
		out.Cases = append(out.Cases, f)
	}
	b := bufio.NewWriter(w)
	if err := json.NewEncoder(b).Encode(out); err != nil {
		return err
	}
	return b.Flush()
}

func fieldAt(p cases.Points) (fieldList, error) {
	n := len(p.X)
	out := fieldList{ID: p.ID}
	columns := []*[]float64{&out.AlphaX, &out.AlphaY, &out.Kappa, &out.Gamma1, &out.Gamma2, &out.DetA, &out.Psi}
	for _, c := range columns {
		*c = make([]float64, 0, n)
	}
	for i := range n {
		f := p.Field(p.X[i], p.Y[i])
		for k, v := range []float64{f.AlphaX, f.AlphaY, f.Kappa, f.Gamma1, f.Gamma2, f.DetA(), f.Psi} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return out, fmt.Errorf("case %s: point %d, (%g, %g), is on the centre of the lens, where the field has no value",
					p.ID, i+1, p.X[i], p.Y[i])
			}
			if v == 0 {
				v = 0 // not -0
			}
			*columns[k] = append(*columns[k], v)
		}
	}
	return out, nil
}
