package torch

// #include <stdlib.h>
// #include "lt.h"
import "C"

import (
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Store is a connection to the table of keys and values that processes share
// when they work together, c10d's TCPStore. One process keeps the table; with it,
// it is gone. A Store may be used by several goroutines and serves one call at a time:
// who waits in one holds up the others.
type Store struct {
	mu sync.Mutex
	p  *C.lt_store
}

// A StoreConfig says where a store is.
type StoreConfig struct {
	Host    string
	Port    int
	Keep    bool          // this process keeps the table
	Socket  *os.File      // Keep: listens at Port already, and stays the caller's; nil: there is none
	Timeout time.Duration // to connect, and for Get
	Prefix  string        // of all keys
}

// OpenStore connects to a store, or begins to keep it. It tries again until the
// timeout while nothing listens there.
func OpenStore(c StoreConfig) (*Store, error) {
	host, prefix := C.CString(c.Host), C.CString(c.Prefix)
	defer C.free(unsafe.Pointer(host))
	defer C.free(unsafe.Pointer(prefix))
	socket, err := duplicate(c.Socket)
	if err != nil {
		return nil, &Error{Op: "open store", Kind: ErrArgument, Message: err.Error()}
	}
	s := &Store{}
	e := C.lt_store_tcp(host, C.int(c.Port), C.int(bit(c.Keep)), C.int(socket), C.int64_t(c.Timeout.Milliseconds()), prefix, &s.p)
	if e != nil {
		return nil, take("open store", e)
	}
	return s, nil
}

// duplicate returns a descriptor for the shim, which closes it; -1 for nil.
func duplicate(f *os.File) (int, error) {
	if f == nil {
		return -1, nil
	}
	c, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	failed := c.Control(func(theirs uintptr) { fd, err = unix.FcntlInt(theirs, unix.F_DUPFD_CLOEXEC, 0) })
	if failed != nil {
		return -1, failed
	}
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	return fd, nil
}

// Set sets a key to a value.
func (s *Store) Set(key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p == nil {
		return ended("store set")
	}
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	data, n := span(value)
	return failure("store set", C.lt_store_set(s.p, k, data, n))
}

// Get returns the value of a key, up to 64 KiB of it. It waits until the key is
// there.
func (s *Store) Get(key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p == nil {
		return nil, ended("store get")
	}
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	value := make([]byte, 64<<10)
	data, room := span(value)
	var n C.size_t
	if e := C.lt_store_get(s.p, k, data, room, &n); e != nil {
		return nil, take("store get", e)
	}
	return value[:min(n, room)], nil
}

// Has says whether a key is there.
func (s *Store) Has(key string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p == nil {
		return false, ended("store has")
	}
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var has C.int
	e := C.lt_store_has(s.p, k, &has)
	return has != 0, failure("store has", e)
}

// Free ends the connection, and the table if it is kept here. Freeing twice does
// nothing.
func (s *Store) Free() {
	s.mu.Lock()
	defer s.mu.Unlock()
	C.lt_store_free(s.p)
	s.p = nil
}

// failure is take for functions that return error: a nil *Error in one is not
// nil.
func failure(op string, e *C.lt_error) error {
	if e == nil {
		return nil
	}
	return take(op, e)
}

func ended(op string) error { return &Error{Op: op, Kind: ErrUseAfterFree, Message: "was freed"} }
