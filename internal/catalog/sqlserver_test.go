package catalog

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// recorded answers a query by the first key that its text contains, with rows
// as SQL Server returns them. A query that no key fits is an error.
type recorded map[string][][]driver.Value

func (r recorded) Connect(context.Context) (driver.Conn, error) { return recordedConn{r}, nil }
func (r recorded) Driver() driver.Driver                        { return nil }

type recordedConn struct{ rows recorded }

func (c recordedConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not recorded") }
func (c recordedConn) Begin() (driver.Tx, error)           { return nil, errors.New("not recorded") }
func (c recordedConn) Close() error                        { return nil }

func (c recordedConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	for key, rows := range c.rows {
		if strings.Contains(query, key) {
			return &recordedRows{rows: rows}, nil
		}
	}
	return nil, errors.New("not recorded: " + query)
}

type recordedRows struct{ rows [][]driver.Value }

func (r *recordedRows) Columns() []string {
	if len(r.rows) == 0 {
		return nil
	}
	return make([]string, len(r.rows[0]))
}
func (r *recordedRows) Close() error { return nil }
func (r *recordedRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

// object is a row of the query for tables: name, type, definition, synonym of,
// history table, external, secured, computed, sighted.
func object(name, kind string, definition, synonym, history any, flags ...int64) []driver.Value {
	row := []driver.Value{name, kind, definition, synonym, history}
	for _, f := range flags {
		row = append(row, f)
	}
	return row
}

func TestSQLServer(t *testing.T) {
	db := sql.OpenDB(recorded{
		"SERVERPROPERTY": {{"SHOP\\A", "shop", "dbo", int64(2)}},
		"sys.objects o": {
			object("Customers", "U", nil, nil, nil, 0, 0, 0, 1),
			object("Orders", "U", nil, nil, "OrdersHistory", 0, 0, 0, 1),
			object("OrdersHistory", "U", nil, nil, nil, 0, 0, 0, 1),
			object("Audit", "U", nil, nil, nil, 0, 0, 0, 1),
			object("Other", "U", nil, nil, nil, 0, 0, 0, 1),
			object("Secret", "U", nil, nil, nil, 0, 1, 0, 1),
			object("Ages", "U", nil, nil, nil, 0, 0, 1, 1),
			object("Lake", "U", nil, nil, nil, 1, 0, 0, 1),
			object("Names", "V", "CREATE VIEW dbo.Names AS SELECT name FROM dbo.Customers", nil, nil, 0, 0, 0, 1),
			object("Locked", "V", nil, nil, nil, 0, 0, 0, 1),
			object("Alias", "SN", nil, "[shop].[dbo].[Orders]", nil, 0, 0, 0, 1),
			object("Afar", "SN", nil, "elsewhere.dbo.things", nil, 0, 0, 0, 1),
		},
		"sys.foreign_keys": {{"Customers", "Orders"}},
		"sys.triggers t": {
			{"Orders", "t1", "CREATE TRIGGER dbo.t1 ON dbo.Orders WITH EXECUTE AS OWNER AFTER INSERT, UPDATE AS BEGIN\n" +
				"IF UPDATE(total) UPDATE x SET n = n + 1 FROM dbo.Audit x JOIN inserted i ON i.id = x.id; END"},
			{"Names", "t2", "CREATE TRIGGER t2 ON Names INSTEAD OF INSERT AS INSERT INTO [dbo].[Other] SELECT name FROM inserted"},
			{"Audit", "t3", nil},
			{"Other", "t4", "CREATE TRIGGER t4 ON Other FOR DELETE AS EXEC dbo.cleanup"},
		},
	})
	defer db.Close()
	c := load(t, db, sqlscan.SQLServer)
	if c.Identity() != `sqlserver:shop\a` || c.Scope() != "shop/dbo" || c.ReadUncommitted() {
		t.Errorf("identity %q, scope %q, dirty %v", c.Identity(), c.Scope(), c.ReadUncommitted())
	}
	wantReads(t, c, "customers", "customers")
	wantReads(t, c, "orders", "orders", "ordershistory")
	wantReads(t, c, "names", "customers", "names")
	wantReads(t, c, "alias", "alias", "orders", "ordershistory")
	wantRefused(t, c, "afar", "things")
	wantRefused(t, c, "secret", "security policy")
	wantRefused(t, c, "ages", "computed column")
	wantRefused(t, c, "lake", "external")
	wantRefused(t, c, "locked", "cannot be seen")
	wantAll(t, c, "locked", "cannot be seen")
	wantAll(t, c, "afar", "things")
	wantAll(t, c, "audit", "t3")
	wantAll(t, c, "other", "exec")
	wantAll(t, c, "customers", "t3") // customers → orders → t1 → audit → t3
	if got, _ := c.Writes([]string{"names"}); strings.Join(got, ",") != "audit,customers,names,orders,ordershistory,other,x" {
		t.Errorf("Writes(names) = %v", got)
	}
}

func TestSQLServerPoorRoleAndDirtySession(t *testing.T) {
	db := sql.OpenDB(recorded{
		"SERVERPROPERTY":   {{nil, "shop", "", int64(1)}},
		"sys.objects o":    {object("t", "U", nil, nil, nil, 0, 0, 0, 0)},
		"sys.foreign_keys": nil,
		"sys.triggers t":   nil,
	})
	defer db.Close()
	c := load(t, db, sqlscan.SQLServer)
	if !c.ReadUncommitted() || c.Identity() != "" {
		t.Error("READ UNCOMMITTED is not seen, or a server without a name has one")
	}
	wantRefused(t, c, "t", "VIEW DEFINITION")
	wantAll(t, c, "t", "VIEW DEFINITION")
}

// Half a catalog must not be taken for a whole one.
func TestLoadFailsWhole(t *testing.T) {
	whole := recorded{
		"SERVERPROPERTY": {{"s", "d", "", int64(2)}}, "sys.objects o": nil, "sys.foreign_keys": nil, "sys.triggers t": nil,
	}
	for missing := range whole {
		part := recorded{}
		for key, rows := range whole {
			if key != missing {
				part[key] = rows
			}
		}
		db := sql.OpenDB(part)
		if c, err := Load(context.Background(), db, sqlscan.SQLServer, nil); err == nil || c != nil {
			t.Errorf("without %q: %v, %v", missing, c, err)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("without %q %d connections stay in use", missing, n)
		}
		db.Close()
	}
}
