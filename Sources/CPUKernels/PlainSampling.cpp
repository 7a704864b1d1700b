// Plain sampling of pictures bent by meshes: loops that read as the definition, in double.
#include "Pool.hpp"
#include "Scalar.hpp"

namespace rain::plain {
namespace {

/// Two neighbours along an axis, how far between them, and how fast that grows with the place.
struct Between {
    long first, second;
    double rest, slope;
};

Between between_nodes(long index, long count, long nodes) {
    const double place = (index + 0.5) / count * (nodes - 1);
    const long first = long(place) < nodes - 2 ? long(place) : nodes - 2;
    return {first, first + 1, place - first, 0};
}

Between between_pixels(double place, long count) {
    const double pixel = (place + 1) / 2 * count - 0.5;
    if (!(pixel > 0)) return {0, 0, 0, 0};
    if (pixel >= count - 1) return {count - 1, count - 1, 0, 0};
    return {long(pixel), long(pixel) + 1, pixel - long(pixel), count / 2.0};
}

/// body(offset of the pixel in y, mesh cell down, across, pixels down, across, first offset of the picture)
template <class Body>
void each_pixel(const RainSampling &s, long sample, const float *grid, Body &&body) {
    const long picture = sample / (s.samples / s.pictures) * s.height * s.width * s.channels;
    for (long row = 0; row < s.out_height; row++) {
        const Between down = between_nodes(row, s.out_height, s.grid_height);
        for (long column = 0; column < s.out_width; column++) {
            const Between across = between_nodes(column, s.out_width, s.grid_width);
            double place[2];
            for (int axis = 0; axis < 2; axis++) {
                const auto node = [&](long y, long x) {
                    return double(grid[((sample * s.grid_height + y) * s.grid_width + x) * 2 + axis]);
                };
                const double above = node(down.first, across.first) * (1 - across.rest) + node(down.first, across.second) * across.rest;
                const double below = node(down.second, across.first) * (1 - across.rest) + node(down.second, across.second) * across.rest;
                place[axis] = above * (1 - down.rest) + below * down.rest;
            }
            const Between v = between_pixels(place[1], s.height), h = between_pixels(place[0], s.width);
            body(((sample * s.out_height + row) * s.out_width + column) * s.channels, down, across, v, h, picture);
        }
    }
}

}  // namespace

void sample(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, float *y) {
    const RainSampling s = *sampling;
    parallel_ranges(pool, s.samples, 1, 1, [&](long begin, long end, int) {
        for (long sample = begin; sample < end; sample++) {
            each_pixel(s, sample, grid, [&](long to, Between, Between, Between v, Between h, long picture) {
                const auto at = [&](long row, long column) { return x + picture + (row * s.width + column) * s.channels; };
                for (long c = 0; c < s.channels; c++) {
                    const double above = at(v.first, h.first)[c] * (1 - h.rest) + at(v.first, h.second)[c] * h.rest;
                    const double below = at(v.second, h.first)[c] * (1 - h.rest) + at(v.second, h.second)[c] * h.rest;
                    y[to + c] = float(above * (1 - v.rest) + below * v.rest);
                }
            });
        }
    });
}

void sample_gradient(RainPool *pool, const RainSampling *sampling, const float *x, const float *grid, const float *dy, float *dx,
                     float *dgrid) {
    const RainSampling s = *sampling;
    const long picture_count = s.height * s.width * s.channels, grid_count = s.grid_height * s.grid_width * 2;
    const long share = s.samples / s.pictures;
    parallel_ranges(pool, s.pictures, 1, 1, [&](long begin, long end, int) {
        for (long i = begin * picture_count; i < end * picture_count; i++) dx[i] = 0;
        for (long i = begin * share * grid_count; i < end * share * grid_count; i++) dgrid[i] = 0;
        for (long sample = begin * share; sample < end * share; sample++) {
            each_pixel(s, sample, grid, [&](long from, Between down, Between across, Between v, Between h, long picture) {
                const auto at = [&](long row, long column) { return picture + (row * s.width + column) * s.channels; };
                const long a = at(v.first, h.first), b = at(v.first, h.second), c = at(v.second, h.first), d = at(v.second, h.second);
                double slope_x = 0, slope_y = 0;
                for (long k = 0; k < s.channels; k++) {
                    const double g = dy[from + k];
                    slope_x += g * h.slope * ((x[b + k] - x[a + k]) * (1 - v.rest) + (x[d + k] - x[c + k]) * v.rest);
                    slope_y += g * v.slope * ((x[c + k] - x[a + k]) * (1 - h.rest) + (x[d + k] - x[b + k]) * h.rest);
                    dx[a + k] += float(g * (1 - v.rest) * (1 - h.rest));
                    dx[b + k] += float(g * (1 - v.rest) * h.rest);
                    dx[c + k] += float(g * v.rest * (1 - h.rest));
                    dx[d + k] += float(g * v.rest * h.rest);
                }
                const auto node = [&](long row, long column) {
                    return dgrid + ((sample * s.grid_height + row) * s.grid_width + column) * 2;
                };
                const auto add = [&](float *to, double weight) {
                    to[0] += float(weight * slope_x);
                    to[1] += float(weight * slope_y);
                };
                add(node(down.first, across.first), (1 - down.rest) * (1 - across.rest));
                add(node(down.first, across.second), (1 - down.rest) * across.rest);
                add(node(down.second, across.first), down.rest * (1 - across.rest));
                add(node(down.second, across.second), down.rest * across.rest);
            });
        }
    });
}

void composite(RainPool *pool, const RainSampling *sampling, long layers, const float *x, const float *grids, float *y, float *alphas) {
    const RainSampling s = *sampling;
    const long count = s.samples * s.out_height * s.out_width;
    parallel_ranges(pool, s.samples, 1, 1, [&](long begin, long end, int) {
        for (long i = begin * count / s.samples * 4; i < end * count / s.samples * 4; i++) y[i] = 0;
        for (long layer = 0; layer < layers; layer++) {
            const float *own = x + layer * s.pictures * s.height * s.width * 4;
            const float *grid = grids + layer * s.samples * s.grid_height * s.grid_width * 2;
            for (long sample = begin; sample < end; sample++) {
                each_pixel(s, sample, grid, [&](long to, Between, Between, Between v, Between h, long picture) {
                    const auto at = [&](long row, long column) { return own + picture + (row * s.width + column) * 4; };
                    double front[4];
                    for (long c = 0; c < 4; c++) {
                        const double above = at(v.first, h.first)[c] * (1 - h.rest) + at(v.first, h.second)[c] * h.rest;
                        const double below = at(v.second, h.first)[c] * (1 - h.rest) + at(v.second, h.second)[c] * h.rest;
                        front[c] = above * (1 - v.rest) + below * v.rest;
                    }
                    for (long c = 0; c < 4; c++) y[to + c] = float(front[c] + y[to + c] * (1 - front[3]));
                    alphas[to / 4 * layers + layer] = float(front[3]);
                });
            }
        }
    });
}

void over(RainPool *pool, long pixels, const float *front, const float *back, float *y) {
    parallel_ranges(pool, pixels, 1, 1, [&](long begin, long end, int) {
        for (long i = 4 * begin; i < 4 * end; i++) y[i] = float(front[i] + double(back[i]) * (1 - double(front[i / 4 * 4 + 3])));
    });
}

}  // namespace rain::plain
