package cloud

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/internal/simulator"
	"zfleet/planner"
)

// How many seeds TestModelScenes tries, and how many of them share a fleet.
const (
	quickScenes = 1000
	longScenes  = 50_000
	sceneSeeds  = 100
)

// TestModelScenes strikes runs of plans with trouble, thousands of them. What
// comes before a run costs more than the run; so the life of a random fleet is
// lived once, without trouble, and its scenes, the moments at which a plan has
// been made, are played many times, each with other trouble.
func TestModelScenes(t *testing.T) {
	first, seeds, repeats := modelSeeds(t, quickScenes, longScenes)
	for life := first / sceneSeeds; life <= (first+seeds-1)/sceneSeeds; life++ {
		t.Run(fmt.Sprint("life ", life), func(t *testing.T) {
			t.Parallel()
			var scenes []modelScene
			synctest.Test(t, func(t *testing.T) { scenes = liveThroughScenes(t, life) })
			for seed := max(first, life*sceneSeeds); seed < min(first+seeds, (life+1)*sceneSeeds); seed++ {
				for range repeats {
					t.Run(fmt.Sprint(seed), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { scenes[seed%uint64(len(scenes))].play(t, seed) })
					})
				}
			}
		})
	}
}

// modelScene is a moment in the life of a fleet: the plan of a phase is made.
type modelScene struct {
	phase     modelPhase
	plan      *planner.Plan
	end       modelEnd          // how the cloud stands when the plan was carried out without trouble
	server    *simulator.Server // as it stood; to be forked
	at        time.Time
	processes uint64
	known     map[string]bool
}

// liveThroughScenes lives the life of a fleet without trouble.
func liveThroughScenes(t *testing.T, life uint64) []modelScene {
	random := rand.New(rand.NewPCG(life, 1))
	w := newModelWorld(t, life)
	defer w.end()
	var scenes []modelScene
	for _, phase := range newModelPlot(t, random) {
		if scene := w.peacefully(phase); len(scene.plan.Steps) > 0 {
			scenes = append(scenes, scene)
		}
	}
	return scenes
}

// peacefully applies a phase without trouble: one run does it all.
func (w *modelWorld) peacefully(phase modelPhase) modelScene {
	w.byHand(phase)
	p := w.processFor(phase)
	scene := modelScene{phase: phase, plan: p.plan(phase.fleet, nil), server: w.server.Fork(), at: time.Now(),
		processes: w.processes, known: maps.Clone(w.known)}
	run := p.carryOut(scene.plan, modelSecrets(phase.fleet), modelTrouble{})
	w.check(run)
	if run.report.Totals.Succeeded != len(run.plan.Steps) {
		w.t.Fatalf("without trouble: %s\n%s", unsuccessful(run.report), phase.text)
	}
	scene.end = w.outcome(phase, nil)
	return scene
}

// play carries the plan of a scene out with the trouble of a seed.
func (s modelScene) play(t *testing.T, seed uint64) {
	time.Sleep(time.Until(s.at)) // each bubble begins at the same moment
	w := &modelWorld{t: t, seed: seed, server: s.server.Fork(), processes: s.processes, known: maps.Clone(s.known)}
	defer w.end()
	w.roughly(rand.New(rand.NewPCG(seed, 2)), s.phase, s.plan, 1, s.end)
	if t.Failed() {
		t.Logf("repeat with ZFLEET_TEST_SEED=%d:\n%s\n%s", seed, s.phase.text, strings.Join(w.said, "\n"))
	}
}
