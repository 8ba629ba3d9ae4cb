package querycache_test

import (
	"os"
	"reflect"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"github.com/gorm-querycache/querycache/internal/stampbits"
)

func TestMain(m *testing.M) {
	stampbits.More = 6 // many tests write beside others that count hits
	// database/sql never lets go of rows whose Scanner panicked: the goroutine that closes them stays, in
	// plain GORM as well. One test lets that happen, to show that nobody else waits for it.
	scan := runtime.FuncForPC(reflect.ValueOf((*bomb).Scan).Pointer()).Name()
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(scan),
		goleak.Cleanup(func(code int) { dropShared(); os.Exit(code) }))
}
