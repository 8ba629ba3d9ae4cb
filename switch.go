package querycache

// Disable switches the plugin off, in tests or when something is wrong: from
// now on reads go to the database, and nothing is looked up or stored. They
// are counted under ReasonDisabled. Writes go on invalidating, so that what is
// cached stays right, and Enable may be called at any time. Reads that are
// under way end as they began. It may be called again.
func (p *Plugin) Disable() { p.disabled.Store(true) }

// Enable switches the plugin on again, with what was cached before. It may be
// called again.
func (p *Plugin) Enable() { p.disabled.Store(false) }

// Enabled tells whether the plugin is switched on. A plugin whose Config has
// Disabled set starts switched off.
func (p *Plugin) Enabled() bool { return !p.disabled.Load() }
