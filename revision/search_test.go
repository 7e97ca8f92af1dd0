package revision

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"testing"
)

func line(n int) (out []Commit) {
	for i := range n {
		out = append(out, Commit{Hash: fmt.Sprint(i)})
	}
	return out
}

// In every line of up to 40 commits the first bad one is found, wherever it is, in as
// many tests as halving takes.
func TestSearchFindsTheFirstBad(t *testing.T) {
	for n := 1; n <= 40; n++ {
		for bad := range n {
			tests := 0
			got, err := Search{line(n), func(_ context.Context, c Commit) (Answer, error) {
				tests++
				var i int
				fmt.Sscan(c.Hash, &i)
				if i >= bad {
					return Bad, nil
				}
				return Good, nil
			}}.Run(context.Background())
			if err != nil || len(got) != 1 || got[0].Hash != fmt.Sprint(bad) {
				t.Errorf("%d of %d: %v, %v", bad, n, got, err)
			}
			if most := bits.Len(uint(n - 1)); tests > most {
				t.Errorf("%d of %d: %d tests, want at most %d", bad, n, tests, most)
			}
		}
	}
}

// What cannot be tested stays among the suspects only if it has to.
func TestSearchSkips(t *testing.T) {
	for _, tt := range []struct {
		skip []int
		bad  int
		want []string
	}{
		{[]int{4}, 7, []string{"7"}},
		{[]int{4, 5, 6}, 6, []string{"4", "5", "6", "7"}},
		{[]int{0, 1, 2, 3, 4, 5, 6, 7, 8}, 3, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
	} {
		seen := map[string]int{}
		got, err := Search{line(10), func(_ context.Context, c Commit) (Answer, error) {
			var i int
			fmt.Sscan(c.Hash, &i)
			seen[c.Hash]++
			switch {
			case slices.Contains(tt.skip, i):
				return Skip, nil
			case i >= tt.bad:
				return Bad, nil
			}
			return Good, nil
		}}.Run(context.Background())
		var names []string
		for _, c := range got {
			names = append(names, c.Hash)
		}
		if err != nil || !slices.Equal(names, tt.want) {
			t.Errorf("skip %v, bad from %d: %v, %v; want %v", tt.skip, tt.bad, names, err, tt.want)
		}
		for hash, n := range seen {
			if n > 1 {
				t.Errorf("%s is tested %d times", hash, n)
			}
		}
	}
	stop := errors.New("stop")
	if _, err := (Search{line(3), func(context.Context, Commit) (Answer, error) { return "", stop }}).Run(context.Background()); err != stop {
		t.Errorf("%v", err)
	}
}
