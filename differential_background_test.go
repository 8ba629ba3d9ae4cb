package querycache

// Running is how many goroutines the plugin runs, for tests that wait for them.
func (p *Plugin) Running() int {
	p.background.mu.Lock()
	defer p.background.mu.Unlock()
	return p.background.running
}
