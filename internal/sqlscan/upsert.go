package sqlscan

import "slices"

// insertRows reads an INSERT.
func (p *parser) insertRows(s *survey) {
	if len(p.res.Writes) != 1 {
		return
	}
	other := p.toks[1].kw == wOr
	if other && !p.keepsOthers(2) {
		return
	}
	switch {
	case s.conflicts == 0 && s.verbs == 1:
		p.res.Change = &Change{Verb: VerbInsert}
	case s.conflicts == 1 && s.verbs == 1:
		p.doNothing()
	case s.conflicts == 1 && s.verbs == 2 && s.selects == 0 && !other && !s.beyond:
		p.upsertRows()
	}
}

// doNothing wants the one conflict clause to end in DO NOTHING.
func (p *parser) doNothing() {
	i := len(p.toks) - 1
	for depth := 0; i > 0; i-- {
		if depth += p.toks[i].opens(); depth == 0 && p.toks[i].kw == wNothing && p.toks[i-1].kw == wDo {
			break
		}
	}
	if t := p.toks[min(i+1, len(p.toks)-1)]; i > 0 && (t.kind == kEnd || t.isCh(';') || t.kw == wReturning) {
		p.res.Change = &Change{Verb: VerbInsert}
	}
}

// upsertRows reads INSERT INTO t (…) VALUES … ON CONFLICT (…) DO UPDATE SET ….
func (p *parser) upsertRows() {
	if p.toks[1].kw != wInto || !p.readsOnly(p.res.Writes[0]) {
		return
	}
	i := p.oneTable(2, p.res.Writes, true)
	if i < 0 {
		return
	}
	last := len(p.toks) - 1
	first, listed := i, p.toks[i].isCh('(')
	if listed {
		if i = p.closing(i, last) + 1; i == 0 {
			return
		}
	}
	if p.toks[i].kw != wValues {
		return
	}
	values, count := i+1, 0
	for more := true; more; more = p.toks[i].isCh(',') {
		end := p.closing(i+1, last)
		if !p.toks[i+1].isCh('(') || end < 0 {
			return
		}
		i = end + 1
		count++
	}
	if p.toks[i].kw != wOn || p.toks[i+1].kw != wConflict || !p.toks[i+2].isCh('(') {
		return
	}
	end := p.closing(i+2, last)
	if end < 0 {
		return
	}
	target := p.targets(i+3, end)
	if target == nil || p.toks[end+1].kw != wDo || p.toks[end+2].kw != wUpdate || p.toks[end+3].kw != wSet {
		return
	}
	target = tidy(target)
	assigned, behind := p.assignments(end + 4)
	if behind < 0 {
		return
	}
	if t := &p.toks[behind]; t.kind != kEnd && !t.isCh(';') && t.kw != wWhere && t.kw != wReturning {
		return
	}
	c := &Change{Verb: VerbInsert, Upsert: true, Assigned: assigned, Target: target}
	if listed && count <= maxPinned {
		p.inserted(c, first+1, values, count)
	}
	p.res.Change = c
}

// targets reads the columns of ON CONFLICT, from from up to to.
func (p *parser) targets(from, to int) (columns []string) {
	for i := from; i < to; i += 2 {
		name, ok := p.column(i, true)
		if !ok || i+1 < to && !p.toks[i+1].isCh(',') {
			return nil
		}
		columns = append(columns, name)
	}
	return columns
}

// inserted adds what an upsert inserts into the columns of its target. The list of
// columns begins at list, the count rows at values.
func (p *parser) inserted(c *Change, list, values, count int) {
	places, columns := p.places(c.Target, list)
	if columns == nil {
		return
	}
	all, rows := make([]Operand, count*len(columns)), make([][]Operand, 0, count)
	for i := values; len(rows) < count; i++ { // at a parenthesis, then behind it at a comma
		row := all[len(rows)*len(columns):][:len(columns):len(columns)]
		if i = p.insertedRow(row, places, i); i < 0 {
			return
		}
		rows = append(rows, row)
	}
	c.Columns, c.Rows = columns, rows
}

// places reads the columns that an INSERT names, and returns those of them that are
// in target, in its order, with the place of each among those returned: -1 for
// the other columns.
func (p *parser) places(target []string, list int) (places []int, columns []string) {
	at := make([]int, len(target)) // place in the list, from 1
	for i := list; ; i += 2 {
		name, ok := p.column(i, false)
		if !ok || p.d == SQLite && fold(name, "rowid", "_rowid_", "oid") { // perhaps another name of a column named too
			return nil, nil
		}
		places = append(places, -1)
		if _, exact := p.column(i, true); exact {
			if k := slices.Index(target, name); k >= 0 {
				if at[k] > 0 {
					return nil, nil
				}
				at[k] = len(places)
			}
		}
		if p.toks[i+1].isCh(')') {
			break
		}
		if !p.toks[i+1].isCh(',') {
			return nil, nil
		}
	}
	for k, place := range at {
		if place > 0 {
			places[place-1] = len(columns)
			columns = append(columns, target[k])
		}
	}
	return places, columns
}

// insertedRow reads the row of VALUES whose parenthesis stands at i into row. It
// returns the index of the token behind the row, -1 if it has not one value for each
// column.
func (p *parser) insertedRow(row []Operand, places []int, i int) int {
	begin, k := i+1, 0
	for depth := 0; ; i++ {
		t := &p.toks[i]
		depth += t.opens()
		if depth > 1 || depth == 1 && !t.isCh(',') {
			continue
		}
		if k == len(places) {
			return -1
		}
		if place := places[k]; place >= 0 {
			op, ok := p.operand(begin)
			if !ok || i != begin+1 {
				op = Operand{Param: -1}
			}
			row[place] = op
		}
		k, begin = k+1, i+1
		if depth == 0 {
			break
		}
	}
	if k != len(places) {
		return -1
	}
	return i + 1
}
