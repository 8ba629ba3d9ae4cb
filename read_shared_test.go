package querycache_test

import (
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

// onEach runs f on databases filled by seed that all tests share who write nothing. A text that is not understood
// is a write, too:
//
//  1. A test has read for the first time, and expects a hit.
//  2. Another sends a syntax error. It may have written anything.
//  3. The first reads again, and asks the database.
//
// That happens by chance, so it is looked for: tests that send such texts belong to onOwn.
func onEach(t *testing.T, f func(t *testing.T, d *testdb.Database)) {
	t.Helper()
	t.Parallel()
	for _, dialect := range []testdb.Dialect{testdb.SQLite, testdb.Postgres, testdb.MySQL} {
		t.Run(string(dialect), func(t *testing.T) {
			holdServer(t, dialect)
			s := sharedDatabase(t, dialect)
			s.settle(t)
			f(t, s.data)
			if !s.warm(t) {
				t.Error("this test, or one beside it that runs by onEach, too, wrote to the database they share: run it by onOwn")
			}
		})
	}
}

// sharedDB is a database that tests share, with a cache that tells whether any of them wrote.
type sharedDB struct {
	data  *testdb.Database
	mu    sync.Mutex
	watch *testdb.DB
}

// settle reads until that is a hit. It need not be soon: on a server that other tests use too, they may have changed
// the schema, and the watching pool reads the catalog again in the background.
func (s *sharedDB) settle(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !s.warm(t); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("nothing is cached from the database that tests share")
		}
	}
}

// warm reads, and tells whether that was a hit: nobody has written since it was called before.
func (s *sharedDB) warm(t *testing.T) bool {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.watch.Recorder.Queries()
	must(t, s.watch.Find(&[]Company{}).Error)
	return s.watch.Recorder.Queries() == before
}

// lasting makes what belongs to a test last until all tests are over.
type lasting struct{ testing.TB }

var shared struct {
	sync.Mutex
	databases map[testdb.Dialect]*sharedDB
	drop      []func()
}

func (l lasting) Cleanup(f func()) { shared.drop = append(shared.drop, f) }

func (l lasting) TempDir() string {
	dir, err := os.MkdirTemp("", "querycache-test-")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func sharedDatabase(t *testing.T, dialect testdb.Dialect) *sharedDB {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	s := shared.databases[dialect]
	if s == nil {
		d := testdb.New(lasting{t}, dialect)
		seed(t, d)
		day := tiered.Config{L1TTL: 24 * time.Hour}
		s = &sharedDB{data: d, watch: d.Open(lasting{t}, testdb.Options{Plugins: []gorm.Plugin{querycache.New(querycache.Config{Tiered: day})}})}
		if shared.databases == nil {
			shared.databases = map[testdb.Dialect]*sharedDB{}
		}
		shared.databases[dialect] = s
	}
	return s
}

// dropShared takes back what was made last first.
func dropShared() {
	for i := len(shared.drop) - 1; i >= 0; i-- {
		shared.drop[i]()
	}
}
