package analysis

import "testing"

// What was learned of some session stays, whatever is learned after it.
func TestLearnedSessionsAreNotForgotten(t *testing.T) {
	a := newAnalyzer(t)
	a.Learn(&Plan{Unsafe: true})
	a.Learn(&Plan{Temp: []string{"t"}})
	a.SetCatalog(loadCatalog(t), "db")
	a.Join("group")
	if p := a.Plan("SELECT * FROM users"); p.Reason != ReasonReadUncommitted {
		t.Errorf("%+v", p)
	}
}
