package sqlscan

// kw is a word that matters to the parser; wNone is any other word.
type kw uint8

const (
	wNone kw = iota
	// words that begin or part the clauses of a statement
	wSelect
	wFrom
	wWhere
	wGroup
	wHaving
	wOrder
	wLimit
	wOffset
	wFetch
	wUnion
	wExcept
	wIntersect
	wWindow
	wJoin
	wStraightJoin
	wCross
	wInner
	wNatural
	wLeft
	wRight
	wFull
	wOuter
	wApply
	wOn
	wUsing
	wInto
	wSet
	wValues
	wFor
	wWith
	wReturning
	wOutput
	wLock
	wOption
	wTable
	// verbs
	wInsert
	wUpdate
	wDelete
	wMerge
	wReplace
	wTruncate
	wCreate
	wAlter
	wDrop
	wRename
	wExplain
	wShow
	wPragma
	wBegin
	wStart
	wCommit
	wEnd
	wRollback
	wAbort
	wSavepoint
	wRelease
	wSave
	wXA
	wAnalyze
	wRefresh
	wComment
	wExec
	wUse
	wGrant
	wDeclare
	wCall
	wTSQL // another word that begins a statement of SQL Server and is reserved there
	// words with a meaning in one place
	wAs
	wBy
	wIs
	wNot
	wIn
	wDistinct
	wAll
	wLateral
	wOnly
	wRows
	wRecursive
	wMaterialized
	wIndexed
	wIndex
	wKey
	wForce
	wIgnore
	wPartition
	wTablesample
	wOrdinality
	wPivot
	wUnpivot
	wTemporary
	wIf
	wExists
	wOr
	wConflict
	wDuplicate
	wDo
	wNothing
	wDefault
	wView
	wTrigger
	wTop
	wTo
	wWork
	wTran
	wTransaction
	wNext
	wValue
	wWithin
	wCascade
	wCascaded
	wReferences
	wColumn
	wConstraint
	wAdd
	wShare
	wNo
	wXML
	wJSON
	wBrowse
	wFirst
	wThen
	wElse
	wLoop
	wRepeat
	wWhile
	wEach
	wRow
	wFollows
	wPrecedes
	wMoving   // bare CURRENT_TIMESTAMP and its kin
	wOperator // a word between operands, or before one
)

