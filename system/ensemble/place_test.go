package ensemble

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"lensbench/torch"
)

const mb = 1_000_000

// The default members and resnet34, in bytes of weights.
var members = []Size{{"resnet18", 45 * mb}, {"vit_b_16", 343 * mb}, {"light_transformer", 21 * mb}, {"resnet34", 85 * mb}}

func cards(n int, bytes int64) (out []Device) {
	for i := range n {
		out = append(out, Device{Name: "cuda:" + string(rune('0'+i)), Bytes: bytes})
	}
	return out
}

func TestPlace(t *testing.T) {
	for _, tc := range []struct {
		how     Placement
		devices []Device
		want    []int
	}{
		{One, cards(3, 0), []int{0, 0, 0, 0}},
		{RoundRobin, cards(1, 0), []int{0, 0, 0, 0}},
		{RoundRobin, cards(2, 0), []int{0, 1, 0, 1}},
		{RoundRobin, cards(3, 0), []int{0, 1, 2, 0}},
		// vit_b_16 is larger than all others together, which share the second card.
		{Balanced, cards(2, 0), []int{1, 0, 1, 1}},
		{Balanced, cards(3, 0), []int{2, 0, 2, 1}},
		{Balanced, cards(5, 0), []int{2, 0, 3, 1}},
		{Balanced, []Device{{Name: "cpu"}}, []int{0, 0, 0, 0}},
	} {
		got, err := Place(tc.how, members, tc.devices)
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%s on %d devices: %v, %v; want %v", tc.how, len(tc.devices), got, err, tc.want)
		}
	}
}

// Larger ensembles fit: what one device or equal turns cannot hold, sizes can.
func TestLargerEnsemblesFit(t *testing.T) {
	for _, tc := range []struct {
		how  Placement
		want string
	}{
		{One, "member vit_b_16 of 343000000 bytes does not fit on cuda:0, which has 360000000, beside 45000000 of other members; placement balanced shares cuda:0, cuda:1 out by size"},
		{RoundRobin, "member resnet34 of 85000000 bytes does not fit on cuda:1, which has 360000000, beside 343000000"},
		{Balanced, ""},
	} {
		_, err := Place(tc.how, members, cards(2, 360*mb))
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", tc.how, err, tc.want)
		}
	}
	if _, err := Place(Balanced, members, cards(1, 360*mb)); err == nil || strings.Contains(err.Error(), "placement") {
		t.Errorf("one device: %v, want an error without advice", err)
	}
}

// Graham's bound: the fullest device has at most 4/3 − 1/3m of what it has at best,
// which is found by trying everything.
func TestBalancedIsNearTheBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		m := 2 + rng.IntN(2)
		sizes := make([]Size, 1+rng.IntN(7))
		for i := range sizes {
			sizes[i].Bytes = 1 + rng.Int64N(100)
		}
		place, err := Place(Balanced, sizes, cards(m, 0))
		if err != nil {
			t.Fatal(err)
		}
		got, best := fullest(sizes, place, m), bestOf(sizes, m)
		if bound := float64(best) * (4./3 - 1/(3*float64(m))); float64(got) > bound+1e-9 {
			t.Errorf("%v on %d devices: %d on the fullest, %d at best", sizes, m, got, best)
		}
	}
}

func fullest(sizes []Size, place []int, devices int) int64 {
	used := make([]int64, devices)
	for i, d := range place {
		used[d] += sizes[i].Bytes
	}
	return slices.Max(used)
}

// bestOf tries every way to place the members.
func bestOf(sizes []Size, devices int) int64 {
	place, best := make([]int, len(sizes)), int64(1)<<62
	var try func(i int)
	try = func(i int) {
		if i == len(sizes) {
			best = min(best, fullest(sizes, place, devices))
			return
		}
		for d := range devices {
			place[i] = d
			try(i + 1)
		}
	}
	try(0)
	return best
}

func TestPlaceErrors(t *testing.T) {
	if _, err := Place("random", members, cards(1, 0)); err == nil || !strings.Contains(err.Error(), `unknown placement "random", want one of [one round-robin balanced]`) {
		t.Error(err)
	}
	if _, err := Place(One, members, nil); !errors.Is(err, torch.ErrNoDevice) {
		t.Error(err)
	}
}
