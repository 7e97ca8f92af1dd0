package ranks

import (
	"fmt"
	"strings"
)

// A Lost says which ranks the others waited for in vain.
type Lost struct {
	Ranks []Missing
	Cause error // what this rank saw of it
}

// A Missing is a rank that is lost.
type Missing struct {
	Rank  int
	Where string // its machine and process; "": not known
	Why   string // in words that follow "rank 3 "
}

func (m Missing) String() string {
	if m.Where == "" {
		return fmt.Sprintf("rank %d %s", m.Rank, m.Why)
	}
	return fmt.Sprintf("rank %d (%s) %s", m.Rank, m.Where, m.Why)
}

func (l *Lost) Error() string {
	var parts []string
	for _, m := range l.Ranks {
		parts = append(parts, m.String())
	}
	if len(parts) == 0 {
		parts = []string{"no rank is missing, but they cannot reach each other"}
	}
	if l.Cause == nil {
		return strings.Join(parts, "; ")
	}
	return fmt.Sprintf("%s (%v)", strings.Join(parts, "; "), l.Cause)
}

// Unwrap returns the cause, which is a torch.ErrConnection.
func (l *Lost) Unwrap() error { return l.Cause }
