package torch_test

import (
	"testing"

	"lensbench/torch"
)

// bench runs f in a session of one thread.
func bench(b *testing.B, f func(sc *torch.Scope)) {
	b.ReportAllocs()
	err := torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error { f(sc); return nil })
	if err != nil {
		b.Fatal(err)
	}
}

// The cost of a call is that of adding 16 numbers: the sum itself is nothing.

func BenchmarkCall(b *testing.B) {
	bench(b, func(sc *torch.Scope) {
		x := sc.Rand(16)
		for b.Loop() {
			sc.Add(x, x).Free()
		}
	})
}

func BenchmarkCallByName(b *testing.B) {
	add := find(b, "aten::add", "Tensor")
	bench(b, func(sc *torch.Scope) {
		x := sc.Rand(16)
		for b.Loop() {
			sc.Call(add, x, x, 1).Free()
		}
	})
}

func BenchmarkCallInScope(b *testing.B) {
	bench(b, func(sc *torch.Scope) {
		x := sc.Rand(16)
		for b.Loop() {
			sc.Scoped(func(sc *torch.Scope) { sc.Add(x, x) })
		}
	})
}

func BenchmarkConv2DOptions(b *testing.B) {
	bench(b, func(sc *torch.Scope) {
		x, w := sc.Rand(1, 1, 4, 4), sc.Rand(1, 1, 3, 3)
		for b.Loop() {
			sc.Conv2D(x, w, nil, torch.Conv{Padding: [2]int{1, 1}}).Free()
		}
	})
}

func BenchmarkError(b *testing.B) {
	bench(b, func(sc *torch.Scope) {
		x, y := sc.Rand(2), sc.Rand(3)
		for b.Loop() {
			if try(func() { sc.Add(x, y) }) == nil {
				b.Fatal("no error")
			}
		}
	})
}

func BenchmarkSession(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := (torch.Session{Inference: true}).Run(func(*torch.Scope) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
