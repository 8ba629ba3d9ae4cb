package difftest

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Made is a plugin, set up in one of many ways, and what programs do with it beside reading and writing. What is nil is
// not done.
type Made struct {
	Plugin gorm.Plugin
	// Text tells how it is set up.
	Text string
	// Wish draws what is asked of the plugin for one operation.
	Wish func(*rand.Rand) Wish
	// ByHand tells the plugin something between two operations, such as to forget what it knows.
	ByHand func(context.Context, *rand.Rand) error
	// Settle waits until nothing runs in the background. It is called between operations of programs that are not
	// concurrent.
	Settle func()
}

// Wish is what one operation asks of the plugin. None may change its result.
type Wish struct {
	// Text tells what it is.
	Text string
	// Context, if set, puts something into the context.
	Context func(context.Context) context.Context
	// Scopes are run with each query, or, if Kept, once, so that the session keeps what they leave in it.
	Scopes []func(*gorm.DB) *gorm.DB
	Kept   bool
}

// The plugin of a program is a step that does nothing, so that shrinking takes it away where it does not matter: a
// program without one has the plugin of the seed 0.
const pluginStep = "plugin"

func (o Options) make(p program) *Made {
	if o.Make == nil {
		m := &Made{}
		if o.Plugin != nil {
			m.Plugin = o.Plugin()
		}
		return m
	}
	for _, st := range p {
		if st.kind.name == pluginStep {
			return ptr(o.Make(st.seed))
		}
	}
	return ptr(o.Make(0))
}

// byHand is a step for the side with the plugin alone.
func byHand(s *scene, d draw) {
	if s.byHand == nil {
		return
	}
	if err := s.byHand(s.ctx, d.Rand); err != nil {
		s.sawValues(err) // the other side saw nothing
	}
}

// side is one of the two databases of a program.
type side struct {
	*testdb.DB
	made   *Made
	plugin bool // with the plugin
}

// wish draws what a step asks for; nil if it asks for nothing.
func (s *side) wish(st step) *Wish {
	if st.wish == 0 || s.made.Wish == nil {
		return nil
	}
	return ptr(s.made.Wish(rand.New(rand.NewPCG(st.wish, 3))))
}

// session starts a step. Without the plugin its session has the same form, since in GORM it matters whether something
// was left in it.
func (s *side) session(ctx context.Context, st step, session *gorm.Session) (*gorm.DB, context.Context) {
	w := s.wish(st)
	if w != nil && w.Context != nil && s.plugin {
		ctx = w.Context(ctx)
	}
	session.Context = ctx
	tx := s.Session(session)
	if w == nil || len(w.Scopes) == 0 {
		return tx, ctx
	}
	scopes := w.Scopes
	if !s.plugin {
		scopes = []func(*gorm.DB) *gorm.DB{func(tx *gorm.DB) *gorm.DB { return tx.Set("difftest:wish", true) }}
	}
	if !w.Kept {
		return tx.Scopes(scopes...).Session(&gorm.Session{}), ctx
	}
	for _, f := range scopes {
		tx = f(tx)
	}
	return tx.Session(&gorm.Session{}), ctx
}

// told is the step with what it asks for.
func (s *side) told(st step) string {
	if w := s.wish(st); w != nil && w.Text != "" {
		return fmt.Sprintf("%s with %s", st, w.Text)
	}
	return st.String()
}
