package runner

import (
	"errors"
	"fmt"

	"lensbench/protocol"
	"lensbench/record"
)

// A failure is why an arm cannot go on: what becomes its status.
type failure struct {
	status string // one of the record's statuses
	reason string // for the reader of the report
	stderr string // the worker's last words, may be empty
	kind   string // protocol's, of a worker's own refusal
}

func (f *failure) Error() string { return f.status + ": " + f.reason }

func failf(status, format string, args ...any) *failure {
	return &failure{status: status, reason: fmt.Sprintf(format, args...)}
}

// asFailure returns err as a failure; anything that is not one already failed
// in an unforeseen way.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return failf(record.Failed, "%v", err)
}

// refusal turns a worker's own error into a failure.
func refusal(e *protocol.Error) *failure {
	status := record.Failed
	switch e.Kind {
	case protocol.Unsupported:
		status = record.Skipped
	case protocol.UnknownSetting:
		status = record.Incomparable
	case protocol.OutOfMemory:
		status = record.OOM
	}
	f := failf(status, "%s", e.Message)
	f.kind = e.Kind
	return f
}
