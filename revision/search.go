package revision

import "context"

// An Answer is what a test says of a commit.
type Answer string

// Answers.
const (
	Good Answer = "good"
	Bad  Answer = "bad"
	Skip Answer = "skip" // it cannot be said: it does not build, or the test does not decide
)

// A Search finds the first bad commit of a line whose last is bad, by halves.
type Search struct {
	Commits []Commit // the oldest first; what comes before the first is good, the last is bad
	Test    func(context.Context, Commit) (Answer, error)
}

// Run returns the commits among which the first bad one is: one, unless others could
// not be tested. Each is tested once at most; those next to the middle come first.
func (s Search) Run(ctx context.Context) ([]Commit, error) {
	low, high := -1, len(s.Commits)-1 // the last good, the first bad so far
	skipped := map[int]bool{}
	for {
		at, ok := middle(low, high, skipped)
		if !ok {
			return s.Commits[low+1 : high+1], nil
		}
		answer, err := s.Test(ctx, s.Commits[at])
		if err != nil {
			return s.Commits[low+1 : high+1], err
		}
		switch answer {
		case Good:
			low = at
		case Bad:
			high = at
		default:
			skipped[at] = true
		}
	}
}

// middle is the place nearest to the middle of what lies strictly between, and was not
// skipped.
func middle(low, high int, skipped map[int]bool) (at int, ok bool) {
	for d := range high - low {
		for _, at := range []int{(low+high)/2 - d, (low+high)/2 + d} {
			if at > low && at < high && !skipped[at] {
				return at, true
			}
		}
	}
	return 0, false
}
