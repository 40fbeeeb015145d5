package simulator

import (
	"context"
	"net/http"
	"time"
)

// misbehave answers a request as a fault wants it.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, in *incoming, action faultAction) {
	life := s.living()
	pause := func() { pauseFor(action.Delay, r.Context(), life) }
	if action.Kind != faultDrip {
		pause()
	}
	switch action.Kind {
	case faultRefuse, faultDropBefore:
		hangUp()
	case faultDropAfter:
		s.answer(discard{}, r, in)
		hangUp()
	case faultHang:
		select {
		case <-r.Context().Done():
		case <-life.Done():
		}
		hangUp()
	case faultGarbage:
		w.WriteHeader(action.Status)
		_, _ = w.Write([]byte(action.Text))
	case faultGarbageAfter:
		s.answer(discard{}, r, in)
		w.WriteHeader(action.Status)
		_, _ = w.Write([]byte(action.Text))
	case faultTruncate:
		answer := &kept{header: w.Header()}
		s.answer(answer, r, in)
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body[:len(answer.body)/2])
	case faultDrip:
		s.answer(&drip{w, pause}, r, in)
	case faultExpire:
		s.expireSessions()
		s.answer(w, r, in)
	case faultRestart:
		s.answer(discard{}, r, in)
		s.Restart()
		hangUp()
	case faultError, faultFailAfter:
		in.fault, in.faultAfter = action.Error, action.Kind == faultFailAfter
		s.answer(w, r, in)
	default: // slow
		s.answer(w, r, in)
	}
}

// pauseFor waits, unless the client or the server goes away first.
func pauseFor(delay time.Duration, client, server context.Context) {
	if delay <= 0 {
		return
	}
	select {
	case <-client.Done():
	case <-server.Done():
	case <-time.After(delay):
	}
}

// hangUp has net/http close the connection without an answer.
func hangUp() { panic(http.ErrAbortHandler) }

// discard is an answer that nobody gets.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// kept is an answer that is held back.
type kept struct {
	header http.Header
	status int
	body   []byte
}

func (k *kept) Header() http.Header    { return k.header }
func (k *kept) WriteHeader(status int) { k.status = status }
func (k *kept) Write(b []byte) (int, error) {
	k.body = append(k.body, b...)
	return len(b), nil
}

// drip is an answer that comes byte by byte.
type drip struct {
	http.ResponseWriter
	pause func()
}

// Write implements http.ResponseWriter.
func (d *drip) Write(b []byte) (int, error) {
	for i := range b {
		d.pause()
		if _, err := d.ResponseWriter.Write(b[i : i+1]); err != nil {
			return i, err
		}
		_ = http.NewResponseController(d.ResponseWriter).Flush()
	}
	return len(b), nil
}
