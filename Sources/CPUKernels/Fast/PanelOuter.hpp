// Outer products as in Outer.hpp, for rows that follow each other in memory: the right side is copied to panels, a block of pixels
// at a time, and lines that are wanted next are brought closer between products.

constexpr int panel_rows = RAIN_REGISTERS == 32 ? 12 : 6;
/// Panels of the right side that are copied at once.
constexpr long most_panels = 8;
/// Floats of a panel's copy, an odd number of lines so that panels do not push each other out of the first-level cache.
constexpr long panel_space = pixel_block * panel_width + 16;
constexpr size_t panel_outer_bytes = most_panels * panel_space * sizeof(float);

/// Lines of memory that are wanted next, brought closer between products: two stretches, one after the other.
struct LinesAhead {
    const char *at[2] = {};
    long lines[2] = {};

    /// Where the next `count` of them start; null when there are none left.
    RAIN_INLINE const char *take(long count) {
        const int from = lines[0] > 0 ? 0 : 1;
        if (lines[from] <= 0) return nullptr;
        const char *first = at[from];
        at[from] += count * 64;
        lines[from] -= count;
        return first;
    }
};
/// Pixels that a tile multiplies from one line ahead to the next.
constexpr long pixels_per_line = 4;

/// Copies `columns` columns of `pixels` rows as panels, the last one W wide if that is enough.
inline void copy_panels(const float *from, long stride, long pixels, long columns, float *to) {
    const long panels = panel_count(columns), whole = columns / panel_width;
    for (long p = 0; p < pixels; p++, from += stride) {
        for (long panel = 0; panel < whole; panel++) {
            float *line = to + panel * panel_space + p * panel_width;
            store(line, load(from + panel * panel_width));
            store(line + W, load(from + panel * panel_width + W));
        }
        if (whole == panels) continue;
        const long left = columns - whole * panel_width;
        float *line = to + whole * panel_space + p * panel_vectors(columns, whole) * W;
        store(line, load_part(from + whole * panel_width, left < W ? left : W));
        if (left > W) store(line + W, load_part(from + whole * panel_width + W, left - W));
    }
}

/// out[r][N · W] (+)= Σ_p left[p][r] · right[p][N · W], R rows.
template <int R, int N>
__attribute__((noinline)) void panel_tile(const float *left, long left_stride, const float *right, long pixels, float *out, long stride,
                                          bool add, const char *ahead) {
    V sum[R][N];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) sum[r][n] = splat(0);
    }
    auto step = [&]() RAIN_INLINE_LAMBDA {
        add_step<R, N>([&](int r) RAIN_INLINE_LAMBDA { return left[r]; }, right, sum);
        left += left_stride;
        right += N * W;
    };
    long p = 0;
    for (; p + pixels_per_line <= pixels; p += pixels_per_line) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += 64;
        for (int i = 0; i < pixels_per_line; i++) step();
    }
    for (; p < pixels; p++) step();
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
        for (int n = 0; n < N; n++) {
            float *to = out + r * stride + n * W;
            store(to, add ? load(to) + sum[r][n] : sum[r][n]);
        }
    }
}

template <int N>
RAIN_INLINE void panel_tile_of(long rows, const float *left, long left_stride, const float *right, long pixels, float *out, long stride,
                               bool add, const char *ahead) {
    with_count<panel_rows>(rows, [&](auto height) RAIN_INLINE_LAMBDA {
        panel_tile<decltype(height)::value, N>(left, left_stride, right, pixels, out, stride, add, ahead);
    });
}

/// out[a][b] (+)= Σ_p left[p][a] · right[p][b] for p in `pixels`, a in `as`, b in `bs`; rows of left and right are left_stride and
/// right_stride floats, of out `stride`, a multiple of W. `after` rows of both sides follow `pixels`. `buffer`: `panel_outer_bytes`.
inline void panel_outer(const float *left, long left_stride, const float *right, long right_stride, Range pixels, long after, Range as,
                        Range bs, float *out, long stride, bool add, float *buffer) {
    const long count = as.end - as.begin, tiles = (count + panel_rows - 1) / panel_rows;
    // Else a row's other columns would be brought, too.
    const bool whole = count == left_stride && bs.end - bs.begin == right_stride;
    for (long p = pixels.begin; p < pixels.end; p += pixel_block) {
        const long block = pixels.end - p < pixel_block ? pixels.end - p : pixel_block;
        const long following = pixels.end + after - p - block, wanted = following < pixel_block ? following : pixel_block;
        LinesAhead ahead;
        if (whole) {
            ahead = {{reinterpret_cast<const char *>(left + (p + block) * left_stride),
                      reinterpret_cast<const char *>(right + (p + block) * right_stride)},
                     {wanted * left_stride / 16, wanted * right_stride / 16}};
        }
        for (long group = bs.begin; group < bs.end; group += most_panels * panel_width) {
            const long width = bs.end - group < most_panels * panel_width ? bs.end - group : most_panels * panel_width;
            copy_panels(right + p * right_stride + group, right_stride, block, width, buffer);
            for (long panel = 0; panel < panel_count(width); panel++) {
                const float *columns = buffer + panel * panel_space;
                for (long t = 0; t < tiles; t++) {
                    const long a = as.begin + count * t / tiles, height = as.begin + count * (t + 1) / tiles - a;
                    const float *from = left + p * left_stride + a;
                    float *to = out + a * stride + group + panel * panel_width;
                    const char *lines = ahead.take(block / pixels_per_line);
                    if (!lines) lines = reinterpret_cast<const char *>(columns);
                    if (panel_vectors(width, panel) == 2) {
                        panel_tile_of<2>(height, from, left_stride, columns, block, to, stride, add || p > pixels.begin, lines);
                    } else {
                        panel_tile_of<1>(height, from, left_stride, columns, block, to, stride, add || p > pixels.begin, lines);
                    }
                }
            }
        }
    }
}
