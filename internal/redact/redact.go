// Package redact takes secrets out of texts that others wrote: a server, or a
// proxy before it, may quote what it was sent.
package redact

import "strings"

const (
	// piece is how much of a long secret is enough to be hidden: quotes are cut.
	piece = 12
	// shortest is the length of a secret from which on it is looked for. A
	// shorter one would be found in every text.
	shortest = 4
	mask     = "***"
)

// Hide returns the text with every occurrence of a secret masked, and of every
// part of one that is at least 12 bytes long. Secrets of less than 4 bytes are
// not looked for.
func Hide(text string, secrets ...string) string {
	var hidden []bool // by byte; nil: nothing yet
	hide := func(at, length int) {
		if hidden == nil {
			hidden = make([]bool, len(text))
		}
		for i := range length {
			hidden[at+i] = true
		}
	}
	var pieces map[string][]int
	for _, secret := range secrets {
		if len(secret) < shortest {
			continue
		}
		if len(secret) < piece {
			for from := 0; ; {
				at := strings.Index(text[from:], secret)
				if at < 0 {
					break
				}
				hide(from+at, len(secret))
				from += at + len(secret)
			}
			continue
		}
		if pieces == nil {
			pieces = piecesOf(text)
		}
		for at := range len(secret) - piece + 1 {
			for _, place := range pieces[secret[at:at+piece]] {
				hide(place, piece)
			}
		}
	}
	if hidden == nil {
		return text
	}
	return masked(text, hidden)
}

// piecesOf lists where each piece of a text stands. Runs of one character, like
// a ruled line, tell nothing and are left out.
func piecesOf(text string) map[string][]int {
	pieces := make(map[string][]int)
	for at := range max(0, len(text)-piece+1) {
		p := text[at : at+piece]
		if strings.Trim(p, p[:1]) != "" {
			pieces[p] = append(pieces[p], at)
		}
	}
	return pieces
}

func masked(text string, hidden []bool) string {
	var b strings.Builder
	for at := range len(text) {
		switch {
		case !hidden[at]:
			b.WriteByte(text[at])
		case at == 0 || !hidden[at-1]:
			b.WriteString(mask)
		}
	}
	return strings.ToValidUTF8(b.String(), "")
}
