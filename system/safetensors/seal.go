package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"strings"

	"lensbench/system/atomic"
)

// A sealed file is one that says in its metadata what its SHA-256 is, where the
// digits themselves count as zeros. So a change anywhere is found, in the header
// as in the data, and no second file is needed, which could be that of another.
// To other readers it is a safetensors file like any.
const (
	sealKey    = "sha256"
	sealDigits = 2 * sha256.Size
)

var openSeal = strings.Repeat("0", sealDigits)

// WriteSealedFile writes a sealed file that appears complete or not at all, and
// is on the disk on return. The tensors are asked for their data twice.
func WriteSealedFile(path string, metadata map[string]string, tensors []Source) error {
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata[sealKey] = openSeal
	h := sha256.New()
	if err := Write(h, metadata, tensors); err != nil {
		return err
	}
	metadata[sealKey] = hex.EncodeToString(h.Sum(nil))
	return atomic.WriteFileSync(path, func(w io.Writer) error { return Write(w, metadata, tensors) })
}

// OpenSealed opens a sealed file and reads all of it to compare it with its
// seal. The caller closes it.
func OpenSealed(path string) (*File, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	if err := f.checkSeal(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) checkSeal() error {
	seal := f.Metadata[sealKey]
	if len(seal) != sealDigits {
		return formatErrorIn(f.name, "has no SHA-256 of itself in its metadata")
	}
	header := make([]byte, f.begin)
	if _, err := f.all.ReadAt(header, 0); err != nil {
		return err
	}
	h := sha256.New()
	h.Write(bytes.Replace(header, []byte(seal), []byte(openSeal), 1))
	if _, err := io.Copy(h, io.NewSectionReader(f.all, f.begin, f.size-f.begin)); err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != seal {
		return formatErrorIn(f.name, "SHA-256 is %.12s…, not %.12s… as when it was written: its content was changed", sum, seal)
	}
	return nil
}
