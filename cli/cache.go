package cli

import (
	"fmt"
	"os"
	"path/filepath"
)

// EnvCache is the environment variable that moves the cache directory.
const EnvCache = "LENSBENCH_CACHE"

// CacheDir is where derived data lives, such as simulated images and trained
// networks; absolute, because other processes are told it.
func CacheDir() (string, error) {
	dir := os.Getenv(EnvCache)
	if dir == "" {
		base, err := os.UserCacheDir() // $XDG_CACHE_HOME, else ~/.cache
		if err != nil {
			return "", fmt.Errorf("no cache directory: %w; set %s", err, EnvCache)
		}
		dir = filepath.Join(base, "lensbench")
	}
	return filepath.Abs(dir)
}
