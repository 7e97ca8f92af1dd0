package sky

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func readTestdata(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The closed forms against 40-digit arithmetic. The absolute part is for
// components that vanish by symmetry; det A is compared, not the
// magnification, which has no precision near a critical curve.
func TestFieldVectors(t *testing.T) {
	var doc struct {
		Cases []struct {
			ID     string  `json:"id"`
			Kind   string  `json:"kind"`
			ThetaE float64 `json:"theta_E"`
			Q      float64 `json:"q"`
			Phi    float64 `json:"phi"`
			CX     float64 `json:"center_x"`
			CY     float64 `json:"center_y"`
			G1     float64 `json:"gamma1"`
			G2     float64 `json:"gamma2"`
			RA0    float64 `json:"ra_0"`
			Dec0   float64 `json:"dec_0"`
			X, Y   []float64
			Exact  map[string][]float64
		}
	}
	readTestdata(t, "lens_vectors.json", &doc)
	if len(doc.Cases) != 18 {
		t.Fatalf("%d cases, want 18", len(doc.Cases))
	}
	const rel, abs = 1e-10, 1e-12
	worst := 0.0
	for _, c := range doc.Cases {
		sie := SIE{c.ThetaE, c.Q, c.Phi, c.CX, c.CY}
		shear := Shear{c.G1, c.G2, c.RA0, c.Dec0}
		for i := range c.X {
			var f Field
			switch c.Kind {
			case "SIE":
				f = sie.Field(c.X[i], c.Y[i])
			case "SHEAR":
				f = shear.Field(c.X[i], c.Y[i])
			case "SIE+SHEAR":
				f = Lens{sie, shear}.Field(c.X[i], c.Y[i])
			}
			got := map[string]float64{"alpha_x": f.AlphaX, "alpha_y": f.AlphaY, "kappa": f.Kappa,
				"gamma1": f.Gamma1, "gamma2": f.Gamma2, "detA": f.DetA(), "psi": f.Psi}
			for name, g := range got {
				want := c.Exact[name][i]
				miss := math.Abs(g-want) / (rel*math.Abs(want) + abs)
				worst = max(worst, miss)
				if !(miss <= 1) {
					t.Errorf("%s at (%g, %g): %s = %.17g, want %.17g", c.ID, c.X[i], c.Y[i], name, g, want)
				}
			}
		}
	}
	t.Logf("largest deviation: %.2g of the tolerance", worst)
}

func TestSersicVectors(t *testing.T) {
	var doc struct {
		BnTable []struct {
			N                  float64
			Exact, Lenstronomy float64
		} `json:"b_n_table"`
		Cases []struct {
			N             float64   `json:"n"`
			R             float64   `json:"R_sersic"`
			Q             float64   `json:"q"`
			Phi           float64   `json:"phi"`
			CX            float64   `json:"center_x"`
			CY            float64   `json:"center_y"`
			Amp           float64   `json:"amp"`
			X             []float64 `json:"x"`
			Y             []float64 `json:"y"`
			IApprox       []float64 `json:"I_lenstronomy"`
			IExact        []float64 `json:"I_exact_bn"`
			BnLenstronomy float64   `json:"b_n_lenstronomy"`
			BnExact       float64   `json:"b_n_exact"`
			FluxApprox    float64   `json:"total_flux_lenstronomy"`
			FluxExact     float64   `json:"total_flux_exact_bn"`
		} `json:"cases"`
	}
	readTestdata(t, "sersic_vectors.json", &doc)
	if len(doc.Cases) != 36 || len(doc.BnTable) != 15 {
		t.Fatalf("%d cases and %d b_n, want 36 and 15", len(doc.Cases), len(doc.BnTable))
	}
	const tol = 1e-11
	check := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tol*math.Abs(want)) {
			t.Errorf("%s = %.17g, want %.17g", what, got, want)
		}
	}
	for _, b := range doc.BnTable {
		check("exact b_n", BnExact.Value(b.N), b.Exact)
		check("approximate b_n", BnApprox.Value(b.N), b.Lenstronomy)
	}
	for _, c := range doc.Cases {
		exact := Sersic{Amp: c.Amp, Radius: c.R, N: c.N, Q: c.Q, Phi: c.Phi, X: c.CX, Y: c.CY}
		approx := exact
		approx.Bn = BnApprox
		check("b_n", exact.Bn.Value(c.N), c.BnExact)
		check("approximate b_n", approx.Bn.Value(c.N), c.BnLenstronomy)
		check("flux", exact.Flux(), c.FluxExact)
		check("flux with the approximate b_n", approx.Flux(), c.FluxApprox)
		for i := range c.X {
			check("I", exact.Brightness(c.X[i], c.Y[i]), c.IExact[i])
			check("I with the approximate b_n", approx.Brightness(c.X[i], c.Y[i]), c.IApprox[i])
		}
	}
}
