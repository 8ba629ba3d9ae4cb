package querycache

// lagging is whether some pool may lag behind, as far as so many databases and
// resolvers told.
type lagging struct {
	databases, resolvers int
	behind               bool
}

// bind takes notice of a *gorm.DB that the plugin was installed on.
func (p *Plugin) bind(b *binding) {
	p.adopting.Lock()
	defer p.adopting.Unlock()
	all := append([]*binding(nil), *p.bindings.Load()...)
	all = append(all, b)
	p.bindings.Store(&all)
}

// mayLag tells whether a read may be sent to a pool that lags behind the writes,
// by a dbresolver beside the plugin on any *gorm.DB.
func (p *Plugin) mayLag() bool {
	now := lagging{databases: len(*p.databases.Load())}
	bindings := *p.bindings.Load()
	for _, b := range bindings {
		if b.resolver.config.Plugins[resolverName] != nil {
			now.resolvers++
		}
	}
	if now.resolvers == 0 {
		return false
	}
	if known := p.lag.Load(); known != nil && known.databases == now.databases && known.resolvers == now.resolvers {
		return known.behind
	}
	for _, b := range bindings {
		if pl := b.resolver.config.Plugins[resolverName]; pl != nil {
			for _, behind := range *b.resolver.learn(b, pl) {
				now.behind = now.behind || behind
			}
		}
	}
	p.lag.Store(&now)
	return now.behind
}
