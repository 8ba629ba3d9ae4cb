package querycache

import "github.com/gorm-querycache/querycache/internal/analysis"

// Reason is why a read was not answered from the cache, as Stats counts it
// and Explain reports it.
type Reason string

// The reasons.
const (
	// ReasonSkip: the query asked for it (Skip).
	ReasonSkip Reason = "skip"
	// ReasonOption: one of the query's options cannot be used.
	ReasonOption Reason = "option"
	// ReasonPolicy: the policy is NetworkOnly.
	ReasonPolicy Reason = "policy"
	// ReasonTableRule: a table of the query is Off in Config.Tables.
	ReasonTableRule Reason = "table rule"
	// ReasonOptIn: Config.OptIn is set, and neither the query (Cache) nor the
	// rules of all its tables ask for caching.
	ReasonOptIn Reason = "opt-in"
	// ReasonDisabled: the plugin is switched off (Disable, Config.Disabled).
	ReasonDisabled Reason = "disabled"
	// ReasonClosed: the plugin is closed.
	ReasonClosed Reason = "closed"
	// ReasonTransaction: the query ran in a transaction, which may see rows
	// that nobody else may.
	ReasonTransaction Reason = "transaction"
	// ReasonConnection: the query ran on a connection that the plugin does
	// not own, or that was taken out of the pool.
	ReasonConnection Reason = "connection"
	// ReasonReplica: the query was sent to a replica, which may lag behind
	// the last write (see Config.ReplicaLag).
	ReasonReplica Reason = "replica"
	// ReasonArgument: an argument's type is not understood, or its text is
	// a moving time such as "now".
	ReasonArgument Reason = "argument"
	// ReasonUncopyable: values of the type that Fetch was asked for cannot be
	// copied.
	ReasonUncopyable Reason = "not copyable"
	// ReasonPending: a write to one of the tables was under way.
	ReasonPending Reason = "write pending"
	// ReasonRefused: the SQL text could be read in more than one way.
	ReasonRefused = Reason(analysis.ReasonRefused)
	// ReasonImpure: the result depends on more than the tables' rows.
	ReasonImpure = Reason(analysis.ReasonImpure)
	// ReasonNotRead: the statement writes.
	ReasonNotRead = Reason(analysis.ReasonNotRead)
	// ReasonNoTables: the query reads no table.
	ReasonNoTables = Reason(analysis.ReasonNoTables)
	// ReasonUnknownTable: a name is no table or view that the catalog knows,
	// or one that cannot be cached.
	ReasonUnknownTable = Reason(analysis.ReasonUnknownTable)
	// ReasonCatalog: the database's catalog could not be read.
	ReasonCatalog = Reason(analysis.ReasonCatalog)
	// ReasonReadUncommitted: the connections read uncommitted data.
	ReasonReadUncommitted = Reason(analysis.ReasonReadUncommitted)
)
