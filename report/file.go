package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Lines between which a file belongs to lensbench. What is around them belongs
// to whoever wrote it and is kept byte for byte.
const (
	BeginMarker = "<!-- lensbench:begin -->"
	EndMarker   = "<!-- lensbench:end -->"
)

// A Block is a part of a file between two markers of its own.
type Block struct {
	Begin, End string // the lines of its markers
	New        string // what a new file has before them
}

// RunBlock holds the tables of a run, ClaimsBlock that of all claims. One file
// may have both.
var (
	RunBlock = Block{Begin: BeginMarker, End: EndMarker, New: `# Results

What stands between the two markers below is written by bench; the next run
replaces it. Anything outside of them is kept.

`}
	ClaimsBlock = Block{Begin: "<!-- lensbench:claims:begin -->", End: "<!-- lensbench:claims:end -->", New: `# Claims

What stands between the two markers below is written by bench claims, which
replaces it. Anything outside of them is kept.

`}
)

// UpdateFile puts the tables of a run into the file at path.
func UpdateFile(path string, section []byte) error { return RunBlock.UpdateFile(path, section) }

// Splice returns text with the tables of a run in it.
func Splice(text, section []byte) ([]byte, error) { return RunBlock.Splice(text, section) }

// UpdateFile puts section between the markers of the file at path, which is
// made if it is absent. The file is replaced at once or not at all; errors on
// markers name the line.
func (k Block) UpdateFile(path string, section []byte) error {
	// A link stays a link: what it points to is replaced.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	old, err := os.ReadFile(path)
	mode := fs.FileMode(0o644)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = []byte(k.New + k.Begin + "\n" + k.End + "\n")
	case err != nil:
		return err
	default:
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	updated, err := k.Splice(old, section)
	if err != nil {
		return fmt.Errorf("%s:%w; nothing was written", path, err)
	}
	if bytes.Equal(updated, old) {
		return nil
	}
	return replaceFile(path, updated, mode)
}

// Splice returns text with section between its markers. Errors begin with the
// number of a line.
func (k Block) Splice(text, section []byte) ([]byte, error) {
	begin, end, err := k.find(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Write(text[:begin])
	b.WriteByte('\n')
	b.Write(bytes.Trim(section, "\n"))
	b.WriteString("\n\n")
	b.Write(text[end:])
	return b.Bytes(), nil
}

// find returns the offset behind the line of the begin marker, and that
// of the line of the end marker.
func (k Block) find(text []byte) (begin, end int, err error) {
	beginLine, endLine, number, at := 0, 0, 0, 0
	for line := range bytes.Lines(text) {
		number++
		switch string(bytes.TrimSpace(line)) {
		case k.Begin:
			if beginLine > 0 {
				return 0, 0, fmt.Errorf("%d: second %s; the first is on line %d", number, k.Begin, beginLine)
			}
			beginLine, begin = number, at+len(line)
		case k.End:
			if endLine > 0 {
				return 0, 0, fmt.Errorf("%d: second %s; the first is on line %d", number, k.End, endLine)
			}
			endLine, end = number, at
		}
		at += len(line)
	}
	switch {
	case beginLine == 0 && endLine == 0:
		return 0, 0, fmt.Errorf("%d: no markers up to the end; put the lines %s and %s where the results belong", max(1, number), k.Begin, k.End)
	case beginLine == 0:
		return 0, 0, fmt.Errorf("%d: %s without %s before it", endLine, k.End, k.Begin)
	case endLine == 0:
		return 0, 0, fmt.Errorf("%d: %s without %s after it", beginLine, k.Begin, k.End)
	case endLine < beginLine:
		return 0, 0, fmt.Errorf("%d: %s stands before %s on line %d", endLine, k.End, k.Begin, beginLine)
	}
	return begin, end, nil
}

// replaceFile writes a file beside path and renames it.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // fails harmlessly once renamed
	_, werr := f.Write(data)
	if err := errors.Join(werr, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
