package ensemble

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lensbench/system/decoded"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/plan"
	"lensbench/system/script"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/system/usage"
	"lensbench/torch"
)

// A Schedule says in which order, and how much at once, members score images.
type Schedule string

// The schedules of the package comment.
const (
	Sequential Schedule = "sequential"
	BatchMajor Schedule = "batch-major"
	Threads    Schedule = "threads"
	Processes  Schedule = "processes"
	Stacked    Schedule = "stacked"
	Streams    Schedule = "streams"
)

var schedules = []Schedule{Sequential, BatchMajor, Threads, Processes, Stacked, Streams}

// A Config describes an ensemble.
type Config struct {
	Members   []string // models, in the order of the logits
	Schedule  Schedule
	Dir       string    // images (survey.OpenImages)
	Images    int       // the first so many of them are scored
	Batch     int       // images per forward pass, at least 1; the last batch may be smaller
	Resident  bool      // images are decoded by Open, and stay in memory
	Workers   int       // goroutines that decode ahead, of each member that scores by itself; 0: what is wanted is decoded when it is
	Prefetch  int       // batches that may be ready or in work beside the one in use; 0: 2 per worker
	Threads   int       // compute threads for all members together; 0: libtorch's default
	Seed      uint64    // of the formula that weights come from; members of one name have different ones
	Device    string    // what members compute on, CPU or CUDA; "": CPU
	Placement Placement // on which CUDA devices; "": One
	Passes    int       // Monte-Carlo passes with dropout of every member, for Fuse; 0: one without
	Aggregate string    // how Fuse does it, one of Aggregates; "": it is not asked to
	Command   []string  // starts a member process, see ServeMember; for Processes

	Script string       // what is TorchScript, one of Scripts; "": nothing
	State  script.State // of the scripts

	Trained     []string       // directories of networks that were trained (package trained), one for each member; nil: weights are of the formula
	Plan        plan.Precision // what each member is made into first; "": nothing
	Calibration int            // images behind the scored ones that show int8 plans their ranges, of members that are not trained

	stretch     stretch.Stretch // of the images, as the members want it
	CountMemory bool            // member processes count the bytes of their tensors; for Processes
}

// An Ensemble is a set of loaded members, ready to score. Its methods are for
// one goroutine.
type Ensemble struct {
	config    Config
	models    []*model.Model
	networks  []*network
	execution execution

	weights []int64 // bytes of the members' weights on each device
}

// An execution is how a schedule is carried out.
type execution interface {
	// score fills logits[member][image].
	score(logits [][]float32) error
	// query fills logits[member][i] for images first+i of a row without end that repeats
	// the images, count of them.
	query(first, count int, logits [][]float32) error
	// other fills logits[member][image] for images of another data set.
	other(p Part, logits [][]float32) error
	// threads returns the compute threads of all members, read back.
	threads() int
	close() error
}

// Open loads the members. The caller closes the ensemble.
func Open(c Config) (*Ensemble, error) {
	images, err := survey.OpenImages(c.Dir)
	if err != nil {
		return nil, err
	}
	if err := c.check(images); err != nil {
		return nil, err
	}
	e := &Ensemble{config: c}
	bands, _, _ := images.Shape()
	for _, name := range c.Members {
		m, err := model.New(name, bands)
		if err != nil {
			return nil, err
		}
		e.models = append(e.models, m)
	}
	if err := e.place(); err != nil {
		return nil, err
	}
	if e.networks, err = e.openNetworks(images); err != nil {
		return nil, err
	}
	c.stretch, e.config.stretch = e.networks[0].stretch(), e.networks[0].stretch()
	images = standardised{survey.First(images, c.Images), c.stretch}
	if c.Resident && c.Schedule != Processes {
		if images, err = resident(images); err != nil {
			return nil, err
		}
	}
	if e.execution, err = e.open(images); err != nil {
		return nil, err
	}
	return e, nil
}

// place puts the members on devices.
func (e *Ensemble) place() error {
	devices, err := devicesOf(e.config.Device)
	if err != nil {
		return err
	}
	var sizes []Size
	for _, m := range e.models {
		sizes = append(sizes, Size{m.Name, m.Params.Bytes()})
	}
	how := e.config.Placement
	if how == "" {
		how = One
	}
	on, err := Place(how, sizes, devices)
	if err != nil {
		return err
	}
	e.weights = make([]int64, len(devices))
	for m, d := range on {
		e.models[m].Params.Place = torch.Place{CUDA: e.config.Device == CUDA, Index: d}
		e.weights[d] += sizes[m].Bytes
	}
	return nil
}

