// Rows times packed columns on the processor's matrix unit (AMX), float32 in and out.
//
// The unit multiplies bfloat16 and sums in float32. A float x is the sum of two of them but for 2⁻¹⁸ of it, x ≈ hi + lo, so
// hi·hi + hi·lo + lo·hi is a product of floats but for about 2⁻¹⁷: three passes of a unit that is more than ten times as fast as
// the vectors. Numbers below 10⁻³⁸ count as zero, those above 3.39·10³⁸ and infinities make a NaN.
//
// A panel of up to 2·W columns holds, for each 32 numbers of k, the high and then the low parts: for each W columns one tile of
// 16 rows, row i the pairs (k = 2i, 2i + 1) of the columns. That takes the room of the floats, k rounded up to 32.

constexpr long tile_depth = 32;      // numbers of k in a tile
constexpr long tile_floats = 256;    // 1 KB: 16 rows of 64 bytes
constexpr long tile_side = 16;
/// Rows and numbers of k that are split at once: together they should stay in the second-level cache.
constexpr long split_rows = 256, split_depth = 1280;

RAIN_INLINE long padded_depth(long k) { return (k + tile_depth - 1) / tile_depth * tile_depth; }

typedef uint16_t Halves __attribute__((ext_vector_type(16)));
typedef uint32_t Words __attribute__((ext_vector_type(16)));

RAIN_INLINE Words high_part(V x) {
    return __builtin_convertvector(Halves((__m256i)_mm512_cvtneps_pbh(__m512(x))), Words);
}
RAIN_INLINE V rest(V x, Words high) { return x - V(high << 16); }

/// Pairs of the vectors for even and odd k, high and low parts.
RAIN_INLINE void store_pairs(V even, V odd, float *high, float *low) {
    const Words e = high_part(even), o = high_part(odd);
    store(high, V(e | o << 16));
    store(low, V(high_part(rest(even, e)) | high_part(rest(odd, o)) << 16));
}

/// A row of a tile: 32 numbers, the high parts here, the low parts a tile further on.
RAIN_INLINE void store_split(float *tile, V first, V second) {
    const Words f = high_part(first), s = high_part(second);
    const __m512i high = _mm512_inserti64x4(_mm512_castsi256_si512(__m256i(__builtin_convertvector(f, Halves))),
                                            __m256i(__builtin_convertvector(s, Halves)), 1);
    store(tile, V(high));
    store(tile + tile_floats, V((__m512i)_mm512_cvtne2ps_pbh(__m512(rest(second, s)), __m512(rest(first, f)))));
}

/// Packs panel `p` of a matrix of n columns and k rows, w(j, i) = w[j · column_stride + i · row_stride].
inline void pack_split_panel(const float *w, long n, long k, long column_stride, long row_stride, long p, float *to) {
    const int vectors = panel_vectors(n, p);
    for (long first = 0; first < k; first += tile_depth) {
        for (int v = 0; v < vectors; v++) {
            const long column = p * panel_width + v * W, valid = n - column < W ? n - column : W;
            float *high = to + v * tile_floats, *low = high + vectors * tile_floats;
            const float *from = w + column * column_stride + first * row_stride;
            const long depth = k - first < tile_depth ? k - first : tile_depth;
            for (long i = 0; i < tile_depth; i += turn) {
                V lanes[turn];
                const long count = depth - i < 0 ? 0 : depth - i > turn ? turn : depth - i;
                if (count > 0 && row_stride == 1) {
                    load_turned(from + i, column_stride, valid, count, lanes);
                } else {
                    for (long e = 0; e < count; e++) {
                        float line[W] = {};
                        for (long j = 0; j < valid; j++) line[j] = from[j * column_stride + (i + e) * row_stride];
                        lanes[e] = load(line);
                    }
                }
                for (long e = count; e < turn; e++) lanes[e] = splat(0);
                for (long e = 0; e < turn; e += 2) store_pairs(lanes[e], lanes[e + 1], high + (i + e) * 8, low + (i + e) * 8);
            }
        }
        to += 2 * vectors * tile_floats;
    }
}

/// Splits `rows` rows of `depth` floats, `stride` apart: per 16 rows, per 32 numbers, a tile of high parts and one of low parts.
/// What is missing is zero.
inline void split_tiles(const float *x, long stride, long rows, long depth, float *to) {
    const long blocks = padded_depth(depth) / tile_depth;
    for (long r = 0; r < (rows + tile_side - 1) / tile_side * tile_side; r++) {
        float *tile = to + r / tile_side * blocks * 2 * tile_floats + r % tile_side * W;
        const float *row = x + r * stride;
        for (long b = 0; b < blocks; b++, tile += 2 * tile_floats) {
            V first = splat(0), second = splat(0);
            const long left = depth - b * tile_depth;
            if (r < rows) {
                if (left >= tile_depth) {
                    first = load(row + b * tile_depth);
                    second = load(row + b * tile_depth + W);
                } else {
                    first = load_part(row + b * tile_depth, left < W ? left : W);
                    second = load_part(row + b * tile_depth + W, left < W ? 0 : left - W);
                }
            }
            store_split(tile, first, second);
        }
    }
}

