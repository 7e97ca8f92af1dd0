package worker

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ClaimOutput returns a private copy of descriptor 1 and points 1 at standard
// error, so that a library that prints cannot break the protocol. Child
// processes do not inherit the copy.
func ClaimOutput() (*os.File, error) {
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("copy standard output: %w", err)
	}
	if err := unix.Dup3(2, 1, 0); err != nil {
		return nil, fmt.Errorf("point standard output at standard error: %w", err)
	}
	return os.NewFile(uintptr(fd), "responses"), nil
}
