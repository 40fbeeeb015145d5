package simulator

import (
	"context"
	"maps"
	"slices"
)

// Fork returns a server of its own that stands where s stands: tests go on from
// one state many times. Jobs that are at work in s are lost in it, as a restart
// loses them; it keeps nothing in a file, and remembers no requests.
func (s *Server) Fork() *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	fork := &Server{options: s.options, accounts: s.accounts, started: s.started}
	fork.options.StatePath = ""
	fork.skew.Store(s.skew.Load())
	fork.store = &store{state: s.store.clone(), now: fork.now}
	fork.store.settle()
	fork.life, fork.end = context.WithCancel(context.Background())
	return fork
}

// clone returns a copy that shares nothing that changes.
func (s *state) clone() state {
	copied := *s
	copied.Tables = make(map[string]map[string]record, len(s.Tables))
	for name, rows := range s.Tables {
		table := make(map[string]record, len(rows))
		for uuid, row := range rows {
			table[uuid] = clone(row)
		}
		copied.Tables[name] = table
	}
	copied.Sessions = pointers(s.Sessions)
	copied.Jobs = pointers(s.Jobs)
	for _, j := range copied.Jobs {
		j.Result = clone(j.Result)
	}
	copied.Owners, copied.Still, copied.Burned = maps.Clone(s.Owners), maps.Clone(s.Still), maps.Clone(s.Burned)
	copied.Plans = maps.Clone(s.Plans) // which nothing changes once they are made
	copied.Keys = make(map[string][]string, len(s.Keys))
	for key, vms := range s.Keys {
		copied.Keys[key] = slices.Clone(vms)
	}
	return copied
}

// pointers copies a map and what it points to.
func pointers[T any](m map[string]*T) map[string]*T {
	copied := make(map[string]*T, len(m))
	for key, value := range m {
		one := *value
		copied[key] = &one
	}
	return copied
}
