package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"gopkg.in/yaml.v3"
)

// Files of a directory of history.
const (
	PointsFile       = "history.jsonl"
	AcknowledgedFile = "acknowledged.yaml"
)

// ErrKnown means that a run was added before.
var ErrKnown = errors.New("is there already")

// A Dir is a directory of history.
type Dir string

// Append adds the points of a run. A run that is there already is refused, so
// that a night that is reported twice counts once.
func (d Dir) Append(points []Point) error {
	if len(points) == 0 {
		return errors.New("the run has no comparison to keep")
	}
	if err := os.MkdirAll(string(d), 0o777); err != nil {
		return err
	}
	path := filepath.Join(string(d), PointsFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	old, err := read(f, path)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(old, func(p Point) bool { return p.Run == points[0].Run }) {
		return fmt.Errorf("%s: run %s %w", path, points[0].Run, ErrKnown)
	}
	var b bytes.Buffer
	for _, p := range points {
		if err := p.check(); err != nil {
			return err
		}
		line, err := json.Marshal(p)
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	}
	if _, err := f.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// Points reads all points; none if there is no history yet. Errors begin with
// the file and the line.
func (d Dir) Points() ([]Point, error) {
	path := filepath.Join(string(d), PointsFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, path)
}

func read(r io.Reader, path string) ([]Point, error) {
	var out []Point
	seen := map[Series]map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var p Point
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		s := p.Series()
		if seen[s] == nil {
			seen[s] = map[string]int{}
		}
		if line, again := seen[s][p.Run]; again {
			return nil, fmt.Errorf("%s:%d: %s of %s in %s is of run %s, as line %d is", path, n, p.Metric, p.Arm, p.Name, p.Run, line)
		}
		seen[s][p.Run] = n
		out = append(out, p)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

// An Acknowledgement says why a metric moved: somebody has looked.
type Acknowledgement struct {
	Name   string `yaml:"name"`   // scenario and point, as in bench history
	Arm    string `yaml:"arm"`    //
	Metric string `yaml:"metric"` //
	Night  string `yaml:"night"`  // of the first night at the new level, 2006-01-02; three days off will do
	Why    string `yaml:"why"`

	night time.Time
}

// Acknowledged reads the acknowledgements; none if there is no such file.
func (d Dir) Acknowledged() ([]Acknowledgement, error) {
	path := filepath.Join(string(d), AcknowledgedFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Acknowledgement
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	for i := range out {
		a := &out[i]
		if a.night, err = time.Parse(time.DateOnly, a.Night); err != nil {
			return nil, fmt.Errorf("%s: entry %d: night %q; want a date such as 2026-03-01", path, i+1, a.Night)
		}
		if a.Name == "" || a.Arm == "" || a.Metric == "" || strings.TrimSpace(a.Why) == "" {
			return nil, fmt.Errorf("%s: entry %d: name, arm, metric and why must all be there", path, i+1)
		}
	}
	return out, nil
}
