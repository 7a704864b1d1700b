// Direct convolution and its input gradient, as rows times packed columns: every output pixel's taps are rows read in
// place through a table of pointers; pixels outside the picture point to a row of zeros.
//
// Along each axis the work falls into phases, sets of results that use the same taps: one for a plain convolution; one per
// residue of the stride for the input gradient; two for a convolution of an enlarged picture, whose taps that fall on the
// same small pixel are added up when packed (so 3×3 becomes 2×2).

constexpr int most_taps = 64;  // along one axis

struct Axis {
    long count;          // results of this phase: start, start + step, …
    long start, step;
    long in_step;        // result i reads input i · in_step + tap[t]
    long in_size;
    int taps;
    long tap[most_taps];
    int slot[most_taps];  // of each kernel index: its place in `tap`, or -1
};

RAIN_INLINE long floor_half(long x) { return x >= 0 ? x / 2 : -((1 - x) / 2); }

inline int axis_phases(bool gradient, long stride, bool upsample) {
    if (gradient) return int(stride);
    return upsample && stride % 2 == 1 ? 2 : 1;
}

inline Axis axis_of(bool gradient, long kernel, long stride, long pad, long in, long out, bool upsample, int phase) {
    Axis a = {};
    if (gradient) {
        a = {(in - phase + stride - 1) / stride, phase, stride, 1, out, 0, {}, {}};
        if (phase >= in) a.count = 0;
    } else {
        const long phases = axis_phases(false, stride, upsample);
        a = {(out - phase + phases - 1) / phases, phase, phases, upsample ? stride * phases / 2 : stride, in, 0, {}, {}};
    }
    for (long k = 0; k < kernel; k++) {
        long at;
        a.slot[k] = -1;
        if (gradient) {
            if ((phase + pad - k) % stride != 0) continue;
            at = (phase + pad - k) / stride;
        } else {
            at = upsample ? floor_half(stride * phase - pad + k) : k - pad;
        }
        int t = 0;
        while (t < a.taps && a.tap[t] != at) t++;
        a.tap[t] = at;
        a.slot[k] = t;
        if (t == a.taps) a.taps++;
    }
    return a;
}

/// On the matrix unit: no taps that are added up, and channels enough for it to pay.
RAIN_INLINE bool splits_taps(const RainConv &s, bool gradient) {
    return RAIN_MATRIX_UNIT && !gradient && !s.upsample && s.channels >= 64;
}

/// Everything about one direct convolution: forward, or the gradient of its input.
struct Direct {
    RainConv s;
    bool gradient;
    long k, n;                     // channels read and written
    long in_height, in_width;      // of what is read
    long out_height, out_width;    // of what is written

    Direct(const RainConv &conv, bool gradient) : s(conv), gradient(gradient) {
        k = gradient ? s.out_channels : s.channels;
        n = gradient ? s.channels : s.out_channels;
        in_height = gradient ? s.out_height : s.height;
        in_width = gradient ? s.out_width : s.width;
        out_height = gradient ? s.height : s.out_height;
        out_width = gradient ? s.width : s.out_width;
    }
    int phases() const { return axis_phases(gradient, s.stride, s.upsample); }
    Axis vertical(int phase) const {
        return axis_of(gradient, s.kernel_height, s.stride, s.pad_top, s.height, s.out_height, s.upsample, phase);
    }
    Axis horizontal(int phase) const {
        return axis_of(gradient, s.kernel_width, s.stride, s.pad_left, s.width, s.out_width, s.upsample, phase);
    }
    /// One tap, every pixel its own row: a linear layer.
    bool pointwise() const {
        return s.kernel_height == 1 && s.kernel_width == 1 && s.stride == 1 && !s.upsample && in_height == out_height &&
               in_width == out_width && s.pad_top == 0 && s.pad_left == 0;
    }
    bool splits() const { return splits_taps(s, gradient); }
    /// Numbers of a tap that a panel has room for.
    long depth() const { return splits() ? (k + 31) / 32 * 32 : k; }
    /// The taps of one line lie side by side in memory, never outside the picture.
    bool line_taps() const {
        return !gradient && !s.upsample && s.kernel_width > 1 && s.pad_left == 0 &&
               (s.out_width - 1) * s.stride + s.kernel_width <= s.width;
    }
    long most_rows(long taps) const {
#if RAIN_MATRIX_UNIT
        if (splits()) return split_rows;
#endif
        const long rows = 16384 / (taps < 1 ? 1 : taps);
        return (rows < 32 ? 32 : rows > 512 ? 512 : rows) / tile_rows * tile_rows;
    }
    /// A row of zeros as long as the longest tap.
    size_t zero_bytes() const { return round_up(k * s.kernel_width * sizeof(float)); }
    /// Pointers and line numbers of one chunk of rows, per thread.
    size_t table_bytes() const {
        const long taps = s.kernel_height * s.kernel_width;
        return round_up(size_t(most_rows(taps) + tile_rows) * (taps * sizeof(float *) + sizeof(long)));
    }
};

size_t direct_packed_bytes(const RainConv *conv, bool gradient) {
    const Direct d(*conv, gradient);
    if (d.pointwise()) return linear_packed_bytes(nullptr, d.n, d.k, 0);
    size_t floats = 0;
    for (int py = 0; py < d.phases(); py++) {
        for (int px = 0; px < d.phases(); px++) {
            floats += panel_floats(d.n, long(d.vertical(py).taps) * d.horizontal(px).taps * d.depth());
        }
    }
    return floats * sizeof(float);
}

