// Rows of any length times packed columns on the vectors: linear layers.

/// Numbers of a row that are multiplied before those behind them. Longer rows are cut into parts, which meet in the result; lines of them
/// lie so far apart that they would push each other out of the caches, so that a part of each is copied to where they lie closer.
constexpr long long_row = 2560, copied_floats = 320 << 10, copied_rows = 512;

RAIN_INLINE long row_parts(long k, bool gated) { return gated ? 1 : (k + long_row - 1) / long_row; }

struct RowBuffers {
    alignas(64) float rows[copied_floats];
    alignas(64) float sums[copied_rows * panel_width];
};

static_assert(sizeof(RowBuffers) <= thread_buffer_bytes);

/// Rows of x, k numbers each, × layers; row r goes to line r of their sinks.
inline void multiply_whole_rows(Range rows, const float *x, long k, const Layers &layers) {
    RowBuffers &buffers = *static_cast<RowBuffers *>(thread_buffer());
    const long parts = row_parts(k, layers.of[0].to.epilogue.gated), longest = stretch(k, parts, 0, 16).end;
    // Not a power of two apart.
    const long stride = longest + 32, room = parts > 1 ? copied_floats / stride / tile_rows * tile_rows : copied_rows;
    for (long r = rows.begin; r < rows.end; r += room) {
        const long count = rows.end - r < room ? rows.end - r : room;
        for (long part = 0; part < parts; part++) {
            const Range inner = stretch(k, parts, part, 16);
            const long depth = inner.end - inner.begin;
            Source from = {nullptr, 0, 1, x + r * k + inner.begin, k};
            if (parts > 1) {
                for (long i = 0; i < count; i++) map_row(depth, from.base + i * k, buffers.rows + i * stride, [](V v) { return v; });
                from = {nullptr, 0, 1, buffers.rows, stride};
            }
            for (const Layer &layer : layers) {
                // There is no room for gated sums in y, and lines of y that lie far apart push each other out of the caches, too.
                const bool apart = layer.to.epilogue.gated || (k > 2 * most_depth && layer.to.stride >= 1024);
                Sink sink = layer.to;
                sink.add = layer.to.add || part > 0;
                if (part < parts - 1) sink.epilogue = {};
                for (long p = layer.panels.begin; p < layer.panels.end; p++) {
                    const float *packed = layer.packed + inner.begin * layer.to.vectors(p) * W;
                    multiply(count, from, depth, k, packed, p, p + 1, sink, nullptr, r, apart ? buffers.sums : nullptr);
                }
            }
        }
    }
}
