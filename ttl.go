package querycache

import "time"

// Usual times to live, for TTL, SWR and TableRule. Freshness does not hang on
// them: a write invalidates at once, whatever the TTL.
const (
	// TTLRealtime is 10 seconds.
	TTLRealtime = 10 * time.Second
	// TTLShort is one minute.
	TTLShort = time.Minute
	// TTLMedium is 5 minutes.
	TTLMedium = 5 * time.Minute
	// TTLLong is one hour.
	TTLLong = time.Hour
	// TTLDaily is 24 hours.
	TTLDaily = 24 * time.Hour
)
