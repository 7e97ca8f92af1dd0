package torch_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// scaledSource is a script with the weight layer.0.w and functions of one tensor and of two.
const scaledSource = `
def forward(self, x):
    return torch.linear(x, getattr(self.layer, "0").w, None)

def both(self, x):
    y = self.forward(x)
    return y, torch.neg(y)
`

// newScaled returns the script with a weight of two times the identity.
func newScaled(t testing.TB, sc *torch.Scope) *torch.Script {
	t.Helper()
	s, err := torch.NewScript("Scaled")
	if err != nil {
		t.Fatal(err)
	}
	w := sc.FromFloat32([]float32{2, 0, 0, 2}, 2, 2)
	if err := errors.Join(s.Set("layer.0.w", w, torch.Parameter), s.Define(scaledSource)); err != nil {
		t.Fatal(err)
	}
	w.Free() // the script keeps it
	return s
}

// TestScript: what is compiled runs, as it is, frozen, optimised, and read back.
func TestScript(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		before := torch.LiveTensors()
		x := vec2(sc, 1, 3)
		s := newScaled(t, sc)
		defer s.Free()
		two := s.Run(sc, "both", x)
		if len(two) != 2 || !slices.Equal(floats(t, two[0]), []float32{2, 6}) || !slices.Equal(floats(t, two[1]), []float32{-2, -6}) {
			t.Errorf("both: %v", two)
		}
		two[0].Free()
		two[1].Free()
		path := filepath.Join(t.TempDir(), "s.pt")
		same := func(state string, s *torch.Script) {
			for range 3 { // the first runs profile
				y := s.Forward(sc, x)
				if got := floats(t, y); !slices.Equal(got, []float32{2, 6}) {
					t.Errorf("%s: %v, want 2, 6", state, got)
				}
				y.Free()
			}
		}
		for _, c := range []struct {
			state  string
			change func() error
		}{
			{"as compiled", func() error { return nil }},
			{"frozen", s.Freeze},
			{"optimised", s.Optimise},
		} {
			if err := c.change(); err != nil {
				t.Fatalf("%s: %v", c.state, err)
			}
			same(c.state, s)
			if c.state == "optimised" {
				continue
			}
			if err := s.WriteFile(path); err != nil {
				t.Fatal(err)
			}
			read, err := torch.LoadScript(path)
			if err != nil {
				t.Fatal(err)
			}
			same(c.state+", read back", read)
			read.Free()
		}
		x.Free()
		if n := torch.LiveTensors() - before; n != 0 {
			t.Errorf("%d tensors are left", n)
		}
	})
}

// TestScriptGraph: frozen, the weight is a constant and getattr is gone.
func TestScriptGraph(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		s := newScaled(t, sc)
		defer s.Free()
		for _, frozen := range []bool{false, true} {
			if frozen {
				if err := s.Freeze(); err != nil {
					t.Fatal(err)
				}
			}
			g, err := s.Graph("forward")
			if err != nil || !strings.Contains(g, "aten::linear") || strings.Contains(g, "prim::GetAttr") == frozen {
				t.Errorf("frozen %v: %v\n%s", frozen, err, g)
			}
		}
		if _, err := s.Graph("both"); !errors.Is(err, torch.ErrArgument) {
			t.Errorf("a function that freezing dropped: %v", err)
		}
	})
}

