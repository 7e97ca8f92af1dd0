package ensemble

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/torch"
)

// A Placement is a way to put members on devices.
type Placement string

// Placements.
const (
	One        Placement = "one"         // all on the first device
	RoundRobin Placement = "round-robin" // each on the next one, whatever the sizes
	Balanced   Placement = "balanced"    // the largest first, each on the device that has least so far
)

// Placements are all placements.
var Placements = []Placement{One, RoundRobin, Balanced}

// Kinds of devices.
const (
	CPU  = "cpu"
	CUDA = "cuda"
)

// A Device is something that members can be put on.
type Device struct {
	Name  string
	Bytes int64 // that members may take; 0: not known, and no limit
}

// A Size is what a member takes.
type Size struct {
	Name  string
	Bytes int64
}

// Place returns the device of each member. Balanced is the rule of the longest
// processing time (Graham 1969, SIAM J. Appl. Math. 17, 416): no device has more than
// 4/3 of what the fullest has at best. Members that do not fit are an error that names
// the first.
func Place(how Placement, members []Size, devices []Device) ([]int, error) {
	if !slices.Contains(Placements, how) {
		return nil, fmt.Errorf("unknown placement %q, want one of %v", how, Placements)
	}
	if len(devices) == 0 {
		return nil, fmt.Errorf("place members: %w", torch.ErrNoDevice)
	}
	place, used := make([]int, len(members)), make([]int64, len(devices))
	for turn, m := range turns(how, members) {
		d := 0
		switch how {
		case RoundRobin:
			d = turn % len(devices)
		case Balanced:
			d = leastUsed(used)
		}
		if have := devices[d].Bytes; have > 0 && used[d]+members[m].Bytes > have {
			return nil, fmt.Errorf("member %s of %d bytes does not fit on %s, which has %d, beside %d of other members%s",
				members[m].Name, members[m].Bytes, devices[d].Name, have, used[d], advice(how, devices))
		}
		place[m], used[d] = d, used[d]+members[m].Bytes
	}
	return place, nil
}

// turns is the order in which members are placed.
func turns(how Placement, members []Size) []int {
	order := make([]int, len(members))
	for m := range order {
		order[m] = m
	}
	if how == Balanced {
		slices.SortStableFunc(order, func(a, b int) int { return int(min(max(members[b].Bytes-members[a].Bytes, -1), 1)) })
	}
	return order
}

// leastUsed returns the first device with least on it.
func leastUsed(used []int64) int { return slices.Index(used, slices.Min(used)) }

func advice(how Placement, devices []Device) string {
	if how == Balanced || len(devices) == 1 {
		return ""
	}
	return fmt.Sprintf("; placement %s shares %s out by size", Balanced, names(devices))
}

func names(devices []Device) string {
	var out []string
	for _, d := range devices {
		out = append(out, d.Name)
	}
	return strings.Join(out, ", ")
}

// devicesOf returns the devices of a kind that libtorch finds.
func devicesOf(kind string) ([]Device, error) {
	if kind != CUDA {
		return []Device{{Name: CPU}}, nil
	}
	places, err := torch.CUDAPlaces()
	if err != nil {
		return nil, err
	}
	devices := make([]Device, len(places))
	for i, p := range places {
		devices[i].Name = p.String()
	}
	return devices, nil
}
