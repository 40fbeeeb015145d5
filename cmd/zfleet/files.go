package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile replaces a file whole: a reader sees the old one or the new one. A
// link stays a link, and what is no regular file, such as a pipe or /dev/stdout,
// is written to and never replaced.
func writeFile(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeThrough(path, data)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, plainCause(err))
	}
	_, err = temporary.Write(data)
	err = cmp.Or(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("write %s: %w", path, plainCause(err))
	}
	return nil
}

func writeThrough(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// plainCause drops the name of a temporary file from an error.
func plainCause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// checkWritable refuses a file that could only be found unwritable at the end
// of a long work.
func checkWritable(flag, path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return usageError("%s %s: %v", flag, path, err)
	case !info.IsDir():
		return usageError("%s %s: %s is no directory", flag, path, dir)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return usageError("%s %s: this is a directory", flag, path)
	} else if err == nil && !info.Mode().IsRegular() {
		return nil
	}
	probe, err := os.CreateTemp(dir, ".zfleet-*")
	if err != nil {
		return usageError("%s %s: %v", flag, path, plainCause(err))
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return nil
}
