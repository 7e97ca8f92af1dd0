package survey

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"lensbench/nearest"
)

// CSVName is the manifest of a directory of images.
const CSVName = "manifest.csv"

// Columns of a manifest. The first is needed.
const (
	columnFile   = "file"   // path, from the manifest's directory
	columnLabel  = "label"  // 1 for a lens, 0 for none; empty: not known
	columnSplit  = "split"  // train, validation or test
	columnSHA256 = "sha256" // of the file, hexadecimal
	columnHDU    = "hdu"    // names or numbers of a FITS file's HDUs, separated by ;
	columnFactor = "factor" // the image is offset + factor times what is stored
	columnOffset = "offset"
)

var columns = []string{columnFile, columnLabel, columnSplit, columnSHA256, columnHDU, columnFactor, columnOffset}

// openCSV opens the images that a manifest lists.
func openCSV(path string, o Options) (*Files, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	files, parts, err := parseCSV(r, filepath.Dir(path), o)
	if err != nil {
		return nil, fmt.Errorf("open images: %s%w", path, err)
	}
	if err := eachOnce(files); err != nil {
		return nil, fmt.Errorf("open images: %s%w", path, err)
	}
	f, err := newFiles(files)
	if err != nil {
		return nil, err
	}
	f.parts = parts
	return f, nil
}

// eachOnce makes sure that the files of a manifest are there, and none of them
// under two names: as a path and as an absolute one, or as a link.
func eachOnce(files []file) error {
	type key struct {
		device, inode uint64
		hdus          string
	}
	seen := map[key]int{}
	for _, f := range files {
		var info unix.Stat_t
		if err := unix.Stat(f.path, &info); err != nil {
			return fmt.Errorf(":%d: %s is not there: %w", f.line, f.path, err)
		}
		if info.Mode&unix.S_IFMT != unix.S_IFREG {
			return fmt.Errorf(":%d: %s is no file", f.line, f.path)
		}
		k := key{info.Dev, info.Ino, strings.Join(f.hdus, ";")}
		if before, twice := seen[k]; twice {
			return fmt.Errorf(":%d: %s is the file of line %d too", f.line, f.path, before)
		}
		seen[k] = f.line
	}
	return nil
}

// parseCSV reads a manifest. Errors begin with ":line: ", or ": ".
func parseCSV(r io.Reader, dir string, o Options) (files []file, parts map[string][]int, err error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	head, err := c.Read()
	if err == io.EOF {
		return nil, nil, errors.New(": is empty; want a line with the names of columns")
	}
	if err != nil {
		return nil, nil, fmt.Errorf(": %w", err)
	}
	at, err := columnsOf(head)
	if err != nil {
		return nil, nil, fmt.Errorf(":1: %w", err)
	}
	seen := map[string]int{}
	for {
		row, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf(": %w", err)
		}
		line, _ := c.FieldPos(0)
		f, split, err := parseRow(row, at, dir, o)
		if err == nil {
			if before, twice := seen[f.key()]; twice {
				err = fmt.Errorf("%s is in line %d too", f.path, before)
			}
		}
		if err != nil {
			return nil, nil, fmt.Errorf(":%d: %w", line, err)
		}
		seen[f.key()], f.line = line, line
		if split != "" {
			if parts == nil {
				parts = map[string][]int{}
			}
			parts[split] = append(parts[split], len(files))
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, nil, errors.New(": lists no images")
	}
	return files, parts, nil
}

// key is what no two rows may share: an image in two parts would be seen in
// training and in the test.
func (f file) key() string { return filepath.Clean(f.path) + "\x00" + strings.Join(f.hdus, ";") }

// columnsOf returns the places of the columns, whose names must be known.
func columnsOf(head []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range head {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if !slices.Contains(columns, name) {
			hint := ""
			if near := nearest.Name(name, columns); near != "" {
				hint = fmt.Sprintf("did you mean %q? ", near)
			}
			return nil, fmt.Errorf("column %q is not known; %sthere is %s", name, hint, strings.Join(columns, ", "))
		}
		if _, twice := at[name]; twice {
			return nil, fmt.Errorf("two columns are called %q", name)
		}
		at[name] = i
	}
	if _, ok := at[columnFile]; !ok {
		return nil, fmt.Errorf("no column %q", columnFile)
	}
	return at, nil
}

var isSHA256 = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func parseRow(row []string, at map[string]int, dir string, o Options) (f file, split string, err error) {
	cell := func(name string) string {
		if i, ok := at[name]; ok {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	f = file{path: filepath.FromSlash(cell(columnFile)), hdus: o.HDUs, sha256: cell(columnSHA256)}
	if f.path == "" {
		return f, "", errors.New("no file")
	}
	if !filepath.IsAbs(f.path) {
		f.path = filepath.Join(dir, f.path)
	}
	if f.label, err = parseLabel(cell(columnLabel)); err != nil {
		return f, "", err
	}
	if split = cell(columnSplit); split != "" && !slices.Contains(PartNames, split) {
		return f, "", fmt.Errorf("split %q, want one of %s", split, strings.Join(PartNames, ", "))
	}
	if f.sha256 != "" && !isSHA256.MatchString(f.sha256) {
		return f, "", fmt.Errorf("sha256 %q, want 64 hexadecimal digits", f.sha256)
	}
	format, err := formatOf(f.path)
	if err != nil {
		return f, "", err
	}
	if hdu := cell(columnHDU); hdu != "" {
		if f.hdus = strings.Split(hdu, ";"); !format.fits {
			return f, "", fmt.Errorf("hdu %q, but %s is no FITS file", hdu, f.path)
		}
	}
	for name, value := range map[string]*float64{columnFactor: &f.factor, columnOffset: &f.offset} {
		text := cell(name)
		if text == "" {
			continue
		}
		*value, err = strconv.ParseFloat(text, 64)
		if err != nil || *value-*value != 0 || name == columnFactor && *value == 0 {
			return f, "", fmt.Errorf("%s %q, want a number", name, text)
		}
	}
	if f.factor == 0 {
		f.factor = 1
	}
	return f, split, nil
}

func parseLabel(text string) (int, error) {
	switch text {
	case "":
		return Unlabelled, nil
	case "0":
		return NotLens, nil
	case "1":
		return IsLens, nil
	}
	return 0, fmt.Errorf("label %q, want 1 for a lens, 0 for none, or nothing", text)
}
