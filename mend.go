package querycache

var mends = map[Reason]string{
	ReasonSkip:            "leave out Skip, as a scope or as an option of the context",
	ReasonOption:          "correct the option that the detail names",
	ReasonPolicy:          "choose another policy than NetworkOnly, for the query, for its tables or in Config",
	ReasonTableRule:       "remove Off from the rule of the table in Config.Tables",
	ReasonOptIn:           "give the query the option Cache, or set On for all of its tables in Config.Tables",
	ReasonDisabled:        "switch the plugin on with Enable",
	ReasonClosed:          "none: a closed plugin stays closed; open the database with a new one",
	ReasonTransaction:     "read outside the transaction, if the query need not see what the transaction wrote",
	ReasonConnection:      "query through the *gorm.DB that the plugin was installed on, without putting another pool or connection into the session",
	ReasonReplica:         "set Config.ReplicaLag to the longest that replicas are behind, or send the query to the source (dbresolver.Write)",
	ReasonArgument:        "pass a number, a string, a []byte, a time.Time or a driver.Valuer that gives one of them, and a time instead of a text such as 'now'",
	ReasonUncopyable:      "give the type that the log names a Clone method, or list it in Config.ImmutableTypes if nobody changes its values",
	ReasonPending:         "none: it is cached again when the write has ended; if that lasts, look for transactions that are left open, and in Health",
	ReasonRefused:         "write the statement in plainer SQL: the detail says what was not understood",
	ReasonImpure:          "work out in Go what varies, such as the time, and pass it as an argument; name functions that depend on their arguments alone in Config.PureFunctions",
	ReasonNotRead:         "none: only reads are cached",
	ReasonNoTables:        "none: no write would invalidate it",
	ReasonUnknownTable:    "if the table was made past GORM, call Reload; temporary and virtual tables, and those of other servers, are not cached",
	ReasonCatalog:         "let the database's role read its catalog (Health says what failed), then call Reload",
	ReasonReadUncommitted: "open the connections with READ COMMITTED or a stricter level",
}

// Mend says what would make a read cacheable that was refused for the reason,
// in one line that begins with "none" if nothing would. It is empty for texts
// that are no reason. Explanation.Mend says it of one query, and may be more
// exact.
func (r Reason) Mend() string { return mends[r] }
