package evaluation

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"lensbench/system/metric"
)

// Columns of a file of scores. Of the first three one is needed, and label; other
// columns are ignored.
const (
	columnLogit       = "logit"       // any finite number; it goes before the others
	columnProbability = "probability" // 0 to 1
	columnScore       = "score"       // the same under another name
	columnLabel       = "label"       // 1 for a lens, 0 for none
	columnSplit       = "split"
	columnName        = "name"
	columnKind        = "kind"
	columnThetaE      = "theta_E" // arcsec; empty: not known
	columnFluxRatio   = "flux_ratio"
)

// mostLogit is far above what means anything, and far below where differences and
// tables break.
const mostLogit = 1e12

// WriteScores writes a row for each image of the input, those of the validation
// split too, with the score of every classifier. ReadScores reads what the first
// one says, so numbers can be checked by others, or made anew.
func WriteScores(w io.Writer, in Input) error {
	c := csv.NewWriter(w)
	head := []string{columnSplit, columnName, columnLabel, columnKind, columnThetaE, columnFluxRatio}
	first := in.Classifiers[0]
	if first.Scale == Logits {
		head = append(head, columnLogit)
	}
	head = append(head, columnProbability)
	for _, other := range in.Classifiers[1:] {
		head = append(head, fmt.Sprintf("%s of %s", other.Scale.one(), other.Name))
	}
	if err := c.Write(head); err != nil {
		return err
	}
	err := writeRows(c, in, in.Data.Split, in.Test, func(c Classifier) []float64 { return c.Test })
	if err == nil {
		err = writeRows(c, in, in.Split, in.Validation, func(c Classifier) []float64 { return c.Validation })
	}
	if err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}

