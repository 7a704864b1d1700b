// Sampling of pictures bent by meshes: places of a block of neighbouring results at once, then each result's four pixels.

/// Results whose places are found together.
constexpr long sampled_block = 64;

/// Where the results of a block come from: offsets of the pixels above and below, left, the way to the right one, and weights.
struct SampledBlock {
    int32_t above[sampled_block], below[sampled_block], right[sampled_block];
    float rest_x[sampled_block], rest_y[sampled_block];
    // For gradients.
    float slope_x[sampled_block], slope_y[sampled_block], cell_rest[sampled_block];
    int32_t cell[sampled_block];
};

/// One axis of a place: the pixel before it, whether there is one behind it, and how far between them.
struct SampledAxis {
    I first, step;
    V rest, inside;
};

RAIN_INLINE SampledAxis sampled_axis(V place, long count) {
    const V pixel = fma(place, splat(0.5f * float(count)), splat(0.5f * float(count) - 0.5f));
    // The order of the comparisons makes a NaN the first pixel.
    const V least = pixel > splat(0) ? pixel : splat(0);
    const V last = splat(float(count - 1));
    const V clamped = least < last ? least : last;
    const I first = __builtin_convertvector(clamped, I);
    const I step = first < I(int(count - 1)) ? I(1) : I(0);
    const V inside = ((pixel > splat(0)) & (pixel < last)) ? splat(1) : splat(0);
    return {first, step, clamped - __builtin_convertvector(first, V), inside};
}

/// The places of `count` results of a row from `column` on.
template <bool gradient>
RAIN_INLINE void sampled_places(const RainSampling &s, const float *upper, const float *lower, float down, long column, long count,
                                SampledBlock &block) {
    const float scale = float(s.grid_width - 1) / float(s.out_width);
    for (long start = 0; start < count; start += W) {
        V x, y, rest;
        I cells;
        for (int i = 0; i < W; i++) {
            // Places behind the last are those of the last, so that nothing beyond is read.
            const long at = column + (start + i < count ? start + i : count - 1);
            const float place = (float(at) + 0.5f) * scale;
            const long cell = long(place) < s.grid_width - 2 ? long(place) : s.grid_width - 2;
            const float t = place - float(cell);
            const float *a = upper + 2 * cell, *b = lower + 2 * cell;
            const float left_x = a[0] + (b[0] - a[0]) * down, left_y = a[1] + (b[1] - a[1]) * down;
            const float right_x = a[2] + (b[2] - a[2]) * down, right_y = a[3] + (b[3] - a[3]) * down;
            x[i] = left_x + (right_x - left_x) * t;
            y[i] = left_y + (right_y - left_y) * t;
            rest[i] = t;
            cells[i] = int32_t(cell);
        }
        const SampledAxis h = sampled_axis(x, s.width), v = sampled_axis(y, s.height);
        const I channels = I(int(s.channels)), line = I(int(s.width * s.channels));
        const I above = v.first * line + h.first * channels;
        const auto keep = [&](auto *to, auto value) RAIN_INLINE_LAMBDA { __builtin_memcpy(to + start, &value, sizeof value); };
        keep(block.above, above);
        keep(block.below, above + v.step * line);
        keep(block.right, h.step * channels);
        keep(block.rest_x, h.rest);
        keep(block.rest_y, v.rest);
        if (gradient) {
            keep(block.slope_x, h.inside * splat(0.5f * float(s.width)));
            keep(block.slope_y, v.inside * splat(0.5f * float(s.height)));
            keep(block.cell_rest, rest);
            keep(block.cell, cells);
        }
    }
}

/// Calls body(block, first column, count) for each block of a row.
template <bool gradient, class Body>
RAIN_INLINE void each_sampled_block(const RainSampling &s, const float *grid, long row, Body &&body) {
    const float place = (float(row) + 0.5f) * (float(s.grid_height - 1) / float(s.out_height));
    const long cell = long(place) < s.grid_height - 2 ? long(place) : s.grid_height - 2;
    const float *upper = grid + cell * s.grid_width * 2, *lower = upper + s.grid_width * 2;
    SampledBlock block;
    for (long column = 0; column < s.out_width; column += sampled_block) {
        const long count = s.out_width - column < sampled_block ? s.out_width - column : sampled_block;
        sampled_places<gradient>(s, upper, lower, place - float(cell), column, count, block);
        body(block, column, count, cell, place - float(cell));
    }
}

/// Four channels of result `i` of a block.
RAIN_INLINE Four sampled_four(const float *picture, const SampledBlock &block, long i) {
    const float *above = picture + block.above[i], *below = picture + block.below[i];
    const Four a = load_four(above), b = load_four(above + block.right[i]);
    const Four d = load_four(below), e = load_four(below + block.right[i]);
    const Four upper = a + (b - a) * block.rest_x[i], lower = d + (e - d) * block.rest_x[i];
    return upper + (lower - upper) * block.rest_y[i];
}

/// Premultiplied colours over others.
RAIN_INLINE Four over_four(Four front, Four back) { return front + back * (1 - front[3]); }

void over(RainPool *pool, long pixels, const float *front, const float *back, float *y) {
    parallel_ranges(pool, pixels, light_grain / 4, 1, [&](long begin, long end, int) {
        for (long i = 4 * begin; i < 4 * end; i += 4) store_four(y + i, over_four(load_four(front + i), load_four(back + i)));
    });
}