// standardised are images as members see them, but for their size.
type standardised struct {
	survey.Images
	how stretch.Stretch
}

func (s standardised) Read(i int, dst []float32) error {
	if err := s.Images.Read(i, dst); err != nil {
		return err
	}
	bands, _, _ := s.Shape()
	s.how.Apply(dst, bands)
	return nil
}

// resident decodes images and keeps them.
func resident(images survey.Images) (survey.Images, error) {
	store := decoded.InMemory(images)
	bands, height, width := images.Shape()
	one := make([]float32, bands*height*width)
	for i := range images.Len() {
		if err := store.Read(i, one); err != nil {
			return nil, err
		}
	}
	return store, nil
}

func (c Config) check(images survey.Images) error {
	_, height, width := images.Shape()
	switch {
	case len(c.Members) == 0:
		return errors.New("ensemble without members")
	case !slices.Contains(schedules, c.Schedule):
		return fmt.Errorf("unknown schedule %q, want one of %s", c.Schedule, strings.Trim(fmt.Sprint(schedules), "[]"))
	case c.Images < 1 || c.Images > images.Len():
		return fmt.Errorf("%d images to score, %s has %d", c.Images, c.Dir, images.Len())
	case height != width:
		return fmt.Errorf("images of %d×%d pixels in %s, want square ones", height, width, c.Dir)
	case c.Batch < 1:
		return fmt.Errorf("batches of %d images, want 1 or more", c.Batch)
	case c.Threads < 0:
		return fmt.Errorf("%d threads, want 1 or more, or 0 for the default", c.Threads)
	case c.Workers < 0 || c.Prefetch < 0:
		return fmt.Errorf("%d workers, %d batches of prefetch; none can be negative", c.Workers, c.Prefetch)
	}
	if err := c.checkDevice(); err != nil {
		return err
	}
	if err := errors.Join(c.checkPlan(), c.checkScript()); err != nil {
		return err
	}
	return c.checkAggregate()
}

func (c Config) checkDevice() error {
	switch {
	case c.Device != "" && c.Device != CPU && c.Device != CUDA:
		return fmt.Errorf("unknown device %q, want %s or %s", c.Device, CPU, CUDA)
	case c.Device == CUDA && (c.Schedule == Processes || c.Schedule == Stacked || c.Aggregate != ""):
		return fmt.Errorf("device %s is for schedules %s, %s, %s and %s, without aggregate", CUDA, Sequential, BatchMajor, Threads, Streams)
	case c.Device != CUDA && c.Schedule == Streams:
		return fmt.Errorf("schedule %s is for device %s", Streams, CUDA)
	}
	return nil
}

func (c Config) checkPlan() error {
	switch {
	case c.Trained != nil && len(c.Trained) != len(c.Members):
		return fmt.Errorf("%d trained networks for %d members; want one for each", len(c.Trained), len(c.Members))
	case c.Plan == "":
		return nil
	case c.Device == CUDA || c.Schedule == Stacked:
		return fmt.Errorf("plan %s is for members on the CPU, each by itself: not for device %s or schedule %s", c.Plan, CUDA, Stacked)
	}
	if _, err := plan.Parse(string(c.Plan)); err != nil {
		return err
	}
	return c.checkDropout(fmt.Sprintf("plan %s", c.Plan))
}

func (c Config) checkAggregate() error {
	switch {
	case c.Passes < 0:
		return fmt.Errorf("%d Monte-Carlo passes, want 0 or more", c.Passes)
	case c.Aggregate == "" && c.Passes > 0:
		return fmt.Errorf("%d Monte-Carlo passes want an aggregate, one of %v", c.Passes, Aggregates)
	case c.Aggregate == "":
		return nil
	case !slices.Contains(Aggregates, c.Aggregate):
		return fmt.Errorf("unknown aggregate %q, want one of %v", c.Aggregate, Aggregates)
	case c.Schedule != Sequential && c.Schedule != BatchMajor:
		return fmt.Errorf("aggregate %s is for members that take turns, schedule %s or %s, not %s", c.Aggregate, Sequential, BatchMajor, c.Schedule)
	case c.Aggregate == Weighted && c.Passes < 2:
		return fmt.Errorf("aggregate %s weighs members by the variances of their Monte-Carlo passes; want 2 or more", Weighted)
	case len(c.Members)*max(c.Passes, 1) < 2:
		return fmt.Errorf("aggregate %s of one logit, which has no variance; want several members or passes", c.Aggregate)
	}
	return nil
}

