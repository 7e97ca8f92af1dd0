package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lensbench/baseline"
	"lensbench/cli"
	"lensbench/record"
	"lensbench/verdict"
)

func newBaseline() *cobra.Command {
	c := &cobra.Command{
		Use:   "baseline",
		Short: "Keep runs by machine, to compare with later",
		Long: `baseline keeps copies of runs by the identity of their machine, with the results
in the Go benchmark format, which plain benchstat reads.`,
		Example: "  bench baseline save --name before-shim\n  bench compare before-shim latest",
		Args:    cli.OnlyCommands,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newBaselineSave(), newBaselineList(), newBaselinePool())
	return c
}

func newBaselineSave() *cobra.Command {
	var name, runs, store string
	c := &cobra.Command{
		Use:   "save [RUN]",
		Short: "Save a run as a baseline",
		Long: `save copies a run, the latest if none is named, into the store of baselines.
A baseline is never overwritten.`,
		Example: "  bench baseline save --name before-shim",
		Args:    cli.Arguments(0, 1, "at most one run"),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := findRun(runs, first(args))
			if err != nil {
				return err
			}
			saved, err := baseline.Store{Dir: store}.Save(dir, name)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "saved %s as baseline %s in %s\n", dir, saved.Name, saved.Dir)
			return err
		},
	}
	c.Flags().StringVar(&name, "name", "", "`NAME` of the baseline (default: the run's ID)")
	addRuns(c, &runs)
	addStore(c, &store)
	return c
}

func newBaselineList() *cobra.Command {
	var store string
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the baselines",
		Example: "  bench baseline list",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			saved, err := baseline.Store{Dir: store}.List()
			if werr := listBaselines(c.OutOrStdout(), store, saved, asJSON); werr != nil {
				return werr
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON on standard output")
	addStore(c, &store)
	return c
}

// A savedListing is a baseline as --json shows it.
type savedListing struct {
	Name     string         `json:"name"`
	Dir      string         `json:"dir"`
	Run      string         `json:"run"` // ID
	Started  time.Time      `json:"started"`
	Saved    time.Time      `json:"saved"`
	Complete bool           `json:"complete"`
	Machine  record.Machine `json:"machine"`
}

func listedBaselines(saved []baseline.Saved) []savedListing {
	out := []savedListing{}
	for _, s := range saved {
		out = append(out, savedListing{s.Name, s.Dir, s.Run.ID, s.Run.Started, s.SavedAt, s.Finished, s.Run.Machine})
	}
	return out
}

func listBaselines(w io.Writer, store string, saved []baseline.Saved, asJSON bool) error {
	if asJSON {
		return writeJSON(w, listedBaselines(saved))
	}
	if len(saved) == 0 {
		_, err := fmt.Fprintf(w, "no baselines in %s; make one with: bench baseline save\n", store)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "baseline\tmeasured\tcells\tcomplete\tmachine")
	for _, s := range saved {
		complete := "yes"
		if !s.Finished {
			complete = "no"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s %s\n", s.Name, s.Run.Started.Local().Format(time.DateTime), len(s.Run.Cells),
			complete, s.Machine, s.Run.Machine.CPUModel)
	}
	return t.Flush()
}

func newBaselinePool() *cobra.Command {
	var runs, store string
	var names []string
	var asJSON bool
	c := &cobra.Command{
		Use:   "pool [RUN]",
		Short: "Set a run beside the nights that are stored",
		Long: `pool takes at least five baselines of one machine together, night by night, and says
where a further night is expected (99 %); a run, the latest if none is named, is set
beside that. What lies outside is no proof of a change: the night may have been
different. To prove one, run both builds as arms of one run.`,
		Example: "  bench baseline pool latest\n  bench baseline pool latest --night mon --night tue --night wed --night thu --night fri",
		Args:    cli.Arguments(0, 1, "at most one run"),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := findRun(runs, first(args))
			if err != nil {
				return err
			}
			placed, err := pool(baseline.Store{Dir: store}, dir, names)
			var differ *baseline.MachineError
			if errors.As(err, &differ) {
				return &status{exitInvalid, err}
			}
			if err != nil {
				return err
			}
			return showPool(c.OutOrStdout(), placed, asJSON)
		},
	}
	c.Flags().StringArrayVar(&names, "night", nil, "baseline `NAME` that takes part, at least five (default: all of this machine)")
	c.Flags().BoolVar(&asJSON, "json", false, "print the table as JSON on standard output")
	addRuns(c, &runs)
	addStore(c, &store)
	return c
}

// pool sets the run in dir beside the named nights, or all of its machine.
func pool(store baseline.Store, dir string, names []string) ([]baseline.Placed, error) {
	run, err := baseline.OpenNight(dir)
	if err != nil {
		return nil, err
	}
	var saved []baseline.Saved
	for _, name := range names {
		s, err := store.Find(name)
		if err != nil {
			return nil, err
		}
		saved = append(saved, s)
	}
	if len(names) == 0 {
		all, err := store.List()
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			if s.Run.Machine == run.Machine && s.Run.ID != run.Run {
				saved = append(saved, s)
			}
		}
	}
	var nights []baseline.Night
	for _, s := range saved {
		n, err := baseline.NightOf(s)
		if err != nil {
			return nil, err
		}
		nights = append(nights, n)
	}
	pooled, err := baseline.PoolNights(nights)
	if err != nil {
		return nil, err
	}
	return baseline.Place(pooled, nights[0], run)
}

func showPool(w io.Writer, placed []baseline.Placed, asJSON bool) error {
	if asJSON {
		return writeJSON(w, placed)
	}
	words := map[verdict.Outcome]string{verdict.Lower: "below", verdict.Higher: "above", verdict.Inconclusive: "within", "": "absent"}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "measurement\tunit\tnights\texpected (99 %)\tnight to night\tthis run\t")
	for _, p := range placed {
		night := "–"
		if p.Outcome != "" {
			night = fmt.Sprintf("%.4g", p.Night)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.4g [%.4g, %.4g]\t±%.2g %%\t%s\t%s\n", p.Name, p.Unit, p.Nights, p.Value, p.Low, p.High,
			100*p.Between, night, words[p.Outcome])
	}
	return t.Flush()
}

// addRuns and addStore add the flags of the commands that look things up.
func addRuns(c *cobra.Command, runs *string) {
	c.Flags().StringVar(runs, "runs", runsDir(), "`DIR` of the runs")
}

func addStore(c *cobra.Command, store *string) {
	c.Flags().StringVar(store, "store", baseline.DefaultStore().Dir, "`DIR` of the baselines")
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
