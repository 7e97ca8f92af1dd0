package report_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/report"
)

const (
	begin = report.BeginMarker + "\n"
	end   = report.EndMarker + "\n"
)

func TestSplice(t *testing.T) {
	for _, test := range []struct{ what, text, want string }{
		{"empty section", begin + end, begin + "\nnew\n\n" + end},
		{"old section", begin + "old\nlines\n" + end, begin + "\nnew\n\n" + end},
		{"text around", "# Mine\n\n" + begin + "old\n" + end + "also mine", "# Mine\n\n" + begin + "\nnew\n\n" + end + "also mine"},
		{"no newline at the end", begin + strings.TrimSpace(end), begin + "\nnew\n\n" + strings.TrimSpace(end)},
		{"other line ends are kept", "a\r\n" + "  " + report.BeginMarker + "\r\nold\r\n" + report.EndMarker + "\r\nb\r\n",
			"a\r\n" + "  " + report.BeginMarker + "\r\n\nnew\n\n" + report.EndMarker + "\r\nb\r\n"},
		{"bytes that are not text", "\xff\x00" + "\n" + begin + end + "\xfe", "\xff\x00" + "\n" + begin + "\nnew\n\n" + end + "\xfe"},
		{"markers inside a line are text", "write `" + report.BeginMarker + "` there\n" + begin + end,
			"write `" + report.BeginMarker + "` there\n" + begin + "\nnew\n\n" + end},
	} {
		got, err := report.Splice([]byte(test.text), []byte("new\n"))
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v; want %q", test.what, got, err, test.want)
		}
	}
}

func TestMarkerErrors(t *testing.T) {
	for _, test := range []struct{ what, text, want string }{
		{"none", "hello\nworld\n", "2: no markers up to the end; put the lines " + report.BeginMarker + " and " + report.EndMarker},
		{"empty file", "", "1: no markers"},
		{"no end", "x\n" + begin + "y\n", "2: " + report.BeginMarker + " without " + report.EndMarker + " after it"},
		{"no begin", "x\ny\n" + end, "3: " + report.EndMarker + " without " + report.BeginMarker + " before it"},
		{"reversed", end + "x\n" + begin, "1: " + report.EndMarker + " stands before " + report.BeginMarker + " on line 3"},
		{"two begins", begin + begin + end, "2: second " + report.BeginMarker + "; the first is on line 1"},
		{"two ends", begin + end + "x\n" + end, "4: second " + report.EndMarker + "; the first is on line 2"},
		{"two sections", begin + end + begin + end, "3: second " + report.BeginMarker},
	} {
		path := filepath.Join(t.TempDir(), "RESULTS.md")
		if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := report.UpdateFile(path, []byte("new\n"))
		if err == nil || !strings.HasPrefix(err.Error(), path+":"+test.want) || !strings.HasSuffix(err.Error(), "; nothing was written") {
			t.Errorf("%s: error is %v; want %s:%s", test.what, err, path, test.want)
		}
		if got, _ := os.ReadFile(path); string(got) != test.text {
			t.Errorf("%s: the file was changed to %q", test.what, got)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestUpdateFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "RESULTS.md")
	if err := report.UpdateFile(path, []byte("one\n")); err != nil {
		t.Fatal(err)
	}
	golden(t, "new-RESULTS.md", read(t, path))

	mine := "mine\n" + read(t, path) + "mine too\n"
	if err := errors.Join(os.WriteFile(path, []byte(mine), 0o600), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.md")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := report.UpdateFile(link, []byte("two\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, path), strings.Replace(mine, "one\n", "two\n", 1); got != want {
		t.Errorf("file is %q; want %q", got, want)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v; want it kept", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestUpdateFileInUnwritableDirectory names the file.
func TestUpdateFileInUnwritableDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent", "RESULTS.md")
	err := report.UpdateFile(path, []byte("x"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v; want one that names %s", err, path)
	}
}

// FuzzSplice: what is outside of the markers is never touched, and doing it
// twice is doing it once.
func FuzzSplice(f *testing.F) {
	f.Add([]byte("a\n"+begin+"b\n"+end+"c"), []byte("new"))
	f.Add([]byte(end+begin), []byte(""))
	f.Fuzz(func(t *testing.T, text, section []byte) {
		if bytes.Contains(section, []byte(report.BeginMarker)) || bytes.Contains(section, []byte(report.EndMarker)) {
			return // cannot come from Markdown, which escapes <
		}
		once, err := report.Splice(text, section)
		if err != nil {
			return
		}
		twice, err := report.Splice(once, section)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("once %q, twice %q, %v", once, twice, err)
		}
		before, _, _ := bytes.Cut(text, []byte(report.BeginMarker))
		if !bytes.HasPrefix(once, before) {
			t.Errorf("%q lost what stood before the markers of %q", once, text)
		}
		after := text[bytes.LastIndex(text, []byte(report.EndMarker)):]
		if !bytes.HasSuffix(once, after) {
			t.Errorf("%q lost what stood after the markers of %q", once, text)
		}
	})
}
