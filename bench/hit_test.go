package bench

import (
	"testing"
)

// BenchmarkHit makes the same read again and again.
func BenchmarkHit(b *testing.B) {
	for _, read := range Reads() {
		for _, mode := range []struct {
			name     string
			parallel bool
		}{{"sequential", false}, {"parallel", true}} {
			for _, s := range Subjects() {
				b.Run("read="+read.Name+"/mode="+mode.name+"/subject="+s.Name(), func(b *testing.B) {
					benchmarkHit(b, s, read, mode.parallel)
				})
			}
		}
	}
}

func benchmarkHit(b *testing.B, s Subject, read Read, parallel bool) {
	db := s.Open(b, newPool(b, nil))
	run := func(check bool) {
		if err := read.Run(db.DB, check && s.Answers()); err != nil {
			b.Fatal(err)
		}
	}
	run(true) // the miss that fills the cache
	run(true)
	run(true)
	before := db.Hits()
	measure(b, func() {
		if !parallel {
			for range b.N {
				run(false)
			}
			return
		}
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := read.Run(db.DB, false); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	if hits := db.Hits() - before; s.Caches() && hits != uint64(b.N) {
		b.Fatalf("%d of %d reads were hits", hits, b.N)
	}
	run(true)
}
