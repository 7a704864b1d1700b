// Layer normalisation with its gradient.

/// Mean and inverse deviation of one row.
struct RowTerms {
    float mean, inverse;
};

RAIN_INLINE RowTerms row_terms(long channels, const float *x, float epsilon) {
    V sums[2] = {splat(0), splat(0)};
    long c = 0;
    for (; c + 2 * W <= channels; c += 2 * W) {
        sums[0] += load(x + c);
        sums[1] += load(x + c + W);
    }
    for (; c < channels; c += W) sums[0] += load_part(x + c, channels - c < W ? channels - c : W);
    const float mean = sum_lanes(sums[0] + sums[1]) / float(channels);
    V squares[2] = {splat(0), splat(0)};
    for (c = 0; c + 2 * W <= channels; c += 2 * W) {
        const V a = load(x + c) - mean, b = load(x + c + W) - mean;
        squares[0] = fma(a, a, squares[0]);
        squares[1] = fma(b, b, squares[1]);
    }
    for (; c + W <= channels; c += W) {
        const V a = load(x + c) - mean;
        squares[0] = fma(a, a, squares[0]);
    }
    float rest = 0;
    for (; c < channels; c++) rest += (x[c] - mean) * (x[c] - mean);
    const float variance = (sum_lanes(squares[0] + squares[1]) + rest) / float(channels);
    return {mean, 1 / sqrtf(variance + epsilon)};
}

/// Sums of what belongs to each of R rows, four at most, side by side.
template <int R>
RAIN_INLINE Four sums_of_rows(const V (&sums)[R][2]) {
    if constexpr (R == 1) {
        return Four(sum_lanes(sums[0][0] + sums[0][1]));
    } else {
        return sum_lanes(sums[0][0] + sums[0][1], sums[1][0] + sums[1][1], sums[2][0] + sums[2][1], sums[3][0] + sums[3][1]);
    }
}

/// R rows at once, 1 or 4: one row's sums, and what follows from them, are computed beside another's.
template <int R>
RAIN_INLINE void layer_norm_rows(long channels, float epsilon, const float *x, const float *gamma, const float *beta, float *y) {
    V sums[R][2];
    for (int r = 0; r < R; r++) sums[r][0] = sums[r][1] = splat(0);
    long c = 0;
    for (; c + 2 * W <= channels; c += 2 * W) {
        for (int r = 0; r < R; r++) {
            sums[r][0] += load(x + r * channels + c);
            sums[r][1] += load(x + r * channels + c + W);
        }
    }
    for (; c < channels; c += W) {
        for (int r = 0; r < R; r++) sums[r][0] += load_part(x + r * channels + c, channels - c < W ? channels - c : W);
    }
    const Four mean = sums_of_rows<R>(sums) / float(channels);
    for (int r = 0; r < R; r++) sums[r][0] = sums[r][1] = splat(0);
    for (c = 0; c + 2 * W <= channels; c += 2 * W) {
        for (int r = 0; r < R; r++) {
            const V a = load(x + r * channels + c) - mean[r], b = load(x + r * channels + c + W) - mean[r];
            sums[r][0] = fma(a, a, sums[r][0]);
            sums[r][1] = fma(b, b, sums[r][1]);
        }
    }
    for (; c < channels; c += W) {
        for (int r = 0; r < R; r++) {
            const V a = first_lanes(load_part(x + r * channels + c, channels - c < W ? channels - c : W) - mean[r], channels - c);
            sums[r][0] = fma(a, a, sums[r][0]);
        }
    }
    const Four inverse = 1.0f / __builtin_elementwise_sqrt(sums_of_rows<R>(sums) / float(channels) + epsilon);
    for (c = 0; c + W <= channels; c += W) {
        const V g = load(gamma + c), b = load(beta + c);
        for (int r = 0; r < R; r++) {
            store(y + r * channels + c, fma((load(x + r * channels + c) - mean[r]) * inverse[r], g, b));
        }
    }
    if (c < channels) {
        const long part = channels - c;
        const V g = load_part(gamma + c, part), b = load_part(beta + c, part);
        for (int r = 0; r < R; r++) {
            store_part(y + r * channels + c, fma((load_part(x + r * channels + c, part) - mean[r]) * inverse[r], g, b), part);
        }
    }
}

void layer_norm(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma, const float *beta,
                float *y) {
    constexpr int together = 4;
    parallel_ranges(pool, rows, 1 + light_grain / 2 / channels, together, [&](long begin, long end, int) {
        long row = begin;
        for (; row + together <= end; row += together) {
            layer_norm_rows<together>(channels, epsilon, x + row * channels, gamma, beta, y + row * channels);
        }
        for (; row < end; row++) layer_norm_rows<1>(channels, epsilon, x + row * channels, gamma, beta, y + row * channels);
    });
}

/// Rows whose parts of dgamma and dbeta are summed in float; then all in double. Fixed, whatever the thread count.
RAIN_INLINE long layer_norm_parts(long rows) { return rows / 64 < 1 ? 1 : rows / 64 < 64 ? rows / 64 : 64; }

size_t layer_norm_gradient_scratch_bytes(const RainPool *, long rows, long channels) {
    return size_t(layer_norm_parts(rows)) * 2 * channels * sizeof(float);
}

void layer_norm_gradient(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma, const float *dy,
                         float *dx, float *dgamma, float *dbeta, void *scratch) {
    const long parts = layer_norm_parts(rows);
    float *sums = static_cast<float *>(scratch);
    auto part_of = [&](long index) {
        const Range range = stretch(rows, parts, index);
        float *gamma_sums = sums + index * 2 * channels, *beta_sums = gamma_sums + channels;
        for (long c = 0; c < 2 * channels; c++) gamma_sums[c] = 0;
        for (long row = range.begin; row < range.end; row++) {
            const float *from = x + row * channels, *slopes = dy + row * channels;
            float *to = dx + row * channels;
            const RowTerms t = row_terms(channels, from, epsilon);
            V plain = splat(0), weighted = splat(0);
            for (long c = 0; c < channels; c += W) {
                const long part = channels - c < W ? channels - c : W;
                const V normal = (load_part(from + c, part) - t.mean) * t.inverse, slope = load_part(slopes + c, part);
                const V scaled = slope * load_part(gamma + c, part);
                plain += scaled;
                weighted = fma(scaled, normal, weighted);
                store_part(gamma_sums + c, fma(slope, normal, load_part(gamma_sums + c, part)), part);
                store_part(beta_sums + c, load_part(beta_sums + c, part) + slope, part);
            }
            const float first = sum_lanes(plain) / float(channels), second = sum_lanes(weighted) / float(channels);
            for (long c = 0; c < channels; c += W) {
                const long part = channels - c < W ? channels - c : W;
                const V normal = (load_part(from + c, part) - t.mean) * t.inverse;
                const V scaled = load_part(slopes + c, part) * load_part(gamma + c, part);
                store_part(to + c, t.inverse * (scaled - fma(normal, splat(second), splat(first))), part);
            }
        }
    };
    parallel_ranges(pool, parts, 1 + heavy_grain / (rows / parts * channels), 1, [&](long begin, long end, int) {
        for (long index = begin; index < end; index++) part_of(index);
    });
    for (long c = 0; c < channels; c++) {
        double gamma_sum = 0, beta_sum = 0;
        for (long index = 0; index < parts; index++) {
            gamma_sum += double(sums[index * 2 * channels + c]);
            beta_sum += double(sums[(index * 2 + 1) * channels + c]);
        }
        dgamma[c] = float(gamma_sum);
        dbeta[c] = float(beta_sum);
    }
}
