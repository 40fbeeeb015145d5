// Package cloud is where the planner's world and the ZStack API meet: Inventory
// turns what the server shows into a planner.Inventory, and Driver carries the
// steps of a plan out.
//
// It decides nothing about a fleet. What it knows is how the server behaves:
// which parameters say what a blueprint asks for, which answers prove that a
// request did nothing, and where to look when an answer was lost.
package cloud
