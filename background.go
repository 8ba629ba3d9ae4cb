package querycache

import (
	"context"
	"sync"
	"time"
)

// background are the goroutines that a plugin runs.
type background struct {
	mu      sync.Mutex
	running int
	closed  bool
	idle    chan struct{} // closed when the last one ends after close
	stop    context.CancelFunc
	stopped context.Context
}

func newBackground() *background {
	bg := &background{idle: make(chan struct{})}
	bg.stopped, bg.stop = context.WithCancel(context.Background())
	return bg
}

// begin notes a goroutine that is about to start; false after close.
func (bg *background) begin() bool {
	bg.mu.Lock()
	defer bg.mu.Unlock()
	if bg.closed {
		return false
	}
	bg.running++
	return true
}

// end notes that a goroutine has ended.
func (bg *background) end() {
	bg.mu.Lock()
	defer bg.mu.Unlock()
	if bg.running--; bg.running == 0 && bg.closed {
		close(bg.idle)
	}
}

// context is ctx with a time limit, ended by close too.
func (bg *background) context(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	undo := context.AfterFunc(bg.stopped, cancel)
	return ctx, func() { undo(); cancel() }
}

// close ends the contexts of all goroutines and returns what is closed when
// they have ended.
func (bg *background) close() <-chan struct{} {
	bg.mu.Lock()
	defer bg.mu.Unlock()
	if !bg.closed {
		bg.closed = true
		bg.stop()
		if bg.running == 0 {
			close(bg.idle)
		}
	}
	return bg.idle
}