func writeRows(w *csv.Writer, in Input, split string, images []Image, scores func(Classifier) []float64) error {
	exact := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	known := func(v float64) string {
		if v == 0 {
			return ""
		}
		return exact(v)
	}
	first := in.Classifiers[0]
	for i, m := range images {
		v := scores(first)[i]
		row := []string{split, m.Name, strconv.Itoa(m.Label), m.Kind, known(m.ThetaE), known(m.FluxRatio)}
		if first.Scale == Logits { // which is read again; the probability is for people
			row = append(row, exact(v), strconv.FormatFloat(metric.Probability(v), 'g', 9, 64))
		} else {
			row = append(row, exact(v))
		}
		for _, other := range in.Classifiers[1:] {
			row = append(row, exact(scores(other)[i]))
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// Splits say which rows of a file of scores are what, if it has a column split.
type Splits struct {
	Test       string
	Validation string // thresholds are chosen on
	// Needed says that it is an error if Validation is not there. Otherwise
	// thresholds are chosen on the test rows.
	Needed bool
}

// ReadScores reads a file of scores that is called path in errors, which name the
// line. Bootstrap and the like are left to the caller.
func ReadScores(r io.Reader, path string, s Splits) (Input, error) {
	in := Input{Data: Data{Path: path}}
	t, err := newScoreTable(r)
	if err != nil {
		return in, fmt.Errorf("%s: %w", path, err)
	}
	c := Classifier{Name: "scores", Scale: t.scale}
	seen := map[string]bool{}
	for {
		m, score, split, err := t.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return in, fmt.Errorf("%s%w", path, err)
		}
		seen[split] = true
		switch {
		case !t.has(columnSplit) || split == s.Test:
			in.Test, c.Test = append(in.Test, m), append(c.Test, score)
		case split == s.Validation:
			in.Validation, c.Validation = append(in.Validation, m), append(c.Validation, score)
		}
	}
	in.Classifiers = []Classifier{c}
	if t.has(columnSplit) {
		in.Data.Split = s.Test
	}
	return in, in.splitsThere(path, t, s, seen)
}

// splitsThere refuses a file without the rows that are asked for.
func (in *Input) splitsThere(path string, t *scoreTable, s Splits, seen map[string]bool) error {
	if in.Validation != nil {
		in.Split = s.Validation
	}
	if !t.has(columnSplit) {
		if s.Needed {
			return fmt.Errorf("%s: no column %q, so there is no split %q; there are %s", path, columnSplit, s.Validation, strings.Join(t.head, ", "))
		}
		if len(in.Test) == 0 {
			return fmt.Errorf("%s: no image, only a head line", path)
		}
		return nil
	}
	var names []string
	for name := range seen {
		names = append(names, strconv.Quote(name))
	}
	slices.Sort(names)
	there := "it has no rows"
	if names != nil {
		there = "there is " + strings.Join(names, ", ")
	}
	if len(in.Test) == 0 {
		return fmt.Errorf("%s: no row is of split %q; %s", path, s.Test, there)
	}
	if in.Validation == nil && s.Needed {
		return fmt.Errorf("%s: no row is of split %q; %s", path, s.Validation, there)
	}
	return nil
}

// A scoreTable reads rows of a file of scores.
type scoreTable struct {
	r     *csv.Reader
	head  []string
	at    map[string]int // column by name
	score string         // name of the column of scores
	scale Scale
	row   []string
	rows  int // read so far
}

func newScoreTable(r io.Reader) (*scoreTable, error) {
	t := &scoreTable{r: csv.NewReader(r), at: map[string]int{}}
	t.r.ReuseRecord = true
	head, err := t.r.Read()
	if err == io.EOF {
		return nil, errors.New("is empty; want a line with the names of columns")
	}
	if err != nil {
		return nil, err
	}
	for i, name := range head {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if _, twice := t.at[name]; twice {
			return nil, fmt.Errorf("two columns are called %q", name)
		}
		t.head, t.at[name] = append(t.head, name), i
	}
	for _, name := range []string{columnLogit, columnProbability, columnScore} {
		if t.has(name) {
			t.score = name
			break
		}
	}
	t.scale = Probabilities
	if t.score == columnLogit {
		t.scale = Logits
	}
	if t.score == "" || !t.has(columnLabel) {
		missing := fmt.Sprintf("%q", columnLabel)
		if t.score == "" {
			missing = fmt.Sprintf("%q (any number) or %q (a probability)", columnLogit, columnScore)
		}
		return nil, fmt.Errorf("no column %s; there are %s", missing, strings.Join(t.head, ", "))
	}
	return t, nil
}

func (t *scoreTable) has(column string) bool {
	_, ok := t.at[column]
	return ok
}

// next reads an image. Errors begin with :LINE.
func (t *scoreTable) next() (m Image, score float64, split string, err error) {
	t.row, err = t.r.Read()
	if err != nil {
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			err = fmt.Errorf(":%d: %w", syntax.Line, syntax.Err)
		}
		return m, 0, "", err
	}
	t.rows++
	if score, err = t.scoreOf(); err != nil {
		return m, 0, "", err
	}
	label, err := t.number(columnLabel)
	if err != nil || label != 0 && label != 1 {
		return m, 0, "", t.wrong(columnLabel, "1 for a lens or 0 for none")
	}
	m = Image{Name: t.text(columnName), Label: int(label), Kind: t.text(columnKind)}
	if m.Name == "" {
		m.Name = fmt.Sprintf("row %d", t.rows)
	}
	if m.ThetaE, err = t.positive(columnThetaE); err != nil {
		return m, 0, "", err
	}
	m.FluxRatio, err = t.positive(columnFluxRatio)
	return m, score, t.text(columnSplit), err
}

func (t *scoreTable) scoreOf() (float64, error) {
	v, err := t.number(t.score)
	if t.scale == Logits {
		if err != nil || !(math.Abs(v) <= mostLogit) {
			return 0, t.wrong(t.score, fmt.Sprintf("a finite number, %g to %g", -mostLogit, mostLogit))
		}
		return v, nil
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, t.wrong(t.score, fmt.Sprintf("a probability, 0 to 1; a column of other numbers is to be called %q", columnLogit))
	}
	return v, nil
}

// positive is a number > 0, or 0 where the field is empty or there is no such
// column.
func (t *scoreTable) positive(column string) (float64, error) {
	if t.text(column) == "" {
		return 0, nil
	}
	v, err := t.number(column)
	if err != nil || !(v > 0) || math.IsInf(v, 0) {
		return 0, t.wrong(column, "a number > 0, or nothing")
	}
	return v, nil
}

// text of a column in this row; "" if there is no such column.
func (t *scoreTable) text(column string) string {
	i, ok := t.at[column]
	if !ok {
		return ""
	}
	return strings.TrimSpace(t.row[i])
}

func (t *scoreTable) number(column string) (float64, error) {
	return strconv.ParseFloat(t.text(column), 64)
}

func (t *scoreTable) wrong(column, want string) error {
	line, _ := t.r.FieldPos(t.at[column])
	return fmt.Errorf(":%d: %s is %q; want %s", line, column, t.text(column), want)
}
