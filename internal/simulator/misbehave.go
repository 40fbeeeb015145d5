package simulator

import (
	"net/http"
	"time"
)

// misbehave answers a request as a fault wants it.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, in *incoming, action faultAction) {
	life := s.living()
	if action.Delay > 0 {
		select {
		case <-r.Context().Done():
		case <-life.Done():
		case <-time.After(action.Delay):
		}
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

// hangUp has net/http close the connection without an answer.
func hangUp() { panic(http.ErrAbortHandler) }

// discard is an answer that nobody gets.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
