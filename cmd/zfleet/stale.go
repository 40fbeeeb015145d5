package main

import (
	"context"
	"fmt"
	"strings"

	"zfleet/internal/cloud"
	"zfleet/internal/render"
	"zfleet/planner"
)

// settle reads again what a plan touches. It returns what is left to do of the
// plan, or refuses it when what it was made from has moved.
func (a *app) settle(ctx context.Context, s *session, plan *planner.Plan, skipMoved bool, format string) (*planner.Plan, error) {
	now, err := cloud.Reread(ctx, s.client, plan.Touches(), a.reading)
	if err != nil {
		return nil, fmt.Errorf("read again what the plan touches on %s: %w", s.endpoint, err)
	}
	if plan.Account != "" && now.Account != "" && plan.Account != now.Account {
		return nil, &exitError{code: exitStale, message: fmt.Sprintf("the plan was made with account %s, and this is account %s; nothing was done", plan.Account, now.Account),
			hint: "use the credentials of the account that it was made with, or plan again"}
	}
	settled := planner.Settle(plan, now)
	if len(settled.Done) > 0 {
		a.say("As the plan wants already: %s.", keyList(settled.Done))
	}
	if len(settled.Moved) == 0 {
		return settled.Plan, nil
	}
	if err := render.StaleText(a.stderr, settled.Moved, a.style(a.stderr)); err != nil {
		return nil, err
	}
	if skipMoved {
		a.say("Skipping what changed: %s.", plural(len(settled.Moved), "machine"))
		return settled.WithoutMoved(), nil
	}
	if format == formatJSON {
		if err := render.StaleJSON(a.stdout, plan, settled.Moved); err != nil {
			return nil, err
		}
	}
	hint := "plan again, or pass --skip-moved to do the rest"
	if plan.Endpoint != "" && plan.Endpoint != s.endpoint {
		hint = fmt.Sprintf("the plan was made from %s, and this is %s: apply it there, or plan again", plan.Endpoint, s.endpoint)
	}
	return nil, &exitError{code: exitStale, message: fmt.Sprintf("%s changed since the plan was made; nothing was done", plural(len(settled.Moved), "machine")), hint: hint}
}

// keyList names machines, and of very many the first.
func keyList(keys []string) string {
	const most = 12
	if len(keys) > most {
		return strings.Join(keys[:most], ", ") + fmt.Sprintf(" and %d more", len(keys)-most)
	}
	return strings.Join(keys, ", ")
}
