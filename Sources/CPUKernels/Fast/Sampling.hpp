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
    const auto cell_of = [&](float place) RAIN_INLINE_LAMBDA { return long(place) < s.grid_width - 2 ? long(place) : s.grid_width - 2; };
    // Corners of a cell on this row: x and y left, x and y right.
    const auto corners = [&](long cell) RAIN_INLINE_LAMBDA {
        const float *a = upper + 2 * cell, *b = lower + 2 * cell;
        Four corner;
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) corner[i] = a[i] + (b[i] - a[i]) * down;
        return corner;
    };
    I lane;
#pragma clang loop unroll(full)
    for (int i = 0; i < W; i++) lane[i] = i;
    for (long start = 0; start < count; start += W) {
        V x, y, rest;
        I cells;
        const long first = column + start, last = start + W < count ? first + W - 1 : column + count - 1;
        const long cell = cell_of((float(first) + 0.5f) * scale);
        if (cell == cell_of((float(last) + 0.5f) * scale)) {
            // Lanes behind the last are nowhere in particular: nothing is read there.
            const Four corner = corners(cell);
            rest = (__builtin_convertvector(lane + I(int(first)), V) + splat(0.5f)) * splat(scale) - splat(float(cell));
            x = splat(corner[0]) + splat(corner[2] - corner[0]) * rest;
            y = splat(corner[1]) + splat(corner[3] - corner[1]) * rest;
            cells = I(int(cell));
        } else {
            for (int i = 0; i < W; i++) {
                const float place = (float(first + i < last ? first + i : last) + 0.5f) * scale;
                const long own = cell_of(place);
                const Four corner = corners(own);
                rest[i] = place - float(own);
                x[i] = corner[0] + (corner[2] - corner[0]) * rest[i];
                y[i] = corner[1] + (corner[3] - corner[1]) * rest[i];
                cells[i] = int32_t(own);
            }
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

/// Calls body(block, first column, count) for each block of a row, unless skip(nodes above, below, way down, column, count) is true.
template <bool gradient, class Body, class Skip>
RAIN_INLINE void each_sampled_block(const RainSampling &s, const float *grid, long row, Body &&body, Skip &&skip) {
    const float place = (float(row) + 0.5f) * (float(s.grid_height - 1) / float(s.out_height));
    const long cell = long(place) < s.grid_height - 2 ? long(place) : s.grid_height - 2;
    const float *upper = grid + cell * s.grid_width * 2, *lower = upper + s.grid_width * 2;
    SampledBlock block;
    for (long column = 0; column < s.out_width; column += sampled_block) {
        const long count = s.out_width - column < sampled_block ? s.out_width - column : sampled_block;
        if (skip(upper, lower, place - float(cell), column, count)) continue;
        sampled_places<gradient>(s, upper, lower, place - float(cell), column, count, block);
        body(block, column, count, cell, place - float(cell));
    }
}

template <bool gradient, class Body>
RAIN_INLINE void each_sampled_block(const RainSampling &s, const float *grid, long row, Body &&body) {
    each_sampled_block<gradient>(s, grid, row, body, [](const float *, const float *, float, long, long) { return false; });
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

/// Which parts of pictures hold anything: most of a layer is empty, and what is empty need not be sampled.
struct LayerTiles {
    static constexpr long most = 16384;
    /// Pixels a side, and how many across and down; 0 where there are too many to tell.
    long side, across, down;
    bool filled[most];

    /// - layers: how many stacks of the sampling's pictures there are
    LayerTiles(const RainSampling &s, long layers) : side(32) {
        const auto count = [&](long extent) { return (extent + side - 1) / side; };
        while (side < s.width + s.height && count(s.width) * count(s.height) * layers * s.pictures > most) side *= 2;
        across = count(s.width);
        down = count(s.height);
        if (across * down * layers * s.pictures > most) across = down = 0;
    }

    void look(RainPool *pool, const RainSampling &s, long layers, const float *x) {
        parallel_ranges(pool, layers * s.pictures * down, 1, 1, [&](long begin, long end, int) {
            for (long row = begin; row < end; row++) look(s, x, row / down, row % down);
        });
    }

    /// Looks at row `row` of the tiles of `picture`, the how-many-th of all.
    void look(const RainSampling &s, const float *x, long picture, long row) {
        const long last_line = (row + 1) * side < s.height ? (row + 1) * side : s.height;
        for (long column = 0; column < across; column++) {
            const long first = column * side, end = first + side < s.width ? first + side : s.width;
            bool any = false;
            for (long line = row * side; line < last_line && !any; line++) {
                const float *pixels = x + ((picture * s.height + line) * s.width + first) * s.channels;
                bool here = false;
                for (long i = 0; i < (end - first) * s.channels; i++) here |= pixels[i] != 0;
                any = here;
            }
            filled[(picture * down + row) * across + column] = any;
        }
    }

    /// Whether `count` results of a row from `column` on come from empty tiles alone. Between nodes places are linear, so that those of
    /// the ends and of the nodes between them bound all.
    bool all_empty(const RainSampling &s, long picture, const float *upper, const float *lower, float down_rest, long column,
                   long count) const {
        if (across == 0) return false;
        const float scale = float(s.grid_width - 1) / float(s.out_width);
        const float first = (float(column) + 0.5f) * scale, last = (float(column + count) - 0.5f) * scale;
        float low[2] = {1e9f, 1e9f}, high[2] = {-1e9f, -1e9f};
        bool is_known = true;
        const auto reach = [&](float place) {
            const long cell = long(place) < s.grid_width - 2 ? long(place) : s.grid_width - 2;
            const float t = place - float(cell);
            for (int axis = 0; axis < 2; axis++) {
                const float *a = upper + 2 * cell + axis, *b = lower + 2 * cell + axis;
                const float left = a[0] + (b[0] - a[0]) * down_rest, right = a[2] + (b[2] - a[2]) * down_rest;
                const float at = left + (right - left) * t;
                // Written so that what is not finite is not known.
                is_known = is_known && at > -1e6f && at < 1e6f;
                low[axis] = at < low[axis] ? at : low[axis];
                high[axis] = at > high[axis] ? at : high[axis];
            }
        };
        reach(first);
        for (long node = long(first) + 1; float(node) < last; node++) reach(float(node));
        reach(last);
        if (!is_known) return false;
        // A pixel more on either side: sampling rounds otherwise than this does.
        const auto tile = [&](float place, long extent, long more) {
            const float pixel = (place + 1) * 0.5f * float(extent) - 0.5f;
            const long at = long(pixel > -2 ? pixel < float(extent) + 2 ? pixel : float(extent) + 2 : -2.0f) + more;
            return (at < 0 ? 0 : at < extent ? at : extent - 1) / side;
        };
        const long left = tile(low[0], s.width, -1), right = tile(high[0], s.width, 2);
        const long top = tile(low[1], s.height, -1), bottom = tile(high[1], s.height, 2);
        for (long row = top; row <= bottom; row++)
            for (long at = left; at <= right; at++)
                if (filled[(picture * down + row) * across + at]) return false;
        return true;
    }
};

void composite(RainPool *pool, const RainSampling *sampling, long layers, const float *x, const float *grids, float *y, float *alphas) {
    const RainSampling s = *sampling;
    const long share = s.samples / s.pictures, line_work = s.out_width * layers * 24;
    LayerTiles tiles(s, layers);
    tiles.look(pool, s, layers, x);
    parallel_ranges(pool, s.samples * s.out_height, 1 + 4 * light_grain / line_work, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const long sample = line / s.out_height, first = line * s.out_width;
            for (long layer = 0; layer < layers; layer++) {
                const long picture = layer * s.pictures + sample / share;
                const float *pixels = x + picture * s.height * s.width * 4;
                const float *own = grids + (layer * s.samples + sample) * s.grid_height * s.grid_width * 2;
                const auto is_empty = [&](const float *upper, const float *lower, float down, long column, long count) {
                    if (!tiles.all_empty(s, picture, upper, lower, down, column, count)) return false;
                    float *to = y + (first + column) * 4, *alpha = alphas + (first + column) * layers + layer;
                    if (layer == 0) __builtin_memset(to, 0, count * 4 * sizeof(float));
                    for (long i = 0; i < count; i++, alpha += layers) *alpha = 0;
                    return true;
                };
                each_sampled_block<false>(
                    s, own, line % s.out_height,
                    [&](const SampledBlock &block, long column, long count, long, float) {
                        float *to = y + (first + column) * 4, *alpha = alphas + (first + column) * layers + layer;
                        for (long i = 0; i < count; i++, to += 4, alpha += layers) {
                            const Four front = sampled_four(pixels, block, i);
                            *alpha = front[3];
                            store_four(to, layer == 0 ? front : over_four(front, load_four(to)));
                        }
                    },
                    is_empty);
            }
        }
    });
}

void sample(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, float *y) {
    const RainSampling s = *sampling;
    const long c = s.channels, share = s.samples / s.pictures, line_work = s.out_width * (8 + 4 * c);
    LayerTiles tiles(s, 1);
    tiles.look(pool, s, 1, x);
    parallel_ranges(pool, s.samples * s.out_height, 1 + 4 * light_grain / line_work, 1, [&](long begin, long end, int) {
        for (long line = begin; line < end; line++) {
            const long sample = line / s.out_height;
            const float *picture = x + sample / share * s.height * s.width * c;
            const float *own = grid + sample * s.grid_height * s.grid_width * 2;
            const auto is_empty = [&](const float *upper, const float *lower, float down, long column, long count) {
                if (!tiles.all_empty(s, sample / share, upper, lower, down, column, count)) return false;
                __builtin_memset(y + (line * s.out_width + column) * c, 0, count * c * sizeof(float));
                return true;
            };
            const auto body = [&](const SampledBlock &block, long column, long count, long, float) {
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
            };
            each_sampled_block<false>(s, own, line % s.out_height, body, is_empty);
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
