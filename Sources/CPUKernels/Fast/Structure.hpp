// Binary functions with broadcast, strided copies, and changes of resolution.

/// Dimensions after merging: those of size 1 dropped, neighbours joined where every operand steps evenly over both.
template <int operands>
struct Shape {
    int rank = 0;
    long dims[RAIN_MAX_RANK];
    long strides[operands][RAIN_MAX_RANK];

    Shape(int count, const long *sizes, const long *const (&steps)[operands]) {
        for (int d = 0; d < count; d++) {
            if (sizes[d] == 1) continue;
            bool joins = rank > 0;
            for (int o = 0; o < operands && joins; o++) joins = strides[o][rank - 1] == steps[o][d] * sizes[d];
            if (joins) {
                dims[rank - 1] *= sizes[d];
            } else {
                dims[rank++] = sizes[d];
            }
            for (int o = 0; o < operands; o++) strides[o][rank - 1] = steps[o][d];
        }
        if (rank == 0) {
            dims[rank++] = 1;
            for (int o = 0; o < operands; o++) strides[o][0] = 1;
        }
    }
    long lines(int inner) const {
        long count = 1;
        for (int d = 0; d < rank - inner; d++) count *= dims[d];
        return count;
    }
    /// The offset of operand `o` at line number `line` of all but the last `inner` dimensions.
    long offset(int o, long line, int inner) const {
        long at = 0;
        for (int d = rank - inner - 1; d >= 0; d--) {
            at += line % dims[d] * strides[o][d];
            line /= dims[d];
        }
        return at;
    }
};

template <RainBinary kind>
RAIN_INLINE V binary_of(V a, V b) {
    if constexpr (kind == RAIN_BINARY_ADD) return a + b;
    if constexpr (kind == RAIN_BINARY_SUBTRACT) return a - b;
    if constexpr (kind == RAIN_BINARY_MULTIPLY) return a * b;
    if constexpr (kind == RAIN_BINARY_MINIMUM) return b == b ? at_most(a, b) : b;
    if constexpr (kind == RAIN_BINARY_MAXIMUM) return b == b ? at_least(a, b) : b;
    if constexpr (kind == RAIN_BINARY_PRELU) return a > 0 ? a : a * b;
    return a / b;
}

template <RainBinary kind>
inline void binary_line(long count, const float *a, long a_stride, const float *b, long b_stride, float *y) {
    auto each = [&](auto left, auto right) RAIN_INLINE_LAMBDA {
        long i = 0;
        for (; i + W <= count; i += W) store(y + i, binary_of<kind>(left(i, W), right(i, W)));
        if (i < count) store_part(y + i, binary_of<kind>(left(i, count - i), right(i, count - i)), count - i);
    };
    auto run = [](const float *p) { return [p](long i, long n) RAIN_INLINE_LAMBDA { return n == W ? load(p + i) : load_part(p + i, n); }; };
    auto same = [](const float *p) { return [v = splat(*p)](long, long) RAIN_INLINE_LAMBDA { return v; }; };
    auto steps = [](const float *p, long stride) {
        return [p, stride](long i, long n) RAIN_INLINE_LAMBDA {
            V v = splat(1);
            for (int lane = 0; lane < W; lane++) {
                if (lane < n) v[lane] = p[(i + lane) * stride];
            }
            return v;
        };
    };
    if (a_stride == 1 && b_stride == 1) return each(run(a), run(b));
    if (a_stride == 1 && b_stride == 0) return each(run(a), same(b));
    if (a_stride == 0 && b_stride == 1) return each(same(a), run(b));
    each(steps(a, a_stride), steps(b, b_stride));
}

void binary(RainPool *pool, RainBinary kind, int rank, const long *dims, const float *a, const long *a_strides, const float *b,
            const long *b_strides, float *y) {
    long count = 1, dense[RAIN_MAX_RANK];
    for (int d = rank - 1; d >= 0; d--) {
        dense[d] = count;
        count *= dims[d];
    }
    if (count == 0) return;
    const long *steps[3] = {a_strides, b_strides, dense};
    const Shape<3> shape(rank, dims, steps);
    const int last = shape.rank - 1;
    const long inner = shape.dims[last], lines = shape.lines(1);
    // A single long line is cut up, many short lines are shared out.
    const long pieces = lines == 1 ? chunk_count(pool, inner, light_grain) : 1;
    parallel_ranges(pool, lines * pieces, pieces > 1 ? 1 : 1 + light_grain / inner, 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const Range part = stretch(inner, pieces, at % pieces, W);
            if (part.begin == part.end) continue;
            const long line = at / pieces, a_stride = shape.strides[0][last], b_stride = shape.strides[1][last];
            const float *left = a + shape.offset(0, line, 1) + part.begin * a_stride;
            const float *right = b + shape.offset(1, line, 1) + part.begin * b_stride;
            float *to = y + line * inner + part.begin;
            const long width = part.end - part.begin;
            switch (kind) {
                case RAIN_BINARY_ADD: binary_line<RAIN_BINARY_ADD>(width, left, a_stride, right, b_stride, to); break;
                case RAIN_BINARY_SUBTRACT: binary_line<RAIN_BINARY_SUBTRACT>(width, left, a_stride, right, b_stride, to); break;
                case RAIN_BINARY_MULTIPLY: binary_line<RAIN_BINARY_MULTIPLY>(width, left, a_stride, right, b_stride, to); break;
                case RAIN_BINARY_DIVIDE: binary_line<RAIN_BINARY_DIVIDE>(width, left, a_stride, right, b_stride, to); break;
                case RAIN_BINARY_MINIMUM: binary_line<RAIN_BINARY_MINIMUM>(width, left, a_stride, right, b_stride, to); break;
                case RAIN_BINARY_MAXIMUM: binary_line<RAIN_BINARY_MAXIMUM>(width, left, a_stride, right, b_stride, to); break;
                case RAIN_BINARY_PRELU: binary_line<RAIN_BINARY_PRELU>(width, left, a_stride, right, b_stride, to); break;
            }
        }
    });
}