func (e *Ensemble) open(images survey.Images) (execution, error) {
	threads := e.config.Threads
	if threads == 0 {
		threads = torch.DefaultThreads()
	}
	switch e.config.Schedule {
	case Threads, Streams:
		return openConcurrent(e.config, images, e.networks, e.shares(threads))
	case Processes:
		return openProcesses(e.config, e.shares(threads))
	case Stacked:
		return openStack(e.config, images, e.networks, threads)
	default:
		return openStation(e.config, images, e.networks, threads)
	}
}

// seed returns the seed of a member's weights: the ensemble's for the first of its name.
func (c Config) seed(member int) uint64 {
	before := 0
	for _, name := range c.Members[:member] {
		if name == c.Members[member] {
			before++
		}
	}
	if before == 0 {
		return c.Seed
	}
	return nn.SubSeed(c.Seed, before)
}

// shares returns the threads of each member.
func (e *Ensemble) shares(threads int) []int {
	var costs []float64
	for _, n := range e.networks {
		costs = append(costs, n.Cost(n.input).FLOP())
	}
	return share(threads, costs)
}

// Score scores the images: the logit of image i by member m is at [m][i].
func (e *Ensemble) Score() ([][]float32, error) {
	logits := e.logits(e.config.Images)
	return logits, e.execution.score(logits)
}

// Query scores count images together, those from number first on of a row without end
// that repeats the ensemble's: the logit of its image i by member m is at [m][i]. With
// the schedules Sequential and BatchMajor members take turns.
func (e *Ensemble) Query(first, count int) ([][]float32, error) {
	logits := e.logits(count)
	return logits, e.execution.query(first, count, logits)
}

// A Part is the first images of a part of a data set.
type Part struct {
	Dir    string // of the data set (survey.OpenImages)
	Name   string // of the part (survey.Part)
	Images int
}

func (p Part) open() (survey.Images, error) {
	all, err := survey.OpenImages(p.Dir)
	if err != nil {
		return nil, err
	}
	images, err := survey.Part(all, p.Name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Dir, err)
	}
	if p.Images < 1 || p.Images > images.Len() {
		return nil, fmt.Errorf("%d images of part %s of %s, which has %d", p.Images, p.Name, p.Dir, images.Len())
	}
	return survey.First(images, p.Images), nil
}

// ScorePart is Score of other images, of the same shape: by the same members, in the
// same schedule and batches.
func (e *Ensemble) ScorePart(p Part) ([][]float32, error) {
	logits := e.logits(p.Images)
	return logits, e.execution.other(p, logits)
}

func (e *Ensemble) logits(images int) [][]float32 {
	logits := make([][]float32, len(e.models))
	for i := range logits {
		logits[i] = make([]float32, images)
	}
	return logits
}

// Weights returns the bytes of the members' weights on each device.
func (e *Ensemble) Weights() []int64 { return slices.Clone(e.weights) }

// Models returns the members.
func (e *Ensemble) Models() []*model.Model { return e.models }

// Threads returns the compute threads of all members together, read back from
// libtorch. It exceeds Config.Threads where members that run at once are more.
func (e *Ensemble) Threads() int { return e.execution.threads() }

// Close ends the members and frees their weights.
func (e *Ensemble) Close() error { return e.execution.close() }

// Children returns what member processes have used so far, and the sum of the
// peaks of their tensor bytes since [Ensemble.ResetPeaks]: an upper bound of
// their common peak, as each reaches its own at another moment. It is nothing
// without member processes.
func (e *Ensemble) Children() (used usage.Usage, peaks torch.Peaks, err error) {
	if p, ok := e.execution.(processes); ok {
		return p.usage()
	}
	return usage.Usage{}, torch.Peaks{}, nil
}

// ResetPeaks makes the peaks of member processes start from what is live now.
func (e *Ensemble) ResetPeaks() error {
	if p, ok := e.execution.(processes); ok {
		return p.resetPeaks()
	}
	return nil
}
