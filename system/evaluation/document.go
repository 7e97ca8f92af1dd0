package evaluation

import (
	"encoding/json"
	"io"

	"lensbench/system/metric"
)

// Schema is the version of the document's form.
const Schema = 1

// Rates are the false-positive rates that thresholds are chosen for.
var Rates = []float64{0, 0.001, 0.01, 0.1}

// Prevalences are the shares of lenses in surveys for which purity is told.
var Prevalences = []float64{1e-3, 1e-4}

// A Document is an evaluation.
type Document struct {
	Schema      int              `json:"schema"`
	Network     *Network         `json:"network,omitempty"` // nil if only scores are known
	Data        Data             `json:"data"`
	Bootstrap   metric.Bootstrap `json:"bootstrap"`
	Confidence  float64          `json:"confidence"` // of all intervals
	Classifiers []Result         `json:"classifiers"`
	Mistakes    []Mistake        `json:"mistakes"` // of the first classifier, the most confident first
	Notes       []string         `json:"notes,omitempty"`
}

// A Network is what was evaluated.
type Network struct {
	Name        string  `json:"name"` // as its user called it
	Model       string  `json:"model"`
	SHA256      string  `json:"sha256"` // of the weights
	Bands       int     `json:"bands"`
	Pixels      int     `json:"pixels"`
	Survey      string  `json:"survey,omitempty"` // that it was trained on
	Temperature float64 `json:"temperature"`      // by which its logits were divided
}

// Data are the images that classifiers were tried on.
type Data struct {
	Path       string `json:"path"`
	SHA256     string `json:"sha256,omitempty"`    // of the manifest, or of the file of scores
	Generator  string `json:"generator,omitempty"` // that simulated them
	Survey     string `json:"survey,omitempty"`
	Split      string `json:"split,omitempty"`
	Images     int    `json:"images"`
	Lenses     int    `json:"lenses"`
	Validation *Part  `json:"validation,omitempty"` // thresholds were chosen on; nil: on the same images
	FluxBand   string `json:"flux_band,omitempty"`  // band of FluxRatio
}

// A Part is some images.
type Part struct {
	Split  string `json:"split"`
	Images int    `json:"images"`
	Lenses int    `json:"lenses"`
}

// A Result is how good a classifier is.
type Result struct {
	Name   string `json:"name"`
	Scores Scale  `json:"scores"` // what its scores, and so its thresholds, are

	AUROC     metric.Estimate `json:"auroc"`
	AUPRC     metric.Estimate `json:"auprc"`
	Accuracy  metric.Estimate `json:"accuracy"` // these three where lenses have a probability ≥ ½
	Precision metric.Estimate `json:"precision"`
	Recall    metric.Estimate `json:"recall"`
	Brier     metric.Estimate `json:"brier"`
	NLL       metric.Estimate `json:"nll"`
	ECE       metric.Estimate `json:"ece"`
	MCE       metric.Estimate `json:"mce"`
	// Calibrated is the ECE that as many images would show if the probabilities
	// were true.
	Calibrated metric.Estimate `json:"calibrated_ece"`

	Points      []Point   `json:"points"`                // one for each of Rates
	Curve       []Corner  `json:"curve"`                 // ROC and precision-recall
	Reliability []Bin     `json:"reliability,omitempty"` // bins of probability
	Histogram   Histogram `json:"histogram"`             // of scores
	Kinds       []Kind    `json:"kinds,omitempty"`       // scores of each kind of object
}

// A Point is a threshold and what it does.
type Point struct {
	Rate      float64         `json:"rate"`      // false-positive rate that it was chosen for
	Threshold float64         `json:"threshold"` // images with such a score, or a higher one, pass
	Counts    metric.Counts   `json:"counts"`    // on the test images
	TPR       metric.Estimate `json:"tpr"`       // completeness
	FPR       metric.Estimate `json:"fpr"`       // that it has on the test images; Clopper and Pearson's interval
	Own       metric.Estimate `json:"own_tpr"`   // TPR of a threshold chosen on the test images themselves
	Purity    []Purity        `json:"purity"`    // one for each of Prevalences

	ThetaE    []metric.Range `json:"by_theta_E,omitempty"`    // completeness by Einstein radius, arcsec
	FluxRatio []metric.Range `json:"by_flux_ratio,omitempty"` // and by flux of the source, lensed, over that of the galaxy in front
	Kinds     []Passed       `json:"by_kind,omitempty"`       // false positives by what they are
}

// Purity is the share of lenses in what passes, where Prevalence of all images are
// lenses.
type Purity struct {
	Prevalence float64         `json:"prevalence"`
	Share      metric.Estimate `json:"share"`
}

// Passed is how many of a kind pass a threshold.
type Passed struct {
	Kind   string          `json:"kind"`
	Images int64           `json:"images"`
	Passed int64           `json:"passed"`
	Share  metric.Estimate `json:"share"` // Clopper and Pearson's interval
}

// A Corner is a point of the curves. They have one for each distinct score; those
// that could not be told apart in a figure are left out.
type Corner struct {
	FPR       float64  `json:"fpr"`
	TPR       float64  `json:"tpr"`
	Precision *float64 `json:"precision"` // nil where nothing passes
}

// A Bin is images of similar probability.
type Bin struct {
	Low         float64         `json:"low"` // the bin is (Low, High]; the first has 0 too
	High        float64         `json:"high"`
	Images      int64           `json:"images"`
	Lenses      int64           `json:"lenses"`
	Probability metric.Estimate `json:"probability"` // mean; no interval
	Share       metric.Estimate `json:"share"`       // of lenses; Wilson's interval
}

// A Histogram counts scores. What is outside of the edges is in the outer bins.
type Histogram struct {
	Edges  []float64 `json:"edges"`
	Lenses []int64   `json:"lenses"`
	Others []int64   `json:"others"`
}

// A Kind is the distribution of scores of one kind of object.
type Kind struct {
	Kind      string     `json:"kind"`
	Label     int        `json:"label"`
	Images    int        `json:"images"`
	Quantiles [5]float64 `json:"quantiles"` // 5, 25, 50, 75, 95 %
}

// A Mistake is an image on the wrong side of probability ½.
type Mistake struct {
	Image
	Index       int     `json:"index"` // in the split
	Probability float64 `json:"probability"`
	Picture     []byte  `json:"-"` // PNG; nil if there is none
}

// WriteJSON writes the document.
func (d *Document) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(d)
}
