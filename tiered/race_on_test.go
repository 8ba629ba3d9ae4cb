//go:build race

package tiered

// underRace: the model's actors share one goroutine, so the race detector finds
// nothing there and makes it ten times slower. It then takes random paths.
const underRace = true