struct TileShapes {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// 16 · R rows × 16 · N columns: sums over all blocks to `sums`, rows of 2·W.
template <int R, int N>
RAIN_INLINE void multiply_tiles(const float *rows, long row_stride, const float *panel, long blocks, float *sums) {
    constexpr int line = int(panel_width * sizeof(float));
    _tile_zero(0);
    if constexpr (N == 2) _tile_zero(1);
    if constexpr (R == 2) _tile_zero(2);
    if constexpr (R == 2 && N == 2) _tile_zero(3);
#define RAIN_ROWS(part) \
    _tile_loadd(4, rows + (part) * tile_floats, 64); \
    if constexpr (R == 2) _tile_loadd(5, rows + row_stride + (part) * tile_floats, 64);
#define RAIN_COLUMNS(part) \
    _tile_loadd(6, panel + (part) * N * tile_floats, 64); \
    if constexpr (N == 2) _tile_loadd(7, panel + ((part) * N + 1) * tile_floats, 64);
#define RAIN_PRODUCTS \
    _tile_dpbf16ps(0, 4, 6); \
    if constexpr (N == 2) _tile_dpbf16ps(1, 4, 7); \
    if constexpr (R == 2) _tile_dpbf16ps(2, 5, 6); \
    if constexpr (R == 2 && N == 2) _tile_dpbf16ps(3, 5, 7);
    for (long b = 0; b < blocks; b++) {
        RAIN_ROWS(0) RAIN_COLUMNS(1) RAIN_PRODUCTS
        RAIN_COLUMNS(0) RAIN_PRODUCTS
        RAIN_ROWS(1) RAIN_PRODUCTS
        rows += 2 * tile_floats;
        panel += 2 * N * tile_floats;
    }
#undef RAIN_ROWS
#undef RAIN_COLUMNS
#undef RAIN_PRODUCTS
    _tile_stored(0, sums, line);
    if constexpr (N == 2) _tile_stored(1, sums + W, line);
    if constexpr (R == 2) _tile_stored(2, sums + tile_side * panel_width, line);
    if constexpr (R == 2 && N == 2) _tile_stored(3, sums + tile_side * panel_width + W, line);
}

template <int N>
RAIN_INLINE void multiply_panel(const float *split, long rows, long blocks, const float *panel, const Sink &to, long first_line,
                                long column) {
    alignas(64) float sums[2 * tile_side * panel_width];
    const long row_stride = blocks * 2 * tile_floats;
    for (long r = 0; r < rows; r += 2 * tile_side) {
        const float *from = split + r / tile_side * row_stride;
        if (rows - r > tile_side) {
            multiply_tiles<2, N>(from, row_stride, panel, blocks, sums);
        } else {
            multiply_tiles<1, N>(from, row_stride, panel, blocks, sums);
        }
        const long last = rows - r < 2 * tile_side ? rows - r : 2 * tile_side;
        auto finish = [&](auto height, long i) RAIN_INLINE_LAMBDA {
            constexpr int R = decltype(height)::value;
            V sum[R][N];
            long lines[R];
            for (int e = 0; e < R; e++) lines[e] = first_line + r + i + e;
            begin_tile<R, N>(to, lines, column, sum);
            for (int e = 0; e < R; e++) {
                for (int n = 0; n < N; n++) sum[e][n] += load(sums + (i + e) * panel_width + n * W);
            }
            finish_tile<R, N>(to, lines, column, sum);
        };
        long i = 0;
        for (; i + 8 <= last; i += 8) finish(Constant<8>{}, i);
        for (; i < last; i++) finish(Constant<1>{}, i);
    }
}

/// As `multiply` with rows in place, `stride` apart, and panels of `pack_split_panel`.
inline void multiply_split(long rows, const float *x, long stride, long k, const float *packed, long first_panel, long last_panel,
                           const Sink &to, long first_line) {
    alignas(64) static thread_local float split[split_rows * split_depth];
    const TileShapes shapes;
    _tile_loadconfig(&shapes);
    const long depth = padded_depth(k);
    for (long r = 0; r < rows; r += split_rows) {
        const long count = rows - r < split_rows ? rows - r : split_rows;
        // A long k is summed in parts, which meet in the result.
        for (long begin = 0; begin < k; begin += split_depth) {
            const long part = k - begin < split_depth ? k - begin : split_depth, blocks = padded_depth(part) / tile_depth;
            Sink sink = to;
            sink.add = to.add || begin > 0;
            if (begin + part < k) sink.epilogue = {};
            split_tiles(x + r * stride + begin, stride, count, part, split);
            for (long p = first_panel; p < last_panel; p++) {
                const int vectors = panel_vectors(to.columns, p);
                const float *panel = packed + size_t(p) * panel_width * depth + begin * vectors * W;
                if (vectors == 2) {
                    multiply_panel<2>(split, count, blocks, panel, sink, first_line + r, p * panel_width);
                } else {
                    multiply_panel<1>(split, count, blocks, panel, sink, first_line + r, p * panel_width);
                }
            }
        }
    }
    _tile_release();
}

/// As `grid_of`: rows are cut as they are split, and columns rather than fewer rows, since rows share the reading of a panel.
RAIN_INLINE Grid split_grid(const RainPool *pool, long rows, long panels, double work) {
    const long row_chunks = (rows + split_rows - 1) / split_rows;
    // The unit is about four times as fast as the vectors.
    if (pool->threads == 1 || work < 8 * small_work) return {row_chunks, 1, true};
    const long affordable = long(work / (4 * small_work)), wanted = 4 * pool->threads < affordable ? 4 * pool->threads : affordable;
    const long panel_chunks = (wanted + row_chunks - 1) / row_chunks;
    return {row_chunks, panel_chunks < panels ? panel_chunks : panels, false};
}
