// Package fakeworker is a worker of the protocol that does no work and can be
// told to misbehave. Tests of the runner and of bench use it in place of
// `lens worker`, by running their own test binary again:
//
//	func TestMain(m *testing.M) {
//		fakeworker.Main() // does not return in a worker
//		os.Exit(m.Run())
//	}
//
// and a Command whose Argv is os.Args[0] and whose Env is Script.Env().
//
// It is not part of the product: bench does not import it.
package fakeworker

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"lensbench/protocol"
)

// key is the environment variable that makes a test binary a worker.
const key = "LENSBENCH_FAKEWORKER"

// A Script says how a fake worker behaves. The zero value is a good worker.
type Script struct {
	Name      string          // in hello; "" is "lens"
	Build     string          // in hello
	Libtorch  string          // version in hello; "" is "2.11.0"
	Iteration float64         // s that an iteration sleeps; 0 is 0.1 ms
	Slower    map[int]float64 // factor on Iteration, by the arm's setting "seed"
	Scatters  int             // the arm with this setting "seed" is four times as slow and four times as fast in turns, from process to process; 0 is none
	Turns     string          // file that counts those processes; needed with Scatters
	Weights   int64           // bytes of weights that it claims
	Wanders   int             // the arm with this setting "seed" has another memory peak in every process; 0 is none
	Devices   []protocol.Device
	Faults    []Fault

	// Scatter makes iterations take what they are to take but for this fraction,
	// whatever else the machine does: they sleep at least as long and say so much. 0:
	// they say what they took.
	Scatter float64
	Deaf    bool // a delay that is asked for is not made
	Old     bool // a delay is a setting that it does not know
}

// A Fault is one misbehaviour.
type Fault struct {
	Do    string // a key of faults
	At    string // operation
	Nth   int    // request of that operation in this process, from 1; 0 is 1
	Seed  int    // only in an arm with this setting "seed"; 0 is any
	Pass  string // only in this pass; "" is any
	Every bool   // at every request of the operation
}

// Env is the environment variable that hands the script to a worker.
func (s Script) Env() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain fields always marshal
	}
	return key + "=" + string(b)
}

// Main runs this process as a worker, if it was started as one, and exits.
func Main() {
	text, ok := os.LookupEnv(key)
	if !ok {
		return
	}
	w := &worker{out: os.Stdout, count: map[string]int{}}
	if err := json.Unmarshal([]byte(text), &w.script); err != nil {
		panic(err)
	}
	w.serve(os.Stdin)
	os.Exit(0)
}

// A worker is the state of the process.
type worker struct {
	script   Script
	out      io.Writer
	count    map[string]int // requests so far, by operation
	settings protocol.Settings
	pass     string
	factor   float64 // on the script's Iteration
	random   *rand.Rand
}

func (w *worker) serve(in io.Reader) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var req protocol.Request
		if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
			panic(err)
		}
		resp := w.answer(req)
		w.count[req.Op]++
		if f, ok := w.due(req.Op); !ok || f(w, &resp) {
			w.send(resp)
		}
		if req.Op == protocol.OpClose {
			return
		}
	}
}

// due returns the fault that this request meets.
func (w *worker) due(op string) (func(*worker, *protocol.Response) bool, bool) {
	for _, f := range w.script.Faults {
		if f.At == op && (f.Every || max(f.Nth, 1) == w.count[op]) &&
			(f.Seed == 0 || f.Seed == w.settings.Seed) && (f.Pass == "" || f.Pass == w.pass) {
			do, known := faults[f.Do]
			if !known {
				panic("no such fault: " + f.Do)
			}
			return do, true
		}
	}
	return nil, false
}

func (w *worker) send(resp protocol.Response) {
	b, err := json.Marshal(resp)
	if err != nil {
		panic(err)
	}
	w.out.Write(append(b, '\n'))
}

func (w *worker) answer(req protocol.Request) protocol.Response {
	resp := protocol.Response{ID: req.ID}
	switch req.Op {
	case protocol.OpHello:
		resp.Hello = w.hello()
	case protocol.OpPrepare:
		resp.Facts, resp.Error = w.prepare(req.Prepare)
	case protocol.OpSample:
		resp.Sample = w.sample(req.Sample)
	case protocol.OpVerify:
		resp.Outputs, resp.Error = w.verify(req.Verify)
	}
	return resp
}

func (w *worker) hello() *protocol.Hello {
	name, libtorch := w.script.Name, w.script.Libtorch
	if name == "" {
		name = "lens"
	}
	if libtorch == "" {
		libtorch = "2.11.0"
	}
	return &protocol.Hello{Protocol: protocol.Version, Worker: name, Build: w.script.Build,
		Libraries: map[string]string{"libtorch": libtorch}, Devices: w.script.Devices}
}

func (w *worker) prepare(p *protocol.Prepare) (*protocol.Facts, *protocol.Error) {
	s, err := protocol.DecodeSettings(p.Settings)
	if err != nil {
		return nil, err.(*protocol.Error)
	}
	if w.script.Old && s.Delay != 0 {
		return nil, &protocol.Error{Kind: protocol.UnknownSetting, Message: `setting "delay" is not known to this worker`}
	}
	w.settings, w.pass, w.factor = s, p.Pass, 1
	w.random = rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	if f := w.script.Slower[s.Seed]; f > 0 {
		w.factor = f
	}
	if !w.script.Deaf {
		w.factor *= 1 + s.Delay/100
	}
	if w.script.Scatters != 0 && w.script.Scatters == s.Seed && p.Pass == protocol.PassTime {
		w.factor = []float64{4, 0.25}[turn(w.script.Turns)%2]
	}
	return &protocol.Facts{Parameters: 10, WeightBytes: w.script.Weights, ItemsPerIteration: w.items(), Threads: 1}, nil
}

