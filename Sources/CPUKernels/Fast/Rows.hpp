// Rows of any length times packed columns on the vectors: linear layers.

/// Numbers of a row that are multiplied before those behind them. Longer rows are cut into parts, which meet in the result; lines of them
/// lie so far apart that they would push each other out of the caches, so that a part of each is copied to where they lie closer.
constexpr long long_row = 2560, copied_floats = 320 << 10, copied_rows = 512;

RAIN_INLINE long row_parts(long k, bool gated) { return gated ? k > 0 : (k + long_row - 1) / long_row; }

struct RowBuffers {
    alignas(64) float rows[copied_floats];
    alignas(64) float sums[copied_rows * panel_width];
};

static_assert(sizeof(RowBuffers) <= thread_buffer_bytes);

/// Rows of x × layers; row r goes to line r of their sinks.
inline void multiply_whole_rows(Range rows, const Sides &x, const Layers &layers) {
    RowBuffers &buffers = *static_cast<RowBuffers *>(thread_buffer());
    const bool gated = layers.of[0].to.epilogue.gated;
    const long k = x.count(), first_parts = row_parts(x.counts[0], gated), parts = first_parts + row_parts(x.counts[1], gated);
    // Of part i: which of the two, and what of its rows.
    auto side = [&](long i) { return int(i >= first_parts); };
    auto inner = [&](long i) {
        return side(i) ? stretch(x.counts[1], parts - first_parts, i - first_parts, 16) : stretch(x.counts[0], first_parts, i, 16);
    };
    const bool copies = first_parts > 1 || parts - first_parts > 1;
    long longest = 0;
    for (long i = 0; i < parts; i++) longest = inner(i).end - inner(i).begin > longest ? inner(i).end - inner(i).begin : longest;
    // Not a power of two apart.
    const long stride = longest + 32, room = copies ? copied_floats / stride / tile_rows * tile_rows : copied_rows;
    for (long r = rows.begin; r < rows.end; r += room) {
        const long count = rows.end - r < room ? rows.end - r : room;
        auto source = [&](long part) {
            const Range range = inner(part);
            const long depth = range.end - range.begin, line = x.counts[side(part)];
            const float *from = x.row(side(part), r) + range.begin;
            if (depth == line) return Source{nullptr, 0, 1, from, line};
            for (long i = 0; i < count; i++) map_row(depth, from + i * line, buffers.rows + i * stride, [](V v) { return v; });
            return Source{nullptr, 0, 1, buffers.rows, stride};
        };
        auto multiply_part = [&](long part, const Source &from, const Layer &layer, Range panels) {
            const Range range = inner(part);
            const long begin = x.begin(side(part)) + range.begin;
            // There is no room for gated sums in y, and lines of y that lie far apart push each other out of the caches, too.
            const bool apart = gated || (k > 2 * most_depth && layer.to.stride >= 1024);
            Sink sink = layer.to;
            sink.add = layer.to.add || part > 0;
            if (part < parts - 1) sink.epilogue = {};
            for (long p = panels.begin; p < panels.end; p++) {
                const float *packed = layer.packed + begin * layer.to.vectors(p) * W;
                multiply(count, from, range.end - range.begin, k, packed, p, p + 1, sink, nullptr, r, apart ? buffers.sums : nullptr);
            }
        };
        if (copies) {
            for (long part = 0; part < parts; part++) {
                const Source from = source(part);
                for (const Layer &layer : layers) multiply_part(part, from, layer, layer.panels);
            }
            continue;
        }
        // Sums that wait for the second part's are wanted again soon.
        for (const Layer &layer : layers) {
            for (long p = layer.panels.begin; p < layer.panels.end; p++) {
                for (long part = 0; part < parts; part++) multiply_part(part, source(part), layer, {p, p + 1});
            }
        }
    }
}
