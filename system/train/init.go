package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"lensbench/system/nn"
)

// An initSource is a file of first weights.
type initSource interface {
	nn.Source
	io.Closer
}

// HashInit returns the SHA-256 of a file of first weights, for the settings.
func HashInit(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// openInit opens a file of first weights: those of a network, or a checkpoint, of
// which nothing else is used. The caller closes it.
func openInit(path, hash string, ps *nn.Params) (initSource, error) {
	got, err := HashInit(path)
	if err != nil {
		return nil, err
	}
	if got != hash {
		return nil, fmt.Errorf("%s: SHA-256 is %s, the settings say %s: it was changed", path, got, hash)
	}
	if _, err := Peek(path); err == nil {
		return openCheckpoint(path)
	}
	return nn.OpenFile(path, ps)
}
