package sqlscan

import "strings"

// selectRows tells the restrictions of a SELECT, and whether it is plain.
func (p *parser) selectRows() {
	if len(p.res.Writes) > 0 {
		return
	}
	list := 1
	for p.toks[list].kw == wAll || p.toks[list].kw == wDistinct {
		list++
	}
	from := p.fromAt(list)
	if from < 0 {
		return
	}
	end := p.oneTable(from+1, p.res.Reads, false)
	if end < 0 {
		return
	}
	tail := end
	if p.toks[end].kw == wWhere {
		tail = p.clauseEnd(end + 1)
	} else if t := &p.toks[end]; t.kind != kEnd && !t.isCh(';') && !endsWhere(t.kw) {
		return
	}
	p.res.Plain = p.plainList(list, from) && p.plainTail(tail)
	if tail != end {
		p.where(end + 1)
	}
}

// fromAt returns the index of the FROM that ends the list of a SELECT, which
// begins at i; -1 if there is none.
func (p *parser) fromAt(i int) int {
	for depth := 0; p.toks[i].kind != kEnd; i++ {
		t := &p.toks[i]
		if depth += t.opens(); depth == 0 && t.kw == wFrom && p.toks[i-1].kw != wDistinct {
			return i
		}
	}
	return -1
}

// plainList reports whether the list of a SELECT names nothing but columns.
func (p *parser) plainList(i, from int) bool {
	for ; ; i++ {
		if p.toks[i].isCh('*') {
			i++
		} else {
			if i = p.plainColumn(i); i < 0 {
				return false
			}
		}
		if i == from {
			return true
		}
		if !p.toks[i].isCh(',') {
			return false
		}
	}
}

// plainColumn steps over t.*, or a column and its alias; -1 if neither is at i.
func (p *parser) plainColumn(i int) int {
	for {
		if !p.mayBeColumn(&p.toks[i]) {
			return -1
		}
		if i++; !p.toks[i].isCh('.') {
			break
		}
		if i++; p.toks[i].isCh('*') {
			return i + 1
		}
		if p.aggregate(i) {
			return -1
		}
	}
	switch t := &p.toks[i]; {
	case t.kw == wAs:
		if !p.toks[i+1].isName() {
			return -1
		}
		return i + 2
	case t.kind == kQuoted, t.kind == kWord && t.kw == wNone:
		return i + 1
	}
	return i
}

// plainTail reports whether what follows WHERE orders and limits the rows only: an
// aggregate in ORDER BY makes one row of them.
func (p *parser) plainTail(i int) bool {
	for ; p.toks[i].kind != kEnd; i++ {
		switch t := &p.toks[i]; {
		case t.isCh('('), t.kw == wGroup, t.kw == wHaving, t.kw == wWindow:
			return false
		case t.isCh('.') && p.aggregate(i+1):
			return false
		}
	}
	return true
}

// aggregate reports whether the name at token i, behind a dot, may be an aggregate
// or a function of the user's that PostgreSQL calls: t.f for f(t).
func (p *parser) aggregate(i int) bool {
	if p.d != Postgres {
		return false
	}
	name, ok := p.lowerName(i)
	if !ok {
		return true
	}
	s := strings.ToLower(string(name))
	return aggregates[s] || strings.Contains(s, "agg") ||
		p.opts != nil && (p.opts.Routines[s] || p.opts.Routines["."+s])
}

var aggregates = func() map[string]bool {
	all := map[string]bool{}
	for _, name := range strings.Fields(`any_value avg bit_and bit_or bit_xor bool_and bool_or corr count
		covar_pop covar_samp cume_dist dense_rank every max min mode percent_rank percentile_cont percentile_disc
		rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
		stddev stddev_pop stddev_samp sum var_pop var_samp variance unnest`) {
		all[name] = true
	}
	return all
}()
