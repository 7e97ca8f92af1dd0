package worker

import (
	"errors"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"lensbench/protocol"
	"lensbench/torch"
)

// passes are those that work can be prepared for.
var passes = []string{protocol.PassTime, protocol.PassMemory, protocol.PassProfile}

func (s *Server) prepare(p *protocol.Prepare) (*protocol.Facts, error) {
	if p == nil {
		return nil, refuse(protocol.BadRequest, "prepare without its object")
	}
	begin := time.Now()
	settings, err := decode(p.Settings)
	if err != nil {
		return nil, err
	}
	if err := s.discard(); err != nil {
		return nil, err
	}
	if err := s.enter(p.Pass, settings); err != nil {
		return nil, err
	}
	s.cache = p.Cache
	if s.work, err = s.open(settings, p); err != nil {
		s.work = nil
		return nil, err
	}
	if err := s.prepared(); err != nil {
		return nil, err
	}
	s.delay = settings.Delay / 100
	quietCollector()
	facts := s.work.facts()
	facts.LoadSeconds, facts.PrepareSeconds = s.loaded, time.Since(begin).Seconds()
	return &facts, nil
}

// enter prepares the process for a pass. What counts memory in the time pass, as its
// settings want, is slower for it, and that is then part of the time.
func (s *Server) enter(pass string, c protocol.Settings) error {
	s.counts, s.looks = pass == protocol.PassMemory, pass == protocol.PassProfile
	if s.counts && c.Device == protocol.DeviceCUDA {
		return refuse(protocol.Unsupported, "pass memory on a CUDA device: tensors are counted on the CPU alone; of training, device_peak is in every sample")
	}
	if !slices.Contains(passes, pass) {
		return refuse(protocol.BadRequest, "unknown pass %q, want %s", pass, strings.Join(passes, ", "))
	}
	if s.looks {
		if err := checkProfile(c); err != nil {
			return err
		}
	}
	why := counting(pass, c)
	switch {
	case why != "":
		return countMemory(why, budgetBytes(c))
	case torch.CountingMemory():
		return refuse(protocol.BadRequest, "pass %s needs a process of its own: this one counts memory", pass)
	}
	return nil
}

// counting says what counts memory, "" if nothing does. A device's own allocator counts
// always.
func counting(pass string, c protocol.Settings) string {
	switch {
	case c.Device == protocol.DeviceCUDA:
		return ""
	case pass == protocol.PassMemory:
		return "pass memory"
	case c.Budget > 0:
		return "a budget"
	case c.Monitor == monitorAllocator:
		return "monitor " + monitorAllocator
	}
	return ""
}

// countMemory counts memory from now on, under a limit in bytes; 0: none.
func countMemory(why string, limit int64) error {
	if err := torch.CountMemory(); err != nil {
		return refuse(protocol.BadRequest, "%s needs a process of its own: %v", why, err)
	}
	torch.ResetPeak()
	return torch.LimitMemory(limit)
}

func (s *Server) open(c protocol.Settings, p *protocol.Prepare) (work, error) {
	if c.Compile {
		return nil, refuse(protocol.Unsupported, "compile: torch.compile needs Python; it is for arms of the worker pytorch")
	}
	if c.Engine != "" {
		return nil, refuse(protocol.Unsupported, "engine: %s; lens computes by itself, or by a plan; engines are for arms of the worker pytorch", c.Engine)
	}
	switch c.Kind {
	case kindInference:
		n, err := openInference(c, p.Cache)
		if err != nil {
			return nil, err
		}
		return openServing(n, c)
	case kindTrain:
		return s.openTraining(c, p.Cache)
	case kindEnsemble:
		n, err := s.openEnsemble(c, p.Cache)
		if err != nil {
			return nil, err
		}
		return openServing(n, c)
	case kindNull:
		return null{}, nil
	}
	return nil, errors.New("kind " + c.Kind + " is in the list of kinds but not here")
}

// quietCollector collects Go's garbage now, and then not before as much of it
// has come together as no run of samples makes: a forward pass leaves a few
// kilobytes, in the wrappers of tensors.
func quietCollector() {
	const allowance = 64 << 20 // bytes
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(int64(m.Sys-m.HeapReleased) + allowance)
}
