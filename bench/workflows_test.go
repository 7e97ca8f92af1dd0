package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// A workflow is what these files use of GitHub's format; whatever else stands in them is
// a mistake of this test's reader.
type workflow struct {
	Name        string         `yaml:"name"`
	On          yaml.Node      `yaml:"on"`
	Concurrency map[string]any `yaml:"concurrency"`
	Permissions map[string]any `yaml:"permissions"`
	Jobs        map[string]job `yaml:"jobs"`
}

type job struct {
	RunsOn  string            `yaml:"runs-on"`
	Timeout int               `yaml:"timeout-minutes"`
	Env     map[string]string `yaml:"env"`
	Steps   []step            `yaml:"steps"`
}

type step struct {
	Name string            `yaml:"name"`
	Uses string            `yaml:"uses"`
	With map[string]any    `yaml:"with"`
	If   string            `yaml:"if"`
	Env  map[string]string `yaml:"env"`
	Run  string            `yaml:"run"`
}

// TestWorkflows: what the workflows call is there, with the flags that they give it.
func TestWorkflows(t *testing.T) {
	paths, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	called := map[string][]string{} // file → commands of bench and targets of make
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		commands, err := checkWorkflow(text)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		called[filepath.Base(path)] = commands
	}
	for file, want := range map[string][]string{
		"test.yml":         {"make build", "make test", "make lint"},
		"nightly.yml":      {"make build", "bench doctor", "bench nightly", "bench nightly", "bench history"},
		"pull-request.yml": {"make build", "bench nightly"},
		"ci.yml":           {"bash .ci/run"},
	} {
		if !slices.Equal(called[file], want) {
			t.Errorf("%s calls %q; want %q", file, called[file], want)
		}
	}
	if len(called) != 4 {
		t.Errorf("%d workflows; the test knows 4", len(called))
	}
}

// TestBrokenWorkflows: the test of workflows finds what it is for.
func TestBrokenWorkflows(t *testing.T) {
	const good = "name: n\non: push\njobs: {a: {runs-on: u, timeout-minutes: 5, steps: [{run: \"bin/bench nightly --against X\"}]}}\n"
	if _, err := checkWorkflow([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ old, new, want string }{
		"no such flag":     {"--against X", "--agains X", "no such flag of bench nightly"},
		"no such command":  {"bin/bench nightly", "bin/bench nigthly", `no such command`},
		"a flag's value":   {"--against X", "--for soon", "not a valid value"},
		"no such target":   {"bin/bench nightly --against X", "make buidl", "no target buidl"},
		"no such script":   {"bin/bench nightly --against X", "bash .ci/walk", ".ci/walk: no such file"},
		"a key":            {"runs-on", "run-on", "field run-on not found"},
		"no time limit":    {"timeout-minutes: 5, ", "", "job a has no timeout-minutes"},
		"not YAML":         {"jobs: {", "jobs: [{", "did not find expected"},
		"action unpinned":  {"run: \"bin/bench nightly --against X\"", "uses: actions/checkout", "actions/checkout has no version"},
		"nothing happens":  {"on: push\n", "", "on nothing"},
		"neither run, nor": {"{run: \"bin/bench nightly --against X\"}", "{name: x}", "neither runs nor uses anything"},
	} {
		broken := strings.Replace(good, tt.old, tt.new, 1)
		if broken == good {
			t.Fatalf("%s: nothing is broken", name)
		}
		if _, err := checkWorkflow([]byte(broken)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %s", name, err, tt.want)
		}
	}
}

func checkWorkflow(text []byte) (called []string, err error) {
	var w workflow
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&w); err != nil {
		return nil, err
	}
	if w.On.IsZero() || len(w.Jobs) == 0 {
		return nil, fmt.Errorf("%s: runs on nothing, or has no jobs", w.Name)
	}
	for name, j := range w.Jobs {
		if j.Timeout == 0 || j.RunsOn == "" {
			return nil, fmt.Errorf("job %s has no timeout-minutes, or no runs-on", name)
		}
		for i, s := range j.Steps {
			switch {
			case (s.Run == "") == (s.Uses == ""):
				return nil, fmt.Errorf("step %d of %s: neither runs nor uses anything, or both", i+1, name)
			case s.Uses != "" && !regexp.MustCompile(`^[\w-]+/[\w-]+@v\d+$`).MatchString(s.Uses):
				return nil, fmt.Errorf("step %d of %s: %s has no version", i+1, name, s.Uses)
			}
			for line := range strings.Lines(s.Run) {
				command, err := checkLine(line)
				if err != nil {
					return nil, fmt.Errorf("step %d of %s: %w", i+1, name, err)
				}
				if command != "" {
					called = append(called, command)
				}
			}
		}
	}
	return called, nil
}

// word is one of a shell's: in quotes, with a command in it, or bare.
var wordPattern = regexp.MustCompile(`"(?:\$\((?:[^()"]|"[^"]*")*\)|[^"])*"|'[^']*'|\S+`)

// checkLine finds the call of bench, make or a script in a line, and whether it would be
// understood.
func checkLine(line string) (called string, err error) {
	var words []string
	for _, w := range wordPattern.FindAllString(line, -1) {
		if w == "||" || w == "&&" || w == ";" {
			break
		}
		words = append(words, strings.Trim(w, `"'`))
	}
	if len(words) < 2 {
		return "", nil
	}
	switch words[0] {
	case "bin/bench":
		return checkCommand(words[1:])
	case "make":
		text, err := os.ReadFile("../Makefile")
		if err != nil {
			return "", err
		}
		for _, target := range words[1:] {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(text) {
				return "", fmt.Errorf("the Makefile has no target %s", target)
			}
		}
	case "bash":
		if _, err := os.Stat(filepath.Join("..", words[1])); err != nil {
			return "", fmt.Errorf("%s: no such file", words[1])
		}
	default:
		return "", nil
	}
	return strings.Join(words, " "), nil
}

// checkCommand finds the command and gives it its flags, as bench does.
func checkCommand(args []string) (string, error) {
	c, rest, err := newRoot(args).Find(args)
	if err != nil {
		return "", err
	}
	if !c.HasParent() {
		return "", c.Args(c, rest)
	}
	if err := c.ParseFlags(rest); err != nil {
		return "", c.FlagErrorFunc()(c, err)
	}
	if c.Args != nil {
		if err := c.Args(c, c.Flags().Args()); err != nil {
			return "", err
		}
	}
	return c.CommandPath(), nil
}
