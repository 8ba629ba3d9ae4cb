package querycache

import (
	"context"
	"log/slog"
)

// LogObserver is an observer that logs every read, invalidation and refresh
// with level Debug: tables, keys and durations, never values or error
// messages, which may quote values.
//
//	querycache.Config{Observers: []any{querycache.LogObserver{}}}
type LogObserver struct {
	// Logger is told. The default is slog.Default().
	Logger *slog.Logger
}

func (l LogObserver) enabled(ctx context.Context) (*slog.Logger, bool) {
	to := l.Logger
	if to == nil {
		to = slog.Default()
	}
	yes := to.Enabled(ctx, slog.LevelDebug)
	return to, yes
}

// ReadStart does nothing: the end tells all.
func (l LogObserver) ReadStart(ctx context.Context, _ ReadStartData) context.Context { return ctx }

// ReadEnd logs the read.
func (l LogObserver) ReadEnd(ctx context.Context, d ReadEndData) {
	to, ok := l.enabled(ctx)
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("table", d.Table), slog.String("operation", d.Operation),
		slog.String("outcome", d.Status.Outcome.String()), slog.Duration("duration", d.Duration),
	}
	if d.Status.Tier != "" {
		attrs = append(attrs, slog.String("tier", d.Status.Tier), slog.Duration("age", d.Status.Age))
	}
	if d.Status.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(d.Status.Reason)))
	}
	if key := d.Key(); key != "" {
		attrs = append(attrs, slog.String("key", key))
	}
	if d.Rows >= 0 {
		attrs = append(attrs, slog.Int64("rows", d.Rows))
	}
	to.LogAttrs(ctx, slog.LevelDebug, "querycache: read", append(attrs, slog.Bool("failed", d.Err != nil))...)
}

// InvalidationStart does nothing: the end tells all.
func (l LogObserver) InvalidationStart(ctx context.Context, _ InvalidationStartData) context.Context {
	return ctx
}

// InvalidationEnd logs the invalidation.
func (l LogObserver) InvalidationEnd(ctx context.Context, d InvalidationEndData) {
	to, ok := l.enabled(ctx)
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("kind", string(d.Kind)), slog.String("outcome", string(d.Outcome)),
		slog.Duration("duration", d.Duration), slog.Bool("all", d.All), slog.Any("tables", d.Tables),
		slog.Int("records", d.Records),
	}
	if d.Kind == InvalidationManual {
		attrs = append(attrs, slog.String("what", d.What), slog.Int("entries", d.Entries), slog.Bool("failed", d.Err != nil))
	}
	to.LogAttrs(ctx, slog.LevelDebug, "querycache: invalidation", attrs...)
}

// RefreshStart does nothing: the end tells all.
func (l LogObserver) RefreshStart(ctx context.Context, _ RefreshStartData) context.Context {
	return ctx
}

// RefreshEnd logs the refresh.
func (l LogObserver) RefreshEnd(ctx context.Context, d RefreshEndData) {
	if to, ok := l.enabled(ctx); ok {
		to.LogAttrs(ctx, slog.LevelDebug, "querycache: refresh", slog.String("table", d.Table),
			slog.String("operation", d.Operation), slog.Duration("duration", d.Duration), slog.Bool("failed", d.Err != nil))
	}
}