void composite(RainPool *pool, const RainSampling *sampling, long layers, const float *x, const float *grids, float *y, float *alphas) {
    const RainSampling s = *sampling;
    const long share = s.samples / s.pictures, line_work = s.out_width * layers * 24;
    parallel_ranges(pool, s.samples * s.out_height, 1 + 4 * light_grain / line_work, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const long sample = line / s.out_height, first = line * s.out_width;
            for (long layer = 0; layer < layers; layer++) {
                const float *picture = x + (layer * s.pictures + sample / share) * s.height * s.width * 4;
                const float *own = grids + (layer * s.samples + sample) * s.grid_height * s.grid_width * 2;
                each_sampled_block<false>(s, own, line % s.out_height, [&](const SampledBlock &block, long column, long count, long, float) {
                    float *to = y + (first + column) * 4, *alpha = alphas + (first + column) * layers + layer;
                    for (long i = 0; i < count; i++, to += 4, alpha += layers) {
                        const Four front = sampled_four(picture, block, i);
                        *alpha = front[3];
                        store_four(to, layer == 0 ? front : over_four(front, load_four(to)));
                    }
                });
            }
        }
    });
}

void sample(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, float *y) {
    const RainSampling s = *sampling;
    const long c = s.channels, share = s.samples / s.pictures, line_work = s.out_width * (8 + 4 * c);
    parallel_ranges(pool, s.samples * s.out_height, 1 + 4 * light_grain / line_work, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const long sample = line / s.out_height;
            const float *picture = x + sample / share * s.height * s.width * c;
            const float *own = grid + sample * s.grid_height * s.grid_width * 2;
            each_sampled_block<false>(s, own, line % s.out_height, [&](const SampledBlock &block, long column, long count, long, float) {
                float *to = y + (line * s.out_width + column) * c;
                if (c == 4) {
                    for (long i = 0; i < count; i++, to += 4) store_four(to, sampled_four(picture, block, i));
                    return;
                }
                for (long i = 0; i < count; i++, to += c) {
                    const float *above = picture + block.above[i], *below = picture + block.below[i];
                    const long right = block.right[i];
                    const V rest_x = splat(block.rest_x[i]), rest_y = splat(block.rest_y[i]);
                    for (long channel = 0; channel < c; channel += W) {
                        const long part = c - channel < W ? c - channel : W;
                        const auto get = [&](const float *p) RAIN_INLINE_LAMBDA {
                            return part == W ? load(p + channel) : load_part(p + channel, part);
                        };
                        const V a = get(above), b = get(above + right), d = get(below), e = get(below + right);
                        const V upper = fma(b - a, rest_x, a), lower = fma(e - d, rest_x, d);
                        store_part(to + channel, fma(lower - upper, rest_y, upper), part);
                    }
                }
            });
        }
    });
}

void sample_gradient(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, const float *dy, float *dx,
                     float *dgrid) {
    const RainSampling s = *sampling;
    const long c = s.channels, share = s.samples / s.pictures;
    const long picture_count = s.height * s.width * c, grid_count = s.grid_height * s.grid_width * 2;
    // Each picture's gradient is one thread's, so that sums have one order.
    parallel_ranges(pool, s.pictures, 1, 1, [&](long begin, long end, int) {
        for (long i = begin * picture_count; i < end * picture_count; i++) dx[i] = 0;
        for (long i = begin * share * grid_count; i < end * share * grid_count; i++) dgrid[i] = 0;
        for (long line = begin * share * s.out_height; line < end * share * s.out_height; line++) {
            const long sample = line / s.out_height;
            const long picture = sample / share * picture_count;
            const float *own = grid + sample * grid_count;
            float *nodes = dgrid + sample * grid_count;
            each_sampled_block<true>(
                s, own, line % s.out_height, [&](const SampledBlock &block, long column, long count, long row, float down) {
                    const float *from = dy + (line * s.out_width + column) * c;
                    for (long i = 0; i < count; i++, from += c) {
                        const long above = picture + block.above[i], below = picture + block.below[i], right = block.right[i];
                        const float rest_x = block.rest_x[i], rest_y = block.rest_y[i];
                        const float upper = 1 - rest_y, left = 1 - rest_x;
                        V along_x = splat(0), along_y = splat(0);
                        for (long channel = 0; channel < c; channel += W) {
                            const long part = c - channel < W ? c - channel : W;
                            const auto get = [&](const float *p) RAIN_INLINE_LAMBDA {
                                return part == W ? load(p + channel) : load_part(p + channel, part);
                            };
                            const V g = get(from);
                            const V a = get(x + above), b = get(x + above + right), d = get(x + below), e = get(x + below + right);
                            along_x += g * ((b - a) * upper + (e - d) * rest_y);
                            along_y += g * ((d - a) * left + (e - b) * rest_x);
                            // One after the other: at an edge they are the same pixel.
                            const auto add = [&](float *p, float weight) RAIN_INLINE_LAMBDA {
                                store_part(p + channel, fma(g, splat(weight), get(p)), part);
                            };
                            add(dx + above, upper * left);
                            add(dx + above + right, upper * rest_x);
                            add(dx + below, rest_y * left);
                            add(dx + below + right, rest_y * rest_x);
                        }
                        const float slope_x = sum_lanes(along_x) * block.slope_x[i], slope_y = sum_lanes(along_y) * block.slope_y[i];
                        const float across = block.cell_rest[i];
                        float *node = nodes + (row * s.grid_width + block.cell[i]) * 2, *next = node + s.grid_width * 2;
                        const auto add = [&](float *to, float weight) RAIN_INLINE_LAMBDA {
                            to[0] += weight * slope_x;
                            to[1] += weight * slope_y;
                        };
                        add(node, (1 - down) * (1 - across));
                        add(node + 2, (1 - down) * across);
                        add(next, down * (1 - across));
                        add(next + 2, down * across);
                    }
                });
        }
    });
}
