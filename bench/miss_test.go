package bench

import (
	"testing"
)

// BenchmarkMiss reads 10 rows, by a query that nobody has made before.
func BenchmarkMiss(b *testing.B) {
	for _, s := range Subjects() {
		b.Run("subject="+s.Name(), func(b *testing.B) {
			db := s.Open(b, newPool(b, nil))
			fresh := 0
			read := func(check bool) {
				fresh++
				category := int64(fresh) % (items / perCategory)
				var found []Item
				err := db.Where("category_id = ? AND stock > ?", category, -fresh).Find(&found).Error
				switch {
				case err != nil:
					b.Fatal(err)
				case !s.Answers():
					return
				case len(found) != perCategory:
					b.Fatalf("%d rows, want %d", len(found), perCategory)
				}
				for i := range found {
					if id := category*perCategory + int64(i) + 1; found[i].ID != id {
						b.Fatalf("item %d, want %d", found[i].ID, id)
					} else if check {
						if err := right(found[i], id); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			read(true)
			before := db.Hits()
			measure(b, func() {
				for range b.N {
					read(false)
				}
			})
			if hits := db.Hits() - before; hits != 0 {
				b.Fatalf("%d of %d reads were hits", hits, b.N)
			}
		})
	}
}