var keywords = map[string]kw{
	"select": wSelect, "from": wFrom, "where": wWhere, "group": wGroup, "having": wHaving,
	"order": wOrder, "limit": wLimit, "offset": wOffset, "fetch": wFetch, "union": wUnion,
	"except": wExcept, "intersect": wIntersect, "window": wWindow, "join": wJoin,
	"straight_join": wStraightJoin, "cross": wCross, "inner": wInner, "natural": wNatural,
	"left": wLeft, "right": wRight, "full": wFull, "outer": wOuter, "apply": wApply, "on": wOn,
	"using": wUsing, "into": wInto, "set": wSet, "values": wValues, "for": wFor, "with": wWith,
	"returning": wReturning, "output": wOutput, "lock": wLock, "option": wOption, "table": wTable,

	"insert": wInsert, "update": wUpdate, "delete": wDelete, "merge": wMerge, "replace": wReplace,
	"truncate": wTruncate, "create": wCreate, "alter": wAlter, "drop": wDrop, "rename": wRename,
	"explain": wExplain, "describe": wExplain, "desc": wExplain, "show": wShow, "pragma": wPragma,
	"begin": wBegin, "start": wStart, "commit": wCommit, "end": wEnd, "rollback": wRollback,
	"abort": wAbort, "savepoint": wSavepoint, "release": wRelease, "save": wSave, "xa": wXA,
	"analyze": wAnalyze, "analyse": wAnalyze, "refresh": wRefresh, "comment": wComment, "exec": wExec,
	"execute": wExec, "use": wUse, "grant": wGrant, "revoke": wGrant, "declare": wDeclare, "call": wCall,
	"backup": wTSQL, "break": wTSQL, "bulk": wTSQL, "checkpoint": wTSQL, "close": wTSQL,
	"continue": wTSQL, "dbcc": wTSQL, "deallocate": wTSQL, "deny": wTSQL, "dump": wTSQL, "goto": wTSQL,
	"kill": wTSQL, "load": wTSQL, "open": wTSQL, "print": wTSQL, "raiserror": wTSQL, "readtext": wTSQL,
	"reconfigure": wTSQL, "restore": wTSQL, "return": wTSQL, "revert": wTSQL, "shutdown": wTSQL,
	"updatetext": wTSQL, "waitfor": wTSQL, "writetext": wTSQL,

	"as": wAs, "by": wBy, "is": wIs, "not": wNot, "in": wIn, "distinct": wDistinct, "all": wAll,
	"lateral": wLateral, "only": wOnly, "rows": wRows, "recursive": wRecursive,
	"materialized": wMaterialized, "indexed": wIndexed, "index": wIndex, "key": wKey, "force": wForce,
	"ignore": wIgnore, "partition": wPartition, "tablesample": wTablesample, "ordinality": wOrdinality,
	"pivot": wPivot, "unpivot": wUnpivot, "temp": wTemporary, "temporary": wTemporary, "if": wIf,
	"exists": wExists, "or": wOr, "conflict": wConflict, "duplicate": wDuplicate, "do": wDo,
	"nothing": wNothing, "default": wDefault, "view": wView, "trigger": wTrigger, "top": wTop, "to": wTo,
	"work": wWork, "tran": wTran, "transaction": wTransaction, "next": wNext, "value": wValue,
	"within": wWithin, "cascade": wCascade, "cascaded": wCascaded, "references": wReferences,
	"column": wColumn, "constraint": wConstraint, "add": wAdd, "share": wShare, "no": wNo, "xml": wXML,
	"json": wJSON, "browse": wBrowse, "first": wFirst, "then": wThen, "else": wElse, "loop": wLoop,
	"repeat": wRepeat, "while": wWhile, "each": wEach, "row": wRow, "follows": wFollows,
	"precedes": wPrecedes,

	"current_date": wMoving, "current_time": wMoving, "current_timestamp": wMoving,
	"current_user": wMoving, "current_role": wMoving, "current_catalog": wMoving,
	"current_schema": wMoving, "current_path": wMoving, "current_timezone": wMoving,
	"current_transaction_id": wMoving, "localtime": wMoving, "localtimestamp": wMoving,
	"session_user": wMoving, "system_user": wMoving, "user": wMoving, "sysdate": wMoving,
	"systimestamp": wMoving, "rownum": wMoving, "utc_date": wMoving, "utc_time": wMoving,
	"utc_timestamp": wMoving, "sqlcode": wMoving, "sqlerrm": wMoving, "nextval": wMoving,
	"currval": wMoving, "curdate": wMoving, "curtime": wMoving,

	"and": wOperator, "like": wOperator, "ilike": wOperator, "glob": wOperator,
	"regexp": wOperator, "rlike": wOperator, "between": wOperator, "case": wOperator, "when": wOperator,
	"escape": wOperator, "collate": wOperator, "div": wOperator, "mod": wOperator, "xor": wOperator,
	"match": wOperator, "against": wOperator, "any": wOperator, "some": wOperator, "over": wOperator,
	"filter": wOperator, "columns": wOperator, "similar": wOperator, "overlaps": wOperator,
	"binary": wOperator, "interval": wOperator, "separator": wOperator,
}

// keyword looks a word up without allocating.
func (p *parser) keyword(w string) kw {
	if len(w) > 22 || len(w) < 2 {
		return wNone
	}
	var low [22]byte
	for i := 0; i < len(w); i++ {
		c := w[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		low[i] = c
	}
	return keywords[string(low[:len(w)])]
}

// alwaysOperator lists the words of expressions that no dialect lets a function
// be called by, so that a parenthesis behind them is only a parenthesis.
func (p *parser) alwaysOperator(t *token) bool {
	switch t.kw {
	case wNot, wIn, wOr, wExists, wThen, wElse, wBy, wIs, wDistinct, wAll, wAs, wSelect, wWhere,
		wHaving, wOn, wFrom, wOrder, wGroup, wUsing, wSet, wReturning, wWith:
		return true
	case wLimit:
		return p.d != SQLServer
	case wValues, wDefault:
		return true
	case wRow:
		return p.d == Postgres || p.d == MySQL
	case wTop, wOption:
		return p.d == SQLServer
	case wLateral:
		return p.d == Postgres || p.d == MySQL
	case wOperator:
		switch p.text(t) {
		case "and", "AND", "case", "CASE", "when", "WHEN", "between", "BETWEEN":
			return true
		}
		return fold(p.text(t), "and", "case", "when", "between")
	}
	return false
}