// turn returns how often it was called with this file before, in any process.
func turn(file string) int64 {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte{'.'}); err != nil {
		panic(err)
	}
	info, err := f.Stat()
	if err != nil {
		panic(err)
	}
	return info.Size() - 1
}

func (w *worker) items() int { return max(1, w.settings.Batch, w.settings.Images) }

func (w *worker) sample(r *protocol.SampleRequest) *protocol.Sample {
	for range r.Untimed {
		w.iterate()
	}
	s := &protocol.Sample{Items: r.Iterations * w.items(), CPU: 1e-6, RSSPeak: 1 << 20}
	began := time.Now()
	for range r.Iterations {
		s.Durations = append(s.Durations, w.iterate())
	}
	s.Wall = time.Since(began).Seconds()
	if w.script.Scatter > 0 {
		s.Wall = 0
		for _, d := range s.Durations {
			s.Wall += d
		}
	}
	if w.pass == protocol.PassMemory {
		s.TensorPeak = 1 << 16
		if w.script.Wanders != 0 && w.script.Wanders == w.settings.Seed {
			s.TensorPeak += int64(os.Getpid())
		}
		const activations = 1 << 12
		s.Memory = &protocol.Memory{AtPeak: protocol.Bytes{Weights: s.TensorPeak - activations, Activations: activations}, ActivationPeak: activations}
	}
	if w.pass == protocol.PassProfile {
		s.Profile = Profile(s.Wall)
	}
	return s
}

// Profile is one of work on one thread that took so many seconds, half of which two
// operators account for.
func Profile(wall float64) *protocol.Profile {
	return &protocol.Profile{Wall: wall, Busy: wall / 2, Threads: 1, Operators: []protocol.OperatorTime{
		{Name: "aten::mm", Calls: 3, Seconds: wall * 3 / 8}, {Name: "aten::relu", Calls: 2, Seconds: wall / 8}}}
}

func (w *worker) iterate() float64 {
	length := w.script.Iteration
	if length == 0 {
		length = 1e-4
	}
	length *= w.factor
	if w.script.Scatter > 0 {
		length *= 1 + w.script.Scatter*(2*w.random.Float64()-1)
		time.Sleep(time.Duration(length * float64(time.Second)))
		return length
	}
	began := time.Now()
	time.Sleep(time.Duration(length * float64(time.Second)))
	return time.Since(began).Seconds()
}

// verify returns outputs that have the form of those of a check.
func (w *worker) verify(r *protocol.VerifyRequest) (*protocol.Outputs, *protocol.Error) {
	if r == nil {
		return Outputs(1, 2, 3), nil
	}
	switch r.Check {
	case protocol.CheckGradients:
		out := Outputs(0.5, -4, 0.002)
		out.Digests = []string{"aaaa", "bbbb"}
		return out, nil
	case protocol.CheckDigests:
		return Parts("aaaa", "bbbb", "cccc"), nil
	case protocol.CheckFused:
		return Outputs(0.5, 0.25), nil
	case protocol.CheckNorms:
		return Outputs(1.5, 0.75, 2), nil
	case protocol.CheckWeights:
		return Outputs(0.1, -0.2), nil
	case protocol.CheckScores:
		return scores(r.Images), nil
	case protocol.CheckFinalQuality:
		return Rows([]protocol.Number{0.50, 0.52, 0.49, 0.51, 0.505}, []protocol.Number{0.90, 0.92, 0.89, 0.91, 0.905}, make([]protocol.Number, 5)), nil
	}
	return nil, &protocol.Error{Kind: protocol.Unsupported, Message: "this worker does not know the check " + r.Check}
}

// scores are those of so many images, in turns none and lenses, all right: but a little
// more for the first and it is taken for a lens, before the second, which is one.
func scores(images int) *protocol.Outputs {
	rows := [3][]protocol.Number{}
	for i := range images {
		lens := protocol.Number(i % 2)
		rows[0], rows[1], rows[2] = append(rows[0], 4*lens-2), append(rows[1], 0), append(rows[2], lens)
	}
	rows[0][0], rows[0][1] = -0.05, 0
	return Rows(rows[:]...)
}

// Parts are digests of parts with their true digest, and no values.
func Parts(digests ...string) *protocol.Outputs {
	sum := sha256.Sum256([]byte(strings.Join(digests, "\n") + "\n"))
	return &protocol.Outputs{Digest: hex.EncodeToString(sum[:]), Digests: digests}
}

// Rows are rows of values, all of one length, with their true digest.
func Rows(rows ...[]protocol.Number) *protocol.Outputs {
	out := Outputs(slices.Concat(rows...)...)
	out.Shape = []int{len(rows), len(rows[0])}
	return out
}

// Outputs are values with their true digest.
func Outputs(values ...protocol.Number) *protocol.Outputs {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
	}
	sum := sha256.Sum256(b)
	return &protocol.Outputs{Digest: hex.EncodeToString(sum[:]), Shape: []int{len(values)}, Values: values}
}
