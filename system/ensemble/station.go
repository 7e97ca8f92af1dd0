package ensemble

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lensbench/system/loader"
	"lensbench/system/nn"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/torch"

	"golang.org/x/sync/errgroup"
)

// A station is one torch session with members that take turns in it: the whole
// ensemble of the schedules Sequential and BatchMajor, one member of Threads.
type station struct {
	lane    *nn.Lane
	members []*network
	images  survey.Images
	stretch stretch.Stretch
	loading loader.Config
	loader  *loader.Loader
	order   Schedule // BatchMajor, else member after member
}

func openStation(c Config, images survey.Images, members []*network, threads int) (*station, error) {
	loading := loader.Config{Batch: c.Batch, Workers: c.Workers, Prefetch: c.Prefetch}
	ld, err := loader.New(images, loading)
	if err != nil {
		return nil, err
	}
	session := torch.Session{Threads: threads, Inference: true}
	if c.Schedule == Streams {
		session.Stream = members[0].Params.Place
	}
	lane, err := nn.OpenLane(session)
	if err != nil {
		return nil, err
	}
	s := &station{lane: lane, members: members, images: images, stretch: c.stretch, loading: loading, loader: ld, order: c.Schedule}
	err = lane.Do(func(sc *torch.Scope) error {
		for _, m := range members {
			if err := m.load(sc); err != nil {
				return fmt.Errorf("member %s: %w", m.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *station) score(logits [][]float32) error {
	return s.lane.Do(func(sc *torch.Scope) error {
		return s.pass(sc, func(sc *torch.Scope, m int, images []int, x *torch.Tensor) error {
			return s.forward(sc, m, x).CopyFloat32(logits[m][images[0]:][:len(images)])
		})
	})
}

// of is the station with other images.
func (s *station) of(p Part) (*station, error) {
	images, err := p.open()
	if err != nil {
		return nil, err
	}
	own := *s
	own.images = standardised{images, s.stretch}
	own.loader, err = loader.New(own.images, s.loading)
	return &own, err
}

func (s *station) other(p Part, logits [][]float32) error {
	own, err := s.of(p)
	if err != nil {
		return err
	}
	return own.score(logits)
}

// query passes images through the members, one after another.
func (s *station) query(first, count int, logits [][]float32) error {
	return s.lane.Do(func(sc *torch.Scope) error {
		x, err := s.read(sc, first, count)
		if err != nil {
			return err
		}
		return s.all(sc, func(sc *torch.Scope, m int, _ []int, x *torch.Tensor) error {
			return s.forward(sc, m, x).CopyFloat32(logits[m])
		}, nil, x)
	})
}

// read returns images of the row that repeats them, [count bands side side].
func (s *station) read(sc *torch.Scope, first, count int) (*torch.Tensor, error) {
	bands, side, _ := s.images.Shape()
	each := bands * side * side
	pixels := make([]float32, count*each)
	for i := range count {
		if err := s.images.Read((first+i)%s.images.Len(), pixels[i*each:][:each]); err != nil {
			return nil, err
		}
	}
	return sc.FromFloat32(pixels, int64(count), int64(bands), int64(side), int64(side)), nil
}

// A visit is what a member does with a batch, images [N bands side side] of these
// numbers, which follow one another. Its scope ends with it.
type visit func(sc *torch.Scope, m int, images []int, x *torch.Tensor) error

// pass has every member visit every batch, in the order of the schedule.
func (s *station) pass(sc *torch.Scope, v visit) error {
	if s.order == BatchMajor {
		return s.batches(sc, func(images []int, x *torch.Tensor) error { return s.all(sc, v, images, x) })
	}
	for m := range s.members {
		err := s.batches(sc, func(images []int, x *torch.Tensor) error { return one(sc, v, m, images, x) })
		if err != nil {
			return err
		}
	}
	return nil
}

// all has every member visit a batch.
func (s *station) all(sc *torch.Scope, v visit, images []int, x *torch.Tensor) error {
	for m := range s.members {
		if err := one(sc, v, m, images, x); err != nil {
			return err
		}
	}
	return nil
}

func one(sc *torch.Scope, v visit, m int, images []int, x *torch.Tensor) (err error) {
	sc.Scoped(func(sc *torch.Scope) { err = v(sc, m, images, x) })
	return err
}

// batches decodes all images, once, and hands them on batch by batch.
func (s *station) batches(sc *torch.Scope, do func(images []int, x *torch.Tensor) error) error {
	stream := s.loader.Epoch(context.Background(), 0, 0)
	defer stream.Close()
	bands, side, _ := s.images.Shape()
	for {
		b, err := stream.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		x := sc.FromFloat32(b.Pixels, int64(len(b.Index)), int64(bands), int64(side), int64(side))
		err = do(b.Index, x)
		x.Free()
		if err != nil {
			return err
		}
		stream.Release(b)
	}
}

// forward passes a batch through a member, where that is, to logits [N].
func (s *station) forward(sc *torch.Scope, m int, x *torch.Tensor) *torch.Tensor {
	net := s.members[m]
	in := resize(sc, sc.Move(x, net.Params.Place), net.input)
	y := net.forward(sc, in)
	if in != x {
		in.Free()
	}
	return y
}

// resize returns x itself if it has the right side already.
func resize(sc *torch.Scope, x *torch.Tensor, side int) *torch.Tensor {
	if x.Shape()[2] == int64(side) {
		return x
	}
	return sc.UpsampleBilinear2DAntialias(x, side, side)
}

func (s *station) threads() int { return s.lane.Threads() }

func (s *station) close() error {
	for _, m := range s.members {
		m.free()
	}
	return s.lane.Close()
}

// A concurrent is a station for each member, all at once.
type concurrent []*station

func openConcurrent(c Config, images survey.Images, members []*network, threads []int) (concurrent, error) {
	var all concurrent
	for i := range members {
		s, err := openStation(c, images, members[i:i+1], threads[i])
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (all concurrent) score(logits [][]float32) error {
	var g errgroup.Group
	for i, s := range all {
		g.Go(func() error { return s.score(logits[i : i+1]) })
	}
	return g.Wait()
}

func (all concurrent) other(p Part, logits [][]float32) error {
	var g errgroup.Group
	for i, s := range all {
		g.Go(func() error { return s.other(p, logits[i:i+1]) })
	}
	return g.Wait()
}

func (all concurrent) query(first, count int, logits [][]float32) error {
	var g errgroup.Group
	for i, s := range all {
		g.Go(func() error { return s.query(first, count, logits[i:i+1]) })
	}
	return g.Wait()
}

func (all concurrent) threads() int {
	n := 0
	for _, s := range all {
		n += s.threads()
	}
	return n
}

func (all concurrent) close() error {
	var errs []error
	for _, s := range all {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}
