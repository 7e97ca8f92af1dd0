package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lensbench/baseline"
	"lensbench/calibration"
	"lensbench/cli"
	"lensbench/protocol"
	"lensbench/record"
	"lensbench/report"
	"lensbench/runner"
	"lensbench/runner/progress"
	"lensbench/scenarios"
	"lensbench/verdict"
)

// Bounds of the time of a calibration. In more, a second one says more.
const (
	leastSpan = time.Second
	mostSpan  = 2 * time.Hour
)

// mostSize bounds the restarts of a statement.
const mostSize = 64

// mostRestarts bounds a plan whose time decides.
const mostRestarts = 1 << 16

// A calibrateCommand is one invocation of bench calibrate.
type calibrateCommand struct {
	runCommand
	span  time.Duration
	size  int     // restarts of a statement
	plant string  // as written, such as 2%
	delay float64 // per cent; 0 without a plant
	store string  // of baselines
	save  bool    // among them

	disturb bool
}

func newCalibrate(args []string) *cobra.Command {
	k := &calibrateCommand{runCommand: runCommand{args: args}}
	c := &cobra.Command{
		Use:   "calibrate [SCENARIO]",
		Short: "Compare equal arms: how often verdicts err here, and how little they can see",
		Long: `calibrate runs a scenario's control beside itself for a given time. Every 8 restarts
make one statement per metric, and one that tells the arms apart is a false alarm. How
much restarts scatter says which effect can be found in 1, 5 and 30 minutes. Both are
kept by the identity of the machine and printed beside later verdicts; --save keeps them
beside the baselines, too, where a project publishes them. With --plant a
third arm is slowed down on purpose, and how many statements find that is shown. With
--restarts statements are as long as those of your runs; --resume cuts a run anew.
--disturb asks the same of a machine that is in use: what it disturbs counts, though a
claim would not be believed of it, since bench nightly judges that, too.

Exit status: 2 if equal arms are told apart more often than 1 % allows.`,
		Example: "  bench calibrate\n  bench calibrate amp --for 30m --plant 2%\n  bench calibrate --resume latest --restarts 16",
		Args:    cli.Arguments(0, 1, "at most one scenario"),
		RunE: func(c *cobra.Command, names []string) error {
			k.names = names
			if k.span < leastSpan || k.span > mostSpan {
				return fmt.Errorf("\"--for %v\": out of range; want %v to %v", k.span, leastSpan, mostSpan)
			}
			if k.size < verdict.MinRestarts || k.size > mostSize {
				return fmt.Errorf("\"--restarts %d\": out of range; want %d to %d", k.size, verdict.MinRestarts, mostSize)
			}
			if err := k.parsePlant(); err != nil {
				return err
			}
			return k.calibrate(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
		ValidArgsFunction: completeScenarios,
	}
	f := c.Flags()
	f.DurationVar(&k.span, "for", 5*time.Minute, "`TIME` of measuring, such as 90s or 30m")
	f.IntVar(&k.size, "restarts", verdict.MinRestarts, "`number` of restarts that make a statement")
	f.StringVar(&k.plant, "plant", "", "a third arm that is slower by this `SHARE`, such as 2%, and how often it is found")
	f.BoolVar(&k.disturb, "disturb", false, "keep one core busy in bursts meanwhile, as other users of a machine do")
	f.BoolVar(&k.save, "save", false, "keep it beside the baselines, too, from where bench claims publishes it")
	f.StringArrayVar(&k.files, "file", nil, "take the scenario of this `FILE`")
	f.StringVar(&k.resume, "resume", "", "go on with this `RUN` of bench calibrate, or show it again")
	f.StringVar(&k.runs, "runs", runsDir(), "`DIR` that runs are written to")
	f.Uint64Var(&k.seed, "seed", 0, "seed of every random order (default: a new one)")
	f.BoolVar(&k.noWait, "no-wait", false, "end at once if another run uses this machine")
	f.BoolVar(&k.json, "json", false, "print the calibration as JSON on standard output")
	addStore(c, &k.store)
	c.MarkFlagsMutuallyExclusive("resume", "file")
	c.MarkFlagsMutuallyExclusive("resume", "for")
	c.MarkFlagsMutuallyExclusive("resume", "plant")
	c.MarkFlagsMutuallyExclusive("resume", "disturb")
	return c
}

func (k *calibrateCommand) calibrate(ctx context.Context, stdout, stderr io.Writer) error {
	k.wait = true
	dir, err := k.measure(ctx, stderr)
	var kept *runner.Interrupted
	if errors.As(err, &kept) {
		return &status{exitInvalid, fmt.Errorf("interrupted: %s are kept in %s; go on with: bench calibrate --resume %s", count(kept.Blocks, "block"), kept.Dir, kept.Dir)}
	}
	if err != nil {
		return stopped(err)
	}
	return k.conclude(dir, stdout)
}

// parsePlant reads a share in per cent.
func (k *calibrateCommand) parsePlant() (err error) {
	if k.plant == "" {
		return nil
	}
	field, _ := protocol.FieldByKey("delay")
	number, percent := strings.CutSuffix(k.plant, "%")
	k.delay, err = strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !percent || k.delay < field.Min || k.delay > field.Max {
		return fmt.Errorf("\"--plant %s\": not a share; want %g%% to %g%%", k.plant, field.Min, field.Max)
	}
	return nil
}

// measure runs, or goes on with, the run of equal arms.
func (k *calibrateCommand) measure(ctx context.Context, stderr io.Writer) (dir string, err error) {
	opts, err := k.options(stderr)
	if err != nil {
		return "", err
	}
	if k.save {
		if err := checkDir("--store", k.store); err != nil {
			return "", err
		}
	}
	if k.resume != "" {
		if len(k.names) > 0 {
			return "", fmt.Errorf("\"--resume %s\": the run has its own scenario; leave %q away", k.resume, k.names[0])
		}
		if dir, err = findRun(k.runs, k.resume); err != nil {
			return "", err
		}
		if opts.Companion, err = burner(uint64(time.Now().UnixNano())); err != nil {
			return "", err
		}
		if err = runner.Resume(ctx, dir, opts); errors.Is(err, runner.ErrComplete) {
			err = nil
		}
		return dir, err
	}
	c, err := k.twins()
	if err != nil {
		return "", err
	}
	if opts.Cells = []record.Cell{c}; lensThere(opts.Cells, opts.Workers) != nil {
		return "", lensThere(opts.Cells, opts.Workers)
	}
	if k.disturb {
		if opts.Companion, err = burner(k.seed); err != nil {
			return "", err
		}
	}
	return runner.Start(ctx, opts)
}

// twins is the cell to run: the control of the scenario's deciding cell, or of
// its first, beside itself.
func (k *calibrateCommand) twins() (record.Cell, error) {
	if len(k.names)+len(k.files) == 0 {
		k.names = []string{"calibration"}
	}
	cells, err := k.cells()
	if err != nil {
		return record.Cell{}, err
	}
	chosen := cells[0]
	for _, c := range cells {
		if c.Scenario != chosen.Scenario {
			return record.Cell{}, fmt.Errorf("scenarios %s and %s: a calibration is of one", chosen.Scenario, c.Scenario)
		}
		if chosen.Decides == "" && c.Decides != "" {
			chosen = c
		}
	}
	if chosen.Arms[0].Settings.Kind == "null" {
		return record.Cell{}, fmt.Errorf("%s: its control does no work, so that its times are those of the clock; calibrate with a scenario that works", chosen.Scenario)
	}
	c := scenarios.Twins(chosen, k.delay)
	c.Plan.Restarts, c.Plan.Looks, c.Plan.Seconds = mostRestarts, nil, k.span.Seconds()
	return c, nil
}

// conclude makes the statements, keeps and shows them.
func (k *calibrateCommand) conclude(dir string, stdout io.Writer) error {
	run, err := record.ReadRun(dir)
	if err != nil {
		return err
	}
	entries, _, err := record.ReadJournal(dir)
	if err != nil {
		return err
	}
	c, err := calibration.Of(run, entries, k.size)
	if err != nil {
		return &status{exitInvalid, fmt.Errorf("%s: %w", dir, err)}
	}
	all, files, err := k.keep(run.Machine, c)
	if err != nil {
		return err
	}
	if k.json {
		err = writeJSON(stdout, c)
	} else {
		err = showCalibration(stdout, c, all, fmt.Sprintf("Kept in %s; samples in %s", strings.Join(files, " and "), dir))
	}
	if err != nil {
		return err
	}
	if err := c.Alarming(); err != nil {
		return &status{exitInvalid, err}
	}
	return nil
}

// keep adds the calibration to the files that it belongs in, and returns it with the
// others of the machine.
func (k *calibrateCommand) keep(m record.Machine, c calibration.Calibration) (all calibration.Machine, files []string, err error) {
	cache, err := cli.CacheDir()
	if err != nil {
		return all, nil, err
	}
	files = []string{calibration.InCache(cache, m)}
	if k.save {
		files = append(files, calibration.InStore(k.store, m))
	}
	for _, file := range files {
		if err := calibration.Add(file, m, c); err != nil {
			return all, nil, err
		}
	}
	all, err = calibration.Load(m, calibration.InStore(k.store, m), calibration.InCache(cache, m))
	return all, files, err
}

func showCalibration(w io.Writer, c calibration.Calibration, all calibration.Machine, kept string) error {
	fmt.Fprintf(w, "Calibration with %s on machine %s: %s of %s in %s\n", c.Scenario, all.Machine.ID(),
		count(c.Restarts, "restart"), count(c.Blocks, "block"), progress.Duration(c.Seconds))
	sets := fmt.Sprintf("%s of %d restarts, each a statement per metric", count(c.Sets, "set"), c.Size)
	if c.Unfit > 0 {
		sets += fmt.Sprintf("; %d of them disturbed so much that they do not count", c.Unfit)
	}
	if c.Busy > 0 {
		sets += fmt.Sprintf("; %d of them contaminated by what ran beside on purpose, and counted, as the gate does", c.Busy)
	}
	fmt.Fprintln(w, sets)
	if c.Beside != "" {
		fmt.Fprintf(w, "beside %s\n", c.Beside)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "metric\tfalse alarms\tso far")
	if c.Plant > 0 {
		fmt.Fprintf(t, "\t%g %% found", c.Plant)
	}
	for _, m := range calibration.Minutes {
		fmt.Fprintf(t, "\tfound in %g min", m)
	}
	fmt.Fprintln(t)
	for _, m := range c.Metrics {
		fmt.Fprintf(t, "%s\t%s\t%s", m.Metric, m.Rate, all.Alarms(m.Metric))
		if m.Found != nil {
			fmt.Fprintf(t, "\t%s", *m.Found)
		}
		for _, e := range m.Detectable {
			fmt.Fprintf(t, "\t%s", effect(e))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `
false alarms  statements that told equal arms apart, with the exact 95 %% interval of their rate
so far        in all calibrations of this machine
found in      smallest difference between two arms that is found with 95 %% power in so much time
%s
`, kept)
	return err
}

// effect says why there is none, if so.
func effect(e calibration.Effect) string {
	if e.Effect == nil {
		return fmt.Sprintf("– (%s)", count(e.Restarts, "restart"))
	}
	return calibration.Percent(*e.Effect)
}

// calibrated gives a report the line on the calibration of the run's machine. A
// file that cannot be read is said in its place: no run fails for it.
func calibrated(o report.Options, m record.Machine) report.Options {
	cache, err := cli.CacheDir()
	if err != nil {
		return o
	}
	all, err := calibration.Load(m, calibration.InStore(baseline.DefaultStore().Dir, m), calibration.InCache(cache, m))
	o.Calibration = all.Line()
	if err != nil {
		o.Calibration = fmt.Sprintf("cannot be read: %v", err)
	}
	return o
}