inline void copy_line(long count, const float *x, long x_stride, float *y, long y_stride) {
    if (x_stride == 1 && y_stride == 1) {
        long i = 0;
        for (; i + W <= count; i += W) store(y + i, load(x + i));
        if (i < count) store_part(y + i, load_part(x + i, count - i), count - i);
    } else if (x_stride == 0 && y_stride == 1) {
        for (long i = 0; i < count; i += W) store_part(y + i, splat(*x), count - i < W ? count - i : W);
    } else {
        for (long i = 0; i < count; i++) y[i * y_stride] = x[i * x_stride];
    }
}

void copy_strided(RainPool *pool, int rank, const long *dims, const float *x, const long *x_strides, float *y, const long *y_strides) {
    for (int d = 0; d < rank; d++) {
        if (dims[d] == 0) return;
    }
    const long *steps[2] = {x_strides, y_strides};
    Shape<2> shape(rank, dims, steps);
    const int last = shape.rank - 1;
    // A transpose: the last dimension is contiguous in one operand only. It and the dimension contiguous in the other
    // are walked in blocks that keep both sides in the first-level cache.
    int other = -1;
    if (shape.strides[0][last] != 1 || shape.strides[1][last] != 1) {
        for (int d = 0; d < last; d++) {
            if (shape.strides[0][d] == 1 || shape.strides[1][d] == 1) other = d;
        }
    }
    if (other >= 0) {
        for (int d = other; d + 1 < last; d++) {
            auto swap = [&](long *v) {
                const long t = v[d];
                v[d] = v[d + 1];
                v[d + 1] = t;
            };
            swap(shape.dims);
            swap(shape.strides[0]);
            swap(shape.strides[1]);
        }
        constexpr long block = 16;
        const long rows = shape.dims[last - 1], columns = shape.dims[last];
        const long xr = shape.strides[0][last - 1], xc = shape.strides[0][last];
        const long yr = shape.strides[1][last - 1], yc = shape.strides[1][last];
        const long blocks = (rows + block - 1) / block, lines = shape.lines(2);
        parallel_ranges(pool, lines * blocks, 1 + light_grain / 4 / (block * columns), 1, [&](long begin, long end, int) {
            for (long at = begin; at < end; at++) {
                const long r0 = at % blocks * block, r1 = r0 + block < rows ? r0 + block : rows;
                const float *from = x + shape.offset(0, at / blocks, 2);
                float *to = y + shape.offset(1, at / blocks, 2);
                for (long c0 = 0; c0 < columns; c0 += block) {
                    const long c1 = c0 + block < columns ? c0 + block : columns;
                    for (long r = r0; r < r1; r++) {
                        for (long c = c0; c < c1; c++) to[r * yr + c * yc] = from[r * xr + c * xc];
                    }
                }
            }
        });
        return;
    }
    const long inner = shape.dims[last], lines = shape.lines(1);
    const long pieces = lines == 1 ? chunk_count(pool, inner, 2 * light_grain) : 1;
    parallel_ranges(pool, lines * pieces, pieces > 1 ? 1 : 1 + light_grain / inner, 1, [&](long begin, long end, int) {
        for (long at = begin; at < end; at++) {
            const Range part = stretch(inner, pieces, at % pieces, W);
            if (part.begin == part.end) continue;
            const long line = at / pieces, xs = shape.strides[0][last], ys = shape.strides[1][last];
            copy_line(part.end - part.begin, x + shape.offset(0, line, 1) + part.begin * xs, xs,
                      y + shape.offset(1, line, 1) + part.begin * ys, ys);
        }
    });
}

void upsample_nearest(RainPool *pool, long batch, long height, long width, long channels, const float *x, float *y) {
    parallel_ranges(pool, batch * height, 1 + light_grain / (4 * width * channels), 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            float *top = y + line * 4 * width * channels, *bottom = top + 2 * width * channels;
            for (long i = 0; i < width; i++) {
                const float *from = x + (line * width + i) * channels;
                for (long side = 0; side < 2; side++) {
                    copy_line(channels, from, 1, top + (2 * i + side) * channels, 1);
                    copy_line(channels, from, 1, bottom + (2 * i + side) * channels, 1);
                }
            }
        }
    });
}

void sum_pool(RainPool *pool, long batch, long height, long width, long channels, const float *x, float *y) {
    parallel_ranges(pool, batch * height, 1 + light_grain / (4 * width * channels), 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const float *top = x + line * 4 * width * channels, *bottom = top + 2 * width * channels;
            for (long i = 0; i < width; i++) {
                for (long c = 0; c < channels; c += W) {
                    const long at = 2 * i * channels + c, part = channels - c < W ? channels - c : W;
                    const V upper = load_part(top + at, part) + load_part(top + at + channels, part);
                    const V lower = load_part(bottom + at, part) + load_part(bottom + at + channels, part);
                    store_part(y + (line * width + i) * channels + c, upper + lower, part);
                }
            }
        }
    });
}
