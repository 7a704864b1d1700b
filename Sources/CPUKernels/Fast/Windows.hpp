// Depthwise convolution and max pooling: vectors of channels, several neighbouring results at once where all their taps lie
// inside the picture.

/// The taps of a result along one axis that lie inside the picture.
RAIN_INLINE Range inside(long at, long stride, long pad, long kernel, long size) {
    const long first = at * stride - pad;
    return {first < 0 ? -first : 0, first + kernel > size ? size - first : kernel};
}

/// Which results along a line have all their taps inside the picture.
RAIN_INLINE Range whole_columns(const RainConv &s) {
    long begin = (s.pad_left + s.stride - 1) / s.stride, end = s.width + s.pad_left - s.kernel_width;
    end = end < 0 ? 0 : end / s.stride + 1;
    if (end > s.out_width) end = s.out_width;
    return {begin < end ? begin : end, end};
}

/// One vector of channels, from `channel`, of N neighbouring results.
template <int N, bool whole>
RAIN_INLINE void depthwise_vector(const RainConv &s, const float *image, long start, Range ky, Range kx, const float *w,
                                  const RainEpilogue &e, long pixel, long channel, float *y) {
    const long c = s.channels, part = whole ? W : c - channel;
    const auto get = [&](const float *p) RAIN_INLINE_LAMBDA { return whole ? load(p) : load_part(p, part); };
    V sums[N];
    for (int n = 0; n < N; n++) sums[n] = splat(0);
    for (long a = ky.begin; a < ky.end; a++) {
        for (long b = kx.begin; b < kx.end; b++) {
            const float *from = image + start + (a * s.width + b) * c + channel;
            const V weight = get(w + (a * s.kernel_width + b) * c + channel);
            for (int n = 0; n < N; n++) sums[n] = fma(get(from + n * s.stride * c), weight, sums[n]);
        }
    }
    for (int n = 0; n < N; n++) {
        const long at = (pixel + n) * c + channel;
        if (e.bias) sums[n] += get(e.bias + channel);
        if (e.sample_bias) sums[n] += get(e.sample_bias + (pixel + n) / e.rows_per_sample * c + channel);
        if (e.residual) sums[n] += get(e.residual + at);
        if (whole) {
            store(y + at, sums[n]);
        } else {
            store_part(y + at, sums[n], part);
        }
    }
}

template <int N>
RAIN_INLINE void depthwise_columns(const RainConv &s, const float *image, long oy, long ox, Range ky, Range kx, const float *w,
                                   const RainEpilogue &e, long line, float *y) {
    const long start = ((oy * s.stride - s.pad_top) * s.width + ox * s.stride - s.pad_left) * s.channels;
    const long pixel = line * s.out_width + ox;
    long channel = 0;
    for (; channel + W <= s.channels; channel += W) {
        depthwise_vector<N, true>(s, image, start, ky, kx, w, e, pixel, channel, y);
    }
    if (channel < s.channels) depthwise_vector<N, false>(s, image, start, ky, kx, w, e, pixel, channel, y);
}

void conv_depthwise(RainPool *pool, const RainConv *conv, const float *x, const float *w, const RainEpilogue *epilogue, float *y) {
    const RainConv s = *conv;
    const RainEpilogue e = epilogue ? *epilogue : RainEpilogue{};
    const Range whole = whole_columns(s);
    const long taps = s.kernel_height * s.kernel_width, line_work = s.out_width * s.channels * taps;
    parallel_ranges(pool, s.batch * s.out_height, 1 + 4 * light_grain / line_work, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const long oy = line % s.out_height;
            const float *image = x + line / s.out_height * s.height * s.width * s.channels;
            const Range ky = inside(oy, s.stride, s.pad_top, s.kernel_height, s.height), all = {0, s.kernel_width};
            const auto edge = [&](long first, long last) RAIN_INLINE_LAMBDA {
                for (long ox = first; ox < last; ox++) {
                    const Range kx = inside(ox, s.stride, s.pad_left, s.kernel_width, s.width);
                    depthwise_columns<1>(s, image, oy, ox, ky, kx, w, e, line, y);
                }
            };
            edge(0, whole.begin);
            long ox = whole.begin;
            for (; ox + 4 <= whole.end; ox += 4) depthwise_columns<4>(s, image, oy, ox, ky, all, w, e, line, y);
            edge(ox, s.out_width);
            activate_rows(e.activation, y + line * s.out_width * s.channels, s.out_width, s.channels, s.channels);
        }
    });
}

void max_pool(RainPool *pool, const RainConv *conv, const float *x, float *y) {
    const RainConv s = *conv;
    const long c = s.channels, line_work = s.out_width * c * s.kernel_height * s.kernel_width;
    parallel_ranges(pool, s.batch * s.out_height, 1 + 4 * light_grain / line_work, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const long oy = line % s.out_height;
            const float *image = x + line / s.out_height * s.height * s.width * c;
            const Range ky = inside(oy, s.stride, s.pad_top, s.kernel_height, s.height);
            for (long ox = 0; ox < s.out_width; ox++) {
                const Range kx = inside(ox, s.stride, s.pad_left, s.kernel_width, s.width);
                const long start = ((oy * s.stride - s.pad_top) * s.width + ox * s.stride - s.pad_left) * c;
                float *to = y + (line * s.out_width + ox) * c;
                for (long channel = 0; channel < c; channel += W) {
                    const long part = c - channel < W ? c - channel : W;
                    V best = splat(-INFINITY);
                    for (long a = ky.begin; a < ky.end; a++) {
                        const float *from = image + start + (a * s.width + kx.begin) * c + channel;
                        for (long b = kx.begin; b < kx.end; b++, from += c) {
                            const V v = part == W ? load(from) : load_part(from, part);
                            // So that what is not a number stays so, wherever it is met.
                            best = v == v ? (v > best ? v : best) : v;
                        }
                    }
                    store_part(to + channel, best, part);
                }
            }
        }
    });
}
