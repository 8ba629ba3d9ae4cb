package bench

import "testing"

// measure runs what is timed, and reports beside the time what it took of the
// cores, with what the garbage collector did meanwhile: cpu-ns/op.
func measure(b *testing.B, timed func()) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	timed()
	used := cpuTime() - before
	b.StopTimer()
	if used > 0 {
		b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
	}
}
