//go:build unix

package bench

import (
	"syscall"
	"time"
)

// cpuTime is how long the process has run on a core so far, with the garbage
// collector and in the system. On a machine that does other things too it
// wavers far less than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
