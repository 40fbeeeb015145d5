package term

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Confirm asks a question on out and reads one line from in. Only "yes" is
// consent, whatever else is typed is not: a habit of pressing "y" or Enter must
// not delete a machine. The end of in is a no, not an error.
//
// It reads no further than the line, and blocks until there is one.
func Confirm(in io.Reader, out io.Writer, question string) (bool, error) {
	if _, err := fmt.Fprintf(out, "%s\nOnly \"yes\" is taken as consent: ", question); err != nil {
		return false, fmt.Errorf("ask for consent: %w", err)
	}
	answer, err := readLine(in)
	if err != nil {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(answer) == "yes", nil
}

// maxAnswer is how much of a line is kept. More than this is no "yes" anyway.
const maxAnswer = 64

// readLine reads up to and including the next line's end, byte by byte, so that
// nothing is taken from who reads the stream next.
func readLine(in io.Reader) (string, error) {
	var line []byte
	var one [1]byte
	for {
		n, err := in.Read(one[:])
		if n > 0 {
			if one[0] == '\n' {
				return string(line), nil
			}
			if len(line) < maxAnswer {
				line = append(line, one[0])
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return string(line), nil
		case err != nil:
			return "", err
		}
	}
}
