// The weight gradient of linear layers: dw[n][k] = Σ_m dy[m][n] · x[m][k], as outer products of rows.
//
// Rows are shared out, not the plane of results: then each row is read, and copied to where the tiles want it, by one thread alone.
// The parts they are cut into depend on sizes alone, and so does the order in which the parts' results are added.

/// Which side is the left one, and how rows and results are cut.
struct LinearOuter {
    bool split = false;    // on the matrix unit
    bool straight;         // left is dy, and sums lie as the result does
    bool direct;           // sums are the result
    long m, a, b, stride;  // rows; the sums' rows, columns and floats from row to row
    long parts;            // of the rows
    long a_chunks, b_chunks = 1;
    bool alone;  // too little work to share

    static constexpr long most_parts = 8, most_sums = 256 << 10;  // floats of all parts' results together

    LinearOuter(const RainPool *pool, long m, long n, long k) : m(m) {
        // The narrower side on the left: its rows are read once for every panel of the other.
        straight = n % W == 0 && k % W == 0 ? n <= k : better_columns(k, n);
        long most = 32 * panel_rows;
#if RAIN_MATRIX_UNIT
        split = split_pays(m, n, k);
        // Turning a side is the dearer half.
        if (split) straight = n <= k, most = outer_side;
#endif
        a = straight ? n : k;
        b = straight ? k : n;
        stride = padded_columns(b);
        const long blocks = (m + pixel_block - 1) / pixel_block, possible = most_sums / (a * stride);
        parts = blocks < most_parts ? blocks : most_parts;
        if (parts > possible) parts = possible < 1 ? 1 : possible;
        direct = straight && parts == 1 && stride == b;
        a_chunks = (a + most - 1) / most;
        alone = pool->threads == 1 || double(m) * n * k < 2 * small_work;
        if (alone) return;
        while (cells() % pool->threads != 0 && cells() < 4 * pool->threads) {
            if (a_chunks < a / (4 * panel_rows)) {
                a_chunks++;
            } else if (b_chunks < panel_count(b)) {
                b_chunks++;
            } else {
                break;
            }
        }
    }
    long cells() const { return parts * a_chunks * b_chunks; }
    size_t buffer_bytes() const {
#if RAIN_MATRIX_UNIT
        if (split) return split_outer_bytes;
#endif
        return panel_outer_bytes;
    }
    size_t sums_bytes() const { return direct ? 0 : round_up(size_t(parts) * a * stride * sizeof(float)); }

    void multiply(long cell, const float *left, const float *right, float *sums, float *buffer) const {
        const long part = cell / (a_chunks * b_chunks), place = cell % (a_chunks * b_chunks);
        const Range pixels = stretch(m, parts, part, pixel_block);
        const Range as = stretch(a, a_chunks, place / b_chunks, split ? 16 : panel_rows);
        const Range bs = stretch(b, b_chunks, place % b_chunks, panel_width);
        if (as.begin == as.end || bs.begin == bs.end) return;
        float *out = sums + part * a * stride;
#if RAIN_MATRIX_UNIT
        if (split) return split_outer(left, a, right, b, pixels, as, bs, out, stride, buffer);
#endif
        panel_outer(left, a, right, b, pixels, m - pixels.end, as, bs, out, stride, false, buffer);
    }

    /// The parts' sums of rows `as`, to where they belong.
    void add_parts(Range as, const float *sums, float *dw) const {
        const long plane = a * stride;
        for (long i = as.begin; straight && i < as.end; i++) {
            for (long j = 0; j < b; j += W) {
                V sum = load(sums + i * stride + j);
                for (long part = 1; part < parts; part++) sum += load(sums + part * plane + i * stride + j);
                b - j < W ? store_part(dw + i * b + j, sum, b - j) : store(dw + i * b + j, sum);
            }
        }
        for (long i = as.begin; !straight && i < as.end; i += W) {
            const long rows = as.end - i < W ? as.end - i : W;
            for (long j = 0; j < b; j += turn) {
                const long columns = b - j < turn ? b - j : turn;
                V sum[turn], next[turn];
                load_turned(sums + i * stride + j, stride, rows, columns, sum);
                for (long part = 1; part < parts; part++) {
                    load_turned(sums + part * plane + i * stride + j, stride, rows, columns, next);
                    for (long e = 0; e < columns; e++) sum[e] += next[e];
                }
                for (long e = 0; e < columns; e++) store_part(dw + (j + e) * a + i, sum[e], rows);
            }
        }
    }
};

size_t linear_weight_gradient_scratch_bytes(const RainPool *pool, long m, long n, long k) {
    const LinearOuter outer(pool, m, n, k);
    return pool->threads * outer.buffer_bytes() + outer.sums_bytes();
}

void linear_weight_gradient(RainPool *pool, long m, long n, long k, const float *x, const float *dy, float *dw, void *scratch) {
    const LinearOuter outer(pool, m, n, k);
    const float *left = outer.straight ? dy : x, *right = outer.straight ? x : dy;
    float *buffers = static_cast<float *>(scratch);
    float *sums = outer.direct ? dw : buffers + pool->threads * outer.buffer_bytes() / sizeof(float);
    auto cell = [&](long index, int thread) {
        outer.multiply(index, left, right, sums, buffers + thread * outer.buffer_bytes() / sizeof(float));
    };
    if (outer.alone) {
        for (long index = 0; index < outer.cells(); index++) cell(index, 0);
    } else {
        parallel(pool, outer.cells(), cell);
    }
    if (outer.direct) return;
    const long work = outer.parts * outer.stride;
    parallel_ranges(pool, outer.a, 1 + (32 << 10) / work, W, [&](long begin, long end, int) { outer.add_parts({begin, end}, sums, dw); });
}
