package querycache_test

import (
	"reflect"
	"runtime"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"

	"github.com/gorm-querycache/querycache/internal/stampbits"
)

func TestMain(m *testing.M) {
	// Many tests write beside others that count hits. The larger table is not to let garbage pile up to its size.
	stampbits.More = 4
	debug.SetGCPercent(20)
	// database/sql never lets go of rows whose Scanner panicked: the goroutine that closes them stays, in
	// plain GORM as well. One test lets that happen, to show that nobody else waits for it.
	scan := runtime.FuncForPC(reflect.ValueOf((*bomb).Scan).Pointer()).Name()
	goleak.VerifyTestMain(running{m}, goleak.IgnoreAnyFunction(scan))
}

// running drops what tests shared before anybody looks for goroutines.
type running struct{ *testing.M }

func (r running) Run() int {
	defer dropShared()
	return r.M.Run()
}
