package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"lensbench/system/loader"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/ranks"
	"lensbench/system/safetensors"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// A Job is a run that is wanted.
type Job struct {
	Dir        string // of the run, see the package comment
	Settings   Settings
	Train      survey.Images
	Validation survey.Images
	Init       string // file of first weights, whose SHA-256 is in the settings; "": the formula

	// About says of the images what the trained network's manifest is to say:
	// Survey, BandNames and PixelScale.
	About trained.Manifest

	Workers int           // goroutines that read images
	Every   time.Duration // between checkpoints within an epoch; 0: after every step; negative: none
	Budget  int64         // most bytes that tensors may take together, which is enforced; 0: any
	Auto    bool          // take the fastest batch within Budget, whatever Settings.Batch is; not for a run that is resumed
	Trace   bool          // write digests of each step's gradients and weights, see TraceLine; a run that is resumed goes on with its trace
	Watch   Watcher       // nil: Silence

	// Team are the ranks that train together, each of which has this job; nil: this
	// process works alone. Rank 0 alone uses Dir, Init, Every, Trace and Watch.
	Team *ranks.Team

	write func(path string, s *State, tensors []safetensors.Source) error // writeCheckpoint, but in tests
}

// Start trains from the beginning.
func Start(ctx context.Context, j Job) (*Result, error) { return j.run(ctx, "") }

// Resume goes on from a checkpoint, LastName or BestName. Settings and images
// must be those of the run, but for the number of ranks.
func Resume(ctx context.Context, j Job, checkpoint string) (*Result, error) {
	return j.run(ctx, checkpoint)
}

// A run is a job in work.
type run struct {
	Job
	dir        *directory
	model      *model.Model
	at         torch.Place // of the steps
	state      State
	schedule   schedule
	train      *loader.Loader
	validation *loader.Loader
	journal    *journal
	engine     *engine

	pending []result // that were not read yet
	loss    float64  // of the last interval
	pace    pace
	saved   time.Time // when the last checkpoint was
	all     stopwatch // of the run, in this process
	epoch   stopwatch // of the epoch
	clock   stopwatch // of the interval
}

