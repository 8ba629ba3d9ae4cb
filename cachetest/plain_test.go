package cachetest

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/gorm-querycache/querycache/tiered"
)

// plain is a tier without a fault: a map behind a lock, with every capability. The broken ones are made
// of it.
type plain struct {
	mu     sync.Mutex
	m      map[string]*tiered.Entry
	now    func() time.Time
	max    int64
	closed bool
}

func newPlain(now func() time.Time) *plain {
	return &plain{m: map[string]*tiered.Entry{}, now: now, max: 64 << 20}
}

func (p *plain) expired(e *tiered.Entry) bool {
	now := p.now()
	return !now.Before(e.ExpiresAt()) || !now.Round(0).Before(e.ExpiresAt())
}

func (p *plain) Get(key []byte) (*tiered.Entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.m[string(key)]; ok && !p.expired(e) {
		return e, true
	}
	return nil, false
}

func (p *plain) Set(key string, e *tiered.Entry) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || e.Size() < 0 || e.Size() > p.max || p.expired(e) {
		delete(p.m, key)
		return false
	}
	p.m[key] = e
	return true
}

func (p *plain) Range(f func(key string, e *tiered.Entry) bool) {
	for _, k := range p.keys() {
		if e, ok := p.Get([]byte(k)); ok && !f(k, e) {
			return
		}
	}
}

func (p *plain) keys() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.m {
		all = append(all, k)
	}
	return all
}

func (p *plain) Delete(key []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.m[string(key)]
	delete(p.m, string(key))
	return ok
}

func (p *plain) Clear() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.m)
	clear(p.m)
	return n
}

func (p *plain) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.m)
}

func (p *plain) Bytes() (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.m {
		n += e.Size()
	}
	return n
}

func (p *plain) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	clear(p.m)
}

// recorder is a reporter that keeps what is reported.
type recorder struct {
	mu      sync.Mutex
	failed  []string
	skipped bool
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skip(...any) {
	r.skipped = true
	runtime.Goexit()
}

// record runs a check as a subtest would, and returns what it reported.
func record(c check, patience time.Duration, open func(clock func() time.Time) tiered.Local) *recorder {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
		}()
		c.run(newSubject(r, patience, open))
	}()
	<-done
	return r
}
