// Package key names cached results and tells queries apart.
//
// Two things live here. A [CacheKey] is the name of a cached result that people and patterns see:
// six parts, printed as one line. An [Encoder] builds the canonical form of a query, which is what
// decides whether two queries are the same one.
//
// Invariants:
//
//   - CacheKey.String is injective and Parse is its inverse: Parse accepts what String prints and
//     nothing else, so a key has one spelling.
//   - A printed key holds printable characters only: no space, no control character, no invalid
//     UTF-8, and none of the characters that have a meaning in a pattern, a Redis glob or a Redis
//     hash tag.
//   - A pattern's wildcards never cross a segment border: a literal "client" never matches "clients".
//   - Two sequences of parts given to an Encoder give the same bytes only if they are the same
//     sequence: the same calls, the same Go types, the same values.
//   - An Encoder takes no argument whose value it cannot tell apart from another: it answers
//     ErrUnknownArg, and is left as it was before.
//   - An Encoder never calls a driver.Valuer twice.
package key

import (
	"errors"
	"fmt"
	"strings"
)

// ErrMalformedKey is returned by Parse for a text that CacheKey.String does not print.
var ErrMalformedKey = errors.New("key: malformed cache key")

// segments is the number of parts of a key.
const segments = 6

// segmentNames are the parts of a key in the order they are printed, for error messages.
var segmentNames = [segments]string{"namespace", "database", "tenant", "entity", "operation", "fingerprint"}

// CacheKey is the structured name of a cached result. Any part may hold any bytes, none included.
// It is a plain value: comparable, and safe to share.
type CacheKey struct {
	// Namespace separates programs, or versions of one, that share a tier.
	Namespace string
	// Database is the identity of the database that was read.
	Database string
	// Tenant is whose data it is; empty without tenants.
	Tenant string
	// Entity is the table or model that was read.
	Entity string
	// Operation is the way it was read: first, find, count, pluck, rows, raw.
	Operation string
	// Fingerprint tells queries of one operation apart; see Encoder.Sum.
	Fingerprint string
}

// String prints the six parts, escaped, with ':' between them. Characters that are not printable or
// have a meaning elsewhere are written as %XX, byte by byte; all others stand for themselves.
func (k CacheKey) String() string {
	parts := k.parts()
	size := segments - 1
	for _, p := range parts {
		size += len(p)
	}
	b := make([]byte, 0, size)
	for i, p := range parts {
		if i > 0 {
			b = append(b, separator)
		}
		b = appendEscaped(b, p)
	}
	return string(b)
}

// Parse reads what CacheKey.String printed. Any other text, other spellings of the same parts
// included, is refused with an error that wraps ErrMalformedKey.
func Parse(s string) (CacheKey, error) {
	texts, err := split(s)
	if err != nil {
		return CacheKey{}, fmt.Errorf("%w: %w", ErrMalformedKey, err)
	}
	var parts [segments]string
	for i, text := range texts {
		part, err := unescape(text)
		if err != nil {
			return CacheKey{}, fmt.Errorf("%w: %s: %w", ErrMalformedKey, segmentNames[i], err)
		}
		if string(appendEscaped(nil, part)) != text {
			return CacheKey{}, fmt.Errorf("%w: %s is not spelled as a key prints it; build it with CacheKey.String",
				ErrMalformedKey, segmentNames[i])
		}
		parts[i] = part
	}
	return CacheKey{
		Namespace: parts[0], Database: parts[1], Tenant: parts[2],
		Entity: parts[3], Operation: parts[4], Fingerprint: parts[5],
	}, nil
}

func (k CacheKey) parts() [segments]string {
	return [segments]string{k.Namespace, k.Database, k.Tenant, k.Entity, k.Operation, k.Fingerprint}
}

// split cuts a printed key or pattern into its six segments.
func split(s string) ([segments]string, error) {
	var out [segments]string
	if n := strings.Count(s, string(separator)) + 1; n != segments {
		return out, fmt.Errorf("%d segments, want %d (%s) with ':' between them",
			n, segments, strings.Join(segmentNames[:], ", "))
	}
	for i := range out {
		out[i], s, _ = strings.Cut(s, string(separator))
	}
	return out, nil
}