func (j Job) run(ctx context.Context, checkpoint string) (*Result, error) {
	r := &run{Job: j, pace: pace{now: time.Now}, all: stopwatch{begun: time.Now()}}
	if r.Team == nil {
		r.Team = &ranks.Team{}
	}
	if r.Watch == nil || !r.chief() {
		r.Watch = Silence
	}
	if r.write == nil {
		r.write = writeCheckpoint
	}
	defer r.Watch.Finish()
	if (r.Auto || r.Budget > 0) && !r.Team.Alone() {
		return nil, errors.New("a memory budget is for one process; ranks have a batch that is given")
	}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	lift, err := r.limitMemory()
	if err != nil {
		return nil, err
	}
	defer lift()
	if !r.chief() {
		return r.inSession(ctx, nil)
	}
	dir, err := openDirectory(j.Dir)
	if err != nil {
		return nil, err
	}
	defer dir.close()
	r.dir = dir
	c, err := r.open(checkpoint)
	if err != nil {
		return nil, err
	}
	if c != nil {
		defer c.Close()
	}
	if r.Auto {
		if err := r.chooseBatch(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.openLoaders(); err != nil {
		return nil, err
	}
	return r.inSession(ctx, c)
}

// prepare checks what can be known before anything is written.
func (r *run) prepare() (err error) {
	s := &r.Settings
	s.Ranks = 0
	if !r.Team.Alone() {
		s.Ranks = r.Team.World
	}
	if err := s.Check(); err != nil {
		return err
	}
	if err := s.Step.CheckExchange(); s.Ranks > 0 && err != nil {
		return err
	}
	if r.at, err = r.findPlace(); err != nil {
		return err
	}
	if r.state.Data, err = identifyBoth(r.Train, r.Validation); err != nil {
		return err
	}
	if r.model, err = model.New(s.Model, r.state.Data.Bands); err != nil {
		return err
	}
	for _, side := range append([]int{s.Input}, s.Step.Multi.Scales...) {
		if err := r.model.CheckSize(side, side); err != nil {
			return err
		}
	}
	if err := r.checkInit(); err != nil {
		return err
	}
	if r.Auto {
		s.Batch = min(FirstBatch, r.Train.Len())
	}
	if err := r.checkBatch(); err != nil {
		return err
	}
	return r.openLoaders()
}

// findPlace finds the device that this rank makes its steps on, before anything draws
// a random number.
func (r *run) findPlace() (p torch.Place, err error) {
	if r.Settings.Device != CUDA {
		return p, nil
	}
	all, err := torch.CUDAPlaces()
	if err != nil {
		return p, err
	}
	return all[r.Team.Local%len(all)], nil
}

// openLoaders makes what depends on the batch.
func (r *run) openLoaders() (err error) {
	s := &r.Settings
	if r.train, err = loader.New(r.Train, r.trainConfig(s.Batch)); err != nil {
		return err
	}
	r.validation, err = loader.New(r.Validation, loader.Config{Batch: s.Batch, Workers: r.Workers, Stretch: s.Stretch,
		Rank: r.Team.Rank, World: s.world()})
	if err != nil {
		return err
	}
	r.schedule, err = s.Sched.new(s.Rate, s.Epochs*r.stepsOfEpoch())
	return err
}

func (r *run) checkBatch() error {
	s, n := &r.Settings, r.Train.Len()
	switch {
	case n >= s.Batch*s.world():
		return nil
	case s.world() > 1:
		return fmt.Errorf("batch %d on each of %d ranks; there are only %d training images", s.Batch, s.world(), n)
	}
	return fmt.Errorf("batch %d; there are only %d training images", s.Batch, n)
}

// trainConfig says what the batches of this rank are.
func (r *run) trainConfig(batch int) loader.Config {
	s := &r.Settings
	augment := s.Augment
	return loader.Config{Batch: batch, Workers: r.Workers, Shuffle: true, Seed: s.Seed, DropLast: true,
		Augment: &augment, Stretch: s.Stretch, Rank: r.Team.Rank, World: s.world()}
}

// stepsOfEpoch is the number of steps of an epoch, with a last one of fewer
// micro-batches.
func (r *run) stepsOfEpoch() int {
	n := r.Settings.Step.MicroBatches()
	return (r.batchesOf(0) + n - 1) / n
}

// checkInit makes sure that the first weights are those of the network.
func (r *run) checkInit() error {
	if r.Init == "" || !r.chief() {
		return nil
	}
	f, err := openInit(r.Init, r.Settings.Init, r.model.Params)
	if err != nil {
		return err
	}
	return f.Close()
}

// open opens the checkpoint to go on from; without one it makes sure that the
// directory is free.
func (r *run) open(name string) (*checkpoint, error) {
	if err := r.dir.checkSpace(checkpointBytes(r.model.Params)); err != nil {
		return nil, err
	}
	if name == "" {
		return nil, r.dir.mustBeFree()
	}
	path := r.dir.file(name)
	c, err := openCheckpoint(path)
	if os.IsNotExist(err) {
		return nil, noRun(path)
	}
	if err != nil {
		return nil, err
	}
	if err := c.State.sameRun(r.Settings, r.state.Data); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.dir.complete() {
		c.Close()
		return nil, fmt.Errorf("%s: the run is complete: it is a trained network", r.Dir)
	}
	return c, nil
}

// inSession trains in a session of its own, from the beginning or from a
// checkpoint.
func (r *run) inSession(ctx context.Context, c *checkpoint) (result *Result, err error) {
	err = torch.Session{Threads: r.Settings.Threads}.Run(func(sc *torch.Scope) error {
		err := r.load(sc, c)
		defer r.unload()
		if err != nil {
			return err
		}
		for r.state.Ended == "" {
			if err := r.oneEpoch(ctx); err != nil {
				return err
			}
		}
		result, err = r.finish(ctx)
		return err
	})
	if err != nil && r.journal != nil {
		err = r.broken(err)
	}
	return result, err
}

// load makes the engine and opens the journal. What rank 0 has read, others get from
// it.
func (r *run) load(sc *torch.Scope, c *checkpoint) (err error) {
	machine := Machine{torch.Version(), torch.CPUCapability()}
	switch {
	case !r.chief():
		r.engine, err = newEngine(sc, r.at, r.model, &r.Settings, r.state.Data.Pixels, nn.Formula{Seed: r.Settings.Seed})
	case c == nil:
		err = r.begin(sc, machine)
	default:
		err = r.goOn(sc, c, machine)
	}
	if err == nil && r.chief() {
		r.engine.tracer, err = r.openTracer(c != nil)
	}
	if err == nil {
		err = r.unite(sc)
	}
	return err
}

// unload ends what load has begun.
func (r *run) unload() {
	if r.engine != nil {
		r.engine.tracer.end()
		r.engine.free()
	}
	r.journal.close()
}

// goOn makes a run what it was at a checkpoint.
func (r *run) goOn(sc *torch.Scope, c *checkpoint, machine Machine) (err error) {
	r.state = c.State
	if d := differences(machine, c.State.Machine); d != nil {
		r.Watch.Note(fmt.Sprintf("note: %s on this machine, so weights will differ in their last digits from those of an unbroken run", d[0]))
	}
	r.takeRanks()
	if err := restore(r.schedule, r.state.Schedule); err != nil {
		return err
	}
	if r.engine, err = newEngine(sc, r.at, r.model, &r.Settings, r.state.Data.Pixels, c); err != nil {
		return err
	}
	if err := r.engine.restore(c); err != nil {
		return err
	}
	if r.journal, err = resumeJournal(r.dir.file(JournalName), &r.state); err != nil {
		return err
	}
	r.Watch.Note("goes on from " + r.state.Where())
	return r.noteRun(resumeLine)
}

// takeRanks goes on with this number of ranks, whatever it was before.
func (r *run) takeRanks() {
	before, now := r.state.Settings.world(), r.Settings.world()
	if before == now {
		return
	}
	r.Watch.Note(fmt.Sprintf("note: goes on with %s after %s, so a step has %d images, not %d, and weights will differ from those of an unbroken run",
		counted(now), counted(before), now*r.Settings.Batch*r.Settings.Step.MicroBatches(), before*r.Settings.Batch*r.Settings.Step.MicroBatches()))
	r.state.regroup(r.Settings)
}

func counted(ranks int) string {
	if ranks == 1 {
		return "1 rank"
	}
	return fmt.Sprintf("%d ranks", ranks)
}

// begin begins a run. Its first checkpoint is that of no step: a run that is
// killed is always resumed in the same way.
func (r *run) begin(sc *torch.Scope, machine Machine) (err error) {
	r.state = State{Schema: StateSchema, Settings: r.Settings, Data: r.state.Data, Machine: machine, Schedule: r.schedule.state()}
	var src nn.Source = nn.Formula{Seed: r.Settings.Seed}
	if r.Init != "" {
		f, err := openInit(r.Init, r.Settings.Init, r.model.Params)
		if err != nil {
			return err
		}
		defer f.Close()
		src = f
	}
	if r.engine, err = newEngine(sc, r.at, r.model, &r.Settings, r.state.Data.Pixels, src); err != nil {
		return err
	}
	if r.journal, err = newJournal(r.dir.file(JournalName)); err != nil {
		return err
	}
	if err := r.noteRun(runLine); err != nil {
		return err
	}
	return r.save(LastName)
}

func (r *run) noteRun(kind string) error {
	s := &r.state
	return r.journal.write(RunLine{r.place(kind), now(), s.Settings.Hash(), s.Settings, s.Data, s.Machine})
}

func (r *run) place(kind string) Place { return Place{kind, r.state.Epoch, r.state.Step} }
