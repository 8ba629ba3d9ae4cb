// Package snapshot keeps typed, alias-free Go copies of destinations that
// gorm.Scan has just filled, and writes them into other callers' destinations
// in place of a scan.
//
// A [Planner] looks at a destination's type once and compiles a [Plan], or
// says why no copy of such a destination would be exact. [Plan.Take] copies a
// scanned destination into a [Snapshot]; [Plan.Put] leaves another destination
// of the same type as the same scan would have left it.
//
// # Invariants
//
// Everything below is tested against gorm.Scan itself.
//
//  1. Exact. After Put a destination equals, to the nil, the capacity and the
//     zone, one that gorm.Scan filled from the same rows, given the same former
//     state. Where that cannot be had, Plan gives a reason, Accepts says no, or
//     Take says no; the caller then replays rows.
//  2. Alias-free. No memory that anybody can write is shared between a
//     snapshot, the destination it was taken from, and the destinations it was
//     put into. Shared are strings, time zones, the addresses of net/netip, and
//     values of types that the configuration calls immutable.
//  3. Only what a scan fills. Fields that are no readable columns, and
//     relations that no join names, are zero in a snapshot; Take refuses a
//     destination where they are not.
//  4. A type that decodes itself (sql.Scanner, UnmarshalJSON, GobDecode ...)
//     may point to anything, so its values are copied only when it holds no
//     pointers, is known to this package, is declared immutable, or clones
//     itself. The clone is compared with its original, and searched for shared
//     memory, when the snapshot is taken.
//  5. A snapshot never changes. Take finishes writing it before it is
//     returned; any number of goroutines may Put it at once.
//  6. Take ends. Values that contain themselves are refused.
//
// # How a copy is made
//
// A record is first copied as memory, all records of a result at once. That
// leaves it right but for the pointers in it, so a plan is a list of the places
// where pointers are, each with the operation that gives the copy its own. A
// record of numbers, strings and times has an empty list.
package snapshot