// TestScriptShared: sessions run one script at the same time.
func TestScriptShared(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		s := newScaled(t, sc)
		defer s.Free()
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() {
				err := torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
					for range 50 {
						if got := floats(t, s.Forward(sc, vec2(sc, float32(i), 1))); !slices.Equal(got, []float32{2 * float32(i), 2}) {
							t.Errorf("%v", got)
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	})
}

func TestScriptMemory(t *testing.T) { child(t, "script") }

// scriptMemory: a script that is freed leaves nothing, whatever was made of it.
func scriptMemory() error {
	return torch.Session{Inference: true}.Run(func(sc *torch.Scope) error {
		for _, change := range []func(*torch.Script) error{nil, (*torch.Script).Freeze, (*torch.Script).Optimise} {
			s, err := torch.NewScript("Big")
			if err != nil {
				return err
			}
			w := sc.Ones(torch.Float32, 1000, 1000)
			err = errors.Join(s.Set("w", w, torch.Buffer), s.Define("def forward(self, x):\n    return torch.mv(self.w, x)"))
			w.Free()
			if now, _ := torch.Memory(); err == nil && now != 4e6 {
				err = fmt.Errorf("%d bytes live, want the weight's", now)
			}
			if err == nil && change != nil {
				err = change(s)
			}
			if err != nil {
				return err
			}
			sc.Scoped(func(sc *torch.Scope) {
				for range 3 {
					s.Forward(sc, sc.Ones(torch.Float32, 1000))
				}
			})
			s.Free()
			if now, _ := torch.Memory(); now != 0 {
				return fmt.Errorf("%d bytes live after the script was freed", now)
			}
		}
		return nil
	})
}

func TestScriptErrors(t *testing.T) {
	nothing := filepath.Join(t.TempDir(), "nothing.pt")
	broken := filepath.Join(t.TempDir(), "broken.pt")
	if err := os.WriteFile(broken, []byte("not a script"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		do   func(sc *torch.Scope, s *torch.Script) error
		kind torch.Kind
		want string
	}{
		"syntax":       {func(_ *torch.Scope, s *torch.Script) error { return s.Define("def f(self):\n    return )") }, torch.ErrInvalid, "expected ident but found ')' here"},
		"unknown name": {func(_ *torch.Scope, s *torch.Script) error { return s.Define("def f(self, x):\n    return y") }, torch.ErrInvalid, "undefined value y"},
		"no operator": {func(_ *torch.Scope, s *torch.Script) error {
			return s.Define("def f(self, x):\n    return torch.nothing(x)")
		}, torch.ErrInvalid, "Unknown builtin op: aten::nothing"},
		"no attribute":  {func(_ *torch.Scope, s *torch.Script) error { return s.Define("def f(self, x):\n    return self.v") }, torch.ErrInvalid, "object has no attribute or method 'v'"},
		"defined twice": {func(_ *torch.Scope, s *torch.Script) error { return s.Define(scaledSource) }, torch.ErrInvalid, "forward"},
		"taken":         {func(sc *torch.Scope, s *torch.Script) error { return s.Set("layer.0.w", vec(sc, 1), torch.Buffer) }, torch.ErrArgument, "set layer.0.w of a script: the name is taken"},
		"empty name":    {func(sc *torch.Scope, s *torch.Script) error { return s.Set("layer.", vec(sc, 1), torch.Buffer) }, torch.ErrArgument, "a part of the name is empty"},
		"nil tensor":    {func(_ *torch.Scope, s *torch.Script) error { return s.Set("a", nil, torch.Buffer) }, torch.ErrArgument, "tensor is nil"},
		"no function":   {func(sc *torch.Scope, s *torch.Script) error { s.Run(sc, "backward", vec2(sc, 1, 2)); return nil }, torch.ErrArgument, "run backward of a script: has no function backward"},
		"inputs":        {func(sc *torch.Scope, s *torch.Script) error { s.Forward(sc); return nil }, torch.ErrInvalid, "missing value for argument 'x'"},
		"operator":      {func(sc *torch.Scope, s *torch.Script) error { s.Forward(sc, vec(sc, 1, 2, 3)); return nil }, torch.ErrInvalid, "mat"},
		"no tensor": {func(sc *torch.Scope, s *torch.Script) error {
			if err := s.Define("def f(self, x):\n    return 7"); err != nil {
				return err
			}
			s.Run(sc, "f", vec(sc, 1))
			return nil
		}, torch.ErrNotImplemented, "returns Int, want a tensor"},
		"no file":   {func(*torch.Scope, *torch.Script) error { _, err := torch.LoadScript(nothing); return err }, torch.ErrInvalid, "nothing.pt"},
		"no script": {func(*torch.Scope, *torch.Script) error { _, err := torch.LoadScript(broken); return err }, torch.ErrInvalid, "broken.pt"},
		"no directory": {func(_ *torch.Scope, s *torch.Script) error { return s.WriteFile(filepath.Join(nothing, "s.pt")) }, torch.ErrArgument,
			"no such file or directory"},
		"freed": {func(sc *torch.Scope, s *torch.Script) error {
			s.Free()
			s.Free()
			s.Forward(sc, vec2(sc, 1, 2))
			return nil
		}, torch.ErrUseAfterFree,
			"run forward of a script: the script was freed"},
		"frozen after it was freed": {func(_ *torch.Scope, s *torch.Script) error { s.Free(); return s.Freeze() }, torch.ErrUseAfterFree, "freeze script: the script was freed"},
	} {
		torchtest.Run(t, func(sc *torch.Scope) {
			s := newScaled(t, sc)
			defer s.Free()
			var err error
			if failure := sc.Try(func(sc *torch.Scope) { err = c.do(sc, s) }); failure != nil {
				err = failure
			}
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q of kind %v", name, err, c.want, c.kind)
			}
		})
	}
}