void direct_pack(RainPool *pool, const RainConv *conv, bool gradient, const float *w, void *packed) {
    const Direct d(*conv, gradient);
    if (d.pointwise()) return linear_pack(pool, w, d.n, d.k, gradient, 0, packed);
    const RainConv &s = d.s;
    const long area = s.kernel_height * s.kernel_width, panels = panel_count(d.n);
    const long column_stride = gradient ? area : s.channels * area, row_stride = gradient ? s.channels * area : area;
    float *base = static_cast<float *>(packed);
    for (int py = 0; py < d.phases(); py++) {
        const Axis vertical = d.vertical(py);
        for (int px = 0; px < d.phases(); px++) {
            const Axis horizontal = d.horizontal(px);
            const long taps = long(vertical.taps) * horizontal.taps;
            parallel_ranges(pool, panels, 1 + 16384 / (taps * d.k * panel_width + 1), 1, [&](long begin, long end, int) {
                for (long p = begin; p < end; p++) {
                    float *panel = base + size_t(p) * panel_width * taps * d.depth();
                    const long block = d.depth() * panel_vectors(d.n, p) * W;
                    bool filled[most_taps] = {};
                    for (long ky = 0; ky < s.kernel_height; ky++) {
                        const int ty = vertical.slot[ky];
                        if (ty < 0) continue;
                        for (long kx = 0; kx < s.kernel_width; kx++) {
                            const int tx = horizontal.slot[kx];
                            if (tx < 0) continue;
                            // The first kernel line and column of a merged tap write, the others add.
                            bool first = !filled[ty];
                            for (long before = 0; before < kx; before++) first = first && horizontal.slot[before] != tx;
                            const float *from = w + ky * s.kernel_width + kx;
                            float *to = panel + (long(ty) * horizontal.taps + tx) * block;
#if RAIN_MATRIX_UNIT
                            if (d.splits()) {
                                pack_split_panel(from, d.n, d.k, column_stride, row_stride, p, to);
                                continue;
                            }
#endif
                            pack_panel(from, d.n, d.k, column_stride, row_stride, p, !first, to);
                        }
                        filled[ty] = true;
                    }
                }
            });
            base += panel_floats(d.n, taps * d.depth());
        }
    }
}

/// Scratch: a row of zeros, then a table per thread.
size_t direct_scratch_bytes(const RainPool *pool, const RainConv *conv, bool gradient) {
    const Direct d(*conv, gradient);
    if (d.pointwise()) return 0;
    return d.zero_bytes() + pool->threads * d.table_bytes();
}

void direct(RainPool *pool, const RainConv *conv, bool gradient, const float *x, const void *packed, const RainEpilogue *epilogue,
            float *y, void *scratch) {
    const Direct d(*conv, gradient);
    if (d.pointwise()) {
        linear(pool, d.s.batch * d.out_height * d.out_width, d.n, d.k, x, packed, epilogue, y);
        return;
    }
    float *zeros = static_cast<float *>(scratch);
    for (size_t i = 0; i < d.zero_bytes() / sizeof(float); i++) zeros[i] = 0;
    char *tables = reinterpret_cast<char *>(zeros) + d.zero_bytes();
    const Sink to = sink(y, d.n, epilogue);
    const long panels = panel_count(d.n);
    const bool lines = !d.splits() && d.line_taps();
    const float *base = static_cast<const float *>(packed);
    for (int py = 0; py < d.phases(); py++) {
        const Axis vertical = d.vertical(py);
        for (int px = 0; px < d.phases(); px++) {
            const Axis horizontal = d.horizontal(px);
            const long rows = d.s.batch * vertical.count * horizontal.count;
            const long x_taps = lines ? 1 : horizontal.taps, taps = vertical.taps * x_taps;
            const long k = lines ? d.k * horizontal.taps : d.k, depth = long(vertical.taps) * horizontal.taps * d.depth();
            const double work = double(rows) * padded_columns(d.n) * (depth + 16);
            Grid grid =
                grid_of(pool, rows, panels, d.k * d.s.stride * sizeof(float), d.most_rows(d.s.kernel_height * d.s.kernel_width), work);
#if RAIN_MATRIX_UNIT
            if (d.splits()) grid = split_grid(pool, rows, panels, work);
#endif
            each_cell(pool, grid, rows, panels, [&](Range row, Range panel, int thread) {
                const long count = row.end - row.begin;
                const float **table = reinterpret_cast<const float **>(tables + thread * d.table_bytes());
                long *index = reinterpret_cast<long *>(table + taps * count);
                long j = row.begin % horizontal.count, i = row.begin / horizontal.count % vertical.count;
                long image = row.begin / horizontal.count / vertical.count;
                for (long r = 0; r < count; r++) {
                    index[r] = (image * d.out_height + vertical.start + i * vertical.step) * d.out_width + horizontal.start +
                               j * horizontal.step;
                    const float **entry = table + r;
                    for (int ty = 0; ty < vertical.taps; ty++) {
                        const long iy = i * vertical.in_step + vertical.tap[ty];
                        const bool inside = iy >= 0 && iy < vertical.in_size;
                        const float *line = x + (image * d.in_height + (inside ? iy : 0)) * d.in_width * d.k;
                        for (long tx = 0; tx < x_taps; tx++) {
                            const long ix = j * horizontal.in_step + horizontal.tap[tx];
                            *entry = inside && ix >= 0 && ix < horizontal.in_size ? line + ix * d.k : zeros;
                            entry += count;
                        }
                    }
                    if (++j == horizontal.count) {
                        j = 0;
                        if (++i == vertical.count) i = 0, image++;
                    }
                }
                const Source from = {table, count, taps, nullptr, 0};
#if RAIN_MATRIX_UNIT
                if (d.splits()) return multiply_taps(count, from, k, base, panel, to, row.begin);
#endif
                multiply(count, from, k, k, base, panel.begin, panel.end, to, index, 0);
            });
            base += panel_floats(d.n, depth);
        }
    }
}
