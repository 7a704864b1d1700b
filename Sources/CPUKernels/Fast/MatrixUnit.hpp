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

RAIN_INLINE long padded_depth(long k) { return (k + tile_depth - 1) / tile_depth * tile_depth; }

typedef uint16_t Halves __attribute__((ext_vector_type(16)));
typedef uint32_t Words __attribute__((ext_vector_type(16)));

RAIN_INLINE Words high_part(V x) { return __builtin_convertvector(Halves((__m256i)_mm512_cvtneps_pbh(__m512(x))), Words); }
RAIN_INLINE V rest(V x, Words high) { return x - V(high << 16); }

/// The floats of two vectors as bfloat16, side by side in each lane.
RAIN_INLINE Words pairs(V even, V odd) {
    alignas(64) static constexpr uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i all = (__m512i)_mm512_cvtne2ps_pbh(__m512(odd), __m512(even));
    return Words(_mm512_permutexvar_epi16(_mm512_load_si512(order), all));
}

/// Pairs of the vectors for even and odd k, high and low parts.
RAIN_INLINE void store_pairs(V even, V odd, float *high, float *low) {
    const Words first = pairs(even, odd);
    store(high, V(first));
    store(low, V(pairs(even - V(first << 16), odd - V(first & 0xffff0000))));
}

/// A row of a tile: 32 numbers, the high parts here, the low parts a tile further on.
RAIN_INLINE void store_split(float *tile, V first, V second) {
    const Words f = high_part(first), s = high_part(second);
    const __m512i high = _mm512_inserti64x4(_mm512_castsi256_si512(__m256i(__builtin_convertvector(f, Halves))),
                                            __m256i(__builtin_convertvector(s, Halves)), 1);
    store(tile, V(high));
    store(tile + tile_floats, V((__m512i)_mm512_cvtne2ps_pbh(__m512(rest(second, s)), __m512(rest(first, f)))));
}

/// Packs k rows of `valid` columns, w(j, i) = w[j · column_stride + i · row_stride], as one of the `vectors` of a panel.
inline void pack_split_columns(const float *w, long valid, long k, long column_stride, long row_stride, long vectors, float *high) {
    for (long first = 0; first < k; first += tile_depth, high += 2 * vectors * tile_floats) {
        float *low = high + vectors * tile_floats;
        const float *from = w + first * row_stride;
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
}

/// Packs panel `p` of a matrix of n columns.
RAIN_INLINE void pack_split_panel(const float *w, long n, long k, long column_stride, long row_stride, long p, float *to) {
    const int vectors = panel_vectors(n, p);
    for (int v = 0; v < vectors; v++) {
        const long column = p * panel_width + v * W;
        pack_split_columns(w + column * column_stride, n - column < W ? n - column : W, k, column_stride, row_stride, vectors,
                           to + v * tile_floats);
    }
}

/// Splits `depth` floats of each of `rows` rows, which `row` finds: per 16 rows, per 32 numbers, a tile of high parts and one of low
/// parts, `blocks` times 32 numbers from 16 rows to the next. What is missing is zero.
template <class Row>
inline void split_tiles(Row &&row, long rows, long depth, long blocks, float *to) {
    for (long r = 0; r < (rows + tile_side - 1) / tile_side * tile_side; r++) {
        float *tile = to + r / tile_side * blocks * 2 * tile_floats + r % tile_side * W;
        const float *from = r < rows ? row(r) : nullptr;
        for (long left = depth; left > 0; left -= tile_depth, tile += 2 * tile_floats) {
            V first = splat(0), second = splat(0);
            if (from) {
                if (left >= tile_depth) {
                    first = load(from);
                    second = load(from + W);
                } else {
                    first = load_part(from, left < W ? left : W);
                    second = load_part(from + W, left < W ? 0 : left - W);
                }
                from += tile_depth;
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

/// The unit is configured while this lives.
struct MatrixUnit {
    RAIN_INLINE MatrixUnit() {
        const TileShapes shapes;
        _tile_loadconfig(&shapes);
    }
    RAIN_INLINE ~MatrixUnit() { _tile_release(); }
};

/// Where sums of 16 rows × up to two vectors lie, tile by tile.
constexpr long band_floats = 2 * tile_floats;

/// 16 · R rows × 16 · N columns: sums over all blocks of 32 to the R bands at `sums`, or added to what they hold. The unit works
/// on its own for a while: `between(b)` is called after block b, for work that would have to wait otherwise.
template <int R, int N, class Between>
RAIN_INLINE void multiply_tiles(const float *rows, long row_stride, const float *panel, long blocks, bool add, float *sums,
                                Between &&between) {
    constexpr int line = W * int(sizeof(float));
    if (add) {
        _tile_loadd(0, sums, line);
        if constexpr (N == 2) _tile_loadd(1, sums + tile_floats, line);
        if constexpr (R == 2) _tile_loadd(2, sums + band_floats, line);
        if constexpr (R == 2 && N == 2) _tile_loadd(3, sums + band_floats + tile_floats, line);
    } else {
        _tile_zero(0);
        if constexpr (N == 2) _tile_zero(1);
        if constexpr (R == 2) _tile_zero(2);
        if constexpr (R == 2 && N == 2) _tile_zero(3);
    }
#define RAIN_ROWS(part) \
    _tile_loadd(4, rows + (part) * tile_floats, line); \
    if constexpr (R == 2) _tile_loadd(5, rows + row_stride + (part) * tile_floats, line);
#define RAIN_COLUMNS(part) \
    _tile_loadd(6, panel + (part) * N * tile_floats, line); \
    if constexpr (N == 2) _tile_loadd(7, panel + ((part) * N + 1) * tile_floats, line);
#define RAIN_PRODUCTS \
    _tile_dpbf16ps(0, 4, 6); \
    if constexpr (N == 2) _tile_dpbf16ps(1, 4, 7); \
    if constexpr (R == 2) _tile_dpbf16ps(2, 5, 6); \
    if constexpr (R == 2 && N == 2) _tile_dpbf16ps(3, 5, 7);
    for (long b = 0; b < blocks; b++) {
        RAIN_ROWS(0) RAIN_COLUMNS(1) RAIN_PRODUCTS RAIN_COLUMNS(0) RAIN_PRODUCTS RAIN_ROWS(1) RAIN_PRODUCTS rows += 2 * tile_floats;
        panel += 2 * N * tile_floats;
        between(b);
    }
#undef RAIN_ROWS
#undef RAIN_COLUMNS
#undef RAIN_PRODUCTS
    _tile_stored(0, sums, line);
    if constexpr (N == 2) _tile_stored(1, sums + tile_floats, line);
    if constexpr (R == 2) _tile_stored(2, sums + band_floats, line);
    if constexpr (R == 2 && N == 2) _tile_stored(3, sums + band_floats + tile_floats, line);
}
