// Group and layer normalisation with gradients. Sums: short runs in float, runs together in double.

/// Sums over positions of one sample, per channel: runs of this many positions are summed in float.
constexpr long norm_run = 32;
/// Positions one task takes when a sample is shared among threads.
constexpr long norm_task = 1024;

typedef double Doubles __attribute__((ext_vector_type(RAIN_WIDTH)));
typedef double DoublesUnaligned __attribute__((ext_vector_type(RAIN_WIDTH), aligned(8)));

/// Adds the first `part` lanes of a run's sum, and of its squares about the mean, to the sums of all.
RAIN_INLINE void add_moments(V sum, V square, double share, long part, double *sums, double *squares) {
    const Doubles s = __builtin_convertvector(sum, Doubles), q = __builtin_convertvector(square, Doubles) + s * s * share;
    if (part == W) {
        *reinterpret_cast<DoublesUnaligned *>(sums) += s;
        *reinterpret_cast<DoublesUnaligned *>(squares) += q;
        return;
    }
    for (long lane = 0; lane < part; lane++) {
        sums[lane] += s[lane];
        squares[lane] += q[lane];
    }
}

/// Adds per channel Σx and Σx² of `positions` rows to sums[0…channels) and squares[0…channels). Each run's squares are
/// taken about the run's own mean, so that a large common offset does not swallow the variance.
inline void channel_moments(long positions, long channels, const float *x, double *sums, double *squares) {
    for (long first = 0; first < positions; first += norm_run) {
        const long count = positions - first < norm_run ? positions - first : norm_run;
        for (long c = 0; c < channels; c += W) {
            const long part = channels - c < W ? channels - c : W;
            const float *from = x + first * channels + c;
            V sum0 = splat(0), sum1 = splat(0), square0 = splat(0), square1 = splat(0);
            long i = 0;
            for (; i + 2 <= count; i += 2) {
                sum0 += load_part(from + i * channels, part);
                sum1 += load_part(from + (i + 1) * channels, part);
            }
            if (i < count) sum0 += load_part(from + i * channels, part);
            const V sum = sum0 + sum1, mean = sum * (1.0f / float(count));
            for (i = 0; i + 2 <= count; i += 2) {
                const V a = load_part(from + i * channels, part) - mean, b = load_part(from + (i + 1) * channels, part) - mean;
                square0 = fma(a, a, square0);
                square1 = fma(b, b, square1);
            }
            if (i < count) {
                const V a = load_part(from + i * channels, part) - mean;
                square0 = fma(a, a, square0);
            }
            add_moments(sum, square0 + square1, 1 / double(count), part, sums + c, squares + c);
        }
    }
}

/// Per channel: y = act(x · scale + shift); mean and inverse deviation as floats for the gradient.
struct ChannelTerms {
    float *scale, *shift, *mean, *inverse;
};

inline void channel_terms(long positions, long channels, long groups, float epsilon, const double *sums, const double *squares,
                          const float *gamma, const float *beta, ChannelTerms to) {
    const long width = channels / groups;
    const double count = double(positions) * double(width);
    for (long g = 0; g < groups; g++) {
        double sum = 0, square = 0;
        for (long c = g * width; c < (g + 1) * width; c++) sum += sums[c], square += squares[c];
        const double mean = sum / count, variance = square / count - mean * mean;
        const double inverse = 1 / sqrt((variance > 0 ? variance : variance == variance ? 0 : variance) + epsilon);
        for (long c = g * width; c < (g + 1) * width; c++) {
            to.scale[c] = float(inverse * gamma[c]);
            to.shift[c] = float(beta[c] - mean * inverse * gamma[c]);
            to.mean[c] = float(mean);
            to.inverse[c] = float(inverse);
        }
    }
}

/// Scratch of group norm. Per task: the moments of its positions; per sample: the channel terms.
struct GroupNormPlan {
    long samples, positions, channels, tasks;  // tasks per sample

    GroupNormPlan(long samples, long positions, long channels)
        : samples(samples), positions(positions), channels(channels), tasks((positions + norm_task - 1) / norm_task) {}
    size_t moments_bytes() const { return round_up(size_t(samples) * tasks * 2 * channels * sizeof(double)); }
    size_t terms_bytes() const { return round_up(size_t(samples) * 4 * channels * sizeof(float)); }
    double *moments(void *scratch, long sample, long task) const {
        return static_cast<double *>(scratch) + (sample * tasks + task) * 2 * channels;
    }
    ChannelTerms terms(void *scratch, long sample) const {
        float *at = reinterpret_cast<float *>(static_cast<char *>(scratch) + moments_bytes()) + sample * 4 * channels;
        return {at, at + channels, at + 2 * channels, at + 3 * channels};
    }
    Range rows(long task) const { return stretch(positions, tasks, task); }
    /// Adds up the moments of a sample's tasks into the first one's.
    double *gather(void *scratch, long sample) const {
        double *all = moments(scratch, sample, 0);
        for (long task = 1; task < tasks; task++) {
            const double *more = moments(scratch, sample, task);
            for (long c = 0; c < 2 * channels; c++) all[c] += more[c];
        }
        return all;
    }
    /// body(sample, task, rows) over all of them, in chunks worth sharing.
    template <class Body>
    void each(RainPool *pool, const Body &body) const {
        const long rows_per_task = (positions + tasks - 1) / tasks;
        parallel_ranges(pool, samples * tasks, 1 + heavy_grain / (rows_per_task * channels), 1, [&](long begin, long end, int) {
            for (long at = begin; at < end; at++) body(at / tasks, at % tasks, rows(at % tasks));
        });
    }
};

size_t group_norm_scratch_bytes(const RainPool *, long samples, long positions, long channels, long) {
    const GroupNormPlan plan(samples, positions, channels);
    return plan.moments_bytes() + plan.terms_bytes();
}

void group_norm(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon,
                RainActivation activation, const float *x, const float *gamma, const float *beta, float *y, void *scratch) {
    const GroupNormPlan plan(samples, positions, channels);
    auto measure = [&](long sample, long task, Range rows) {
        double *moments = plan.moments(scratch, sample, task);
        for (long c = 0; c < 2 * channels; c++) moments[c] = 0;
        channel_moments(rows.end - rows.begin, channels, x + (sample * positions + rows.begin) * channels, moments,
                        moments + channels);
    };
    auto conclude = [&](long sample) {
        const double *moments = plan.gather(scratch, sample);
        channel_terms(positions, channels, groups, epsilon, moments, moments + channels, gamma, beta,
                      plan.terms(scratch, sample));
    };
    auto apply = [&](long sample, Range rows) {
        const ChannelTerms t = plan.terms(scratch, sample);
        with_activation(activation, [&](auto k) {
            for (long row = rows.begin; row < rows.end; row++) {
                const long at = (sample * positions + row) * channels;
                long c = 0;
                for (; c + W <= channels; c += W) {
                    store(y + at + c, activated<decltype(k)::kind>(fma(load(x + at + c), load(t.scale + c), load(t.shift + c))));
                }
                if (c < channels) {
                    const long part = channels - c;
                    const V v = fma(load_part(x + at + c, part), load_part(t.scale + c, part), load_part(t.shift + c, part));
                    store_part(y + at + c, activated<decltype(k)::kind>(v), part);
                }
            }
        });
    };
    if (plan.tasks == 1) {
        plan.each(pool, [&](long sample, long task, Range rows) {
            measure(sample, task, rows);
            conclude(sample);
            apply(sample, rows);
        });
        return;
    }
    plan.each(pool, measure);
    for (long sample = 0; sample < samples; sample++) conclude(sample);
    plan.each(pool, [&](long sample, long, Range rows) { apply(sample, rows); });
}

// Scratch of the gradient: as forward, then per task the sums of slopes and of slopes · normalised, then per sample the
// two means per channel's group.
size_t group_norm_gradient_scratch_bytes(const RainPool *, long samples, long positions, long channels, long) {
    const GroupNormPlan plan(samples, positions, channels);
    return 2 * plan.moments_bytes() + plan.terms_bytes() + round_up(size_t(samples) * 2 * channels * sizeof(float));
}

void group_norm_gradient(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon,
                         RainActivation activation, const float *x, const float *gamma, const float *beta, const float *dy,
                         float *dx, float *dgamma, float *dbeta, void *scratch) {
    const GroupNormPlan plan(samples, positions, channels);
    void *slope_scratch = static_cast<char *>(scratch) + plan.moments_bytes() + plan.terms_bytes();
    float *means = reinterpret_cast<float *>(static_cast<char *>(slope_scratch) + plan.moments_bytes());
    const long width = channels / groups;
    auto measure = [&](long sample, long task, Range rows) {
        double *moments = plan.moments(scratch, sample, task);
        for (long c = 0; c < 2 * channels; c++) moments[c] = 0;
        channel_moments(rows.end - rows.begin, channels, x + (sample * positions + rows.begin) * channels, moments,
                        moments + channels);
    };
    auto conclude = [&](long sample) {
        const double *moments = plan.gather(scratch, sample);
        channel_terms(positions, channels, groups, epsilon, moments, moments + channels, gamma, beta,
                      plan.terms(scratch, sample));
    };
    // The slopes before the activation go to dx, their sums to the slope scratch.
    auto slopes = [&](long sample, long task, Range rows) {
        const ChannelTerms t = plan.terms(scratch, sample);
        double *sums = plan.moments(slope_scratch, sample, task);
        for (long c = 0; c < 2 * channels; c++) sums[c] = 0;
        with_activation(activation, [&](auto k) {
            for (long first = rows.begin; first < rows.end; first += norm_run) {
                const long last = first + norm_run < rows.end ? first + norm_run : rows.end;
                for (long c = 0; c < channels; c += W) {
                    const long part = channels - c < W ? channels - c : W;
                    const V scale = load_part(t.scale + c, part), shift = load_part(t.shift + c, part);
                    const V mean = load_part(t.mean + c, part), inverse = load_part(t.inverse + c, part);
                    V plain = splat(0), weighted = splat(0);
                    for (long row = first; row < last; row++) {
                        const long at = (sample * positions + row) * channels + c;
                        const V v = load_part(x + at, part);
                        V slope = load_part(dy + at, part);
                        if constexpr (k.kind != RAIN_ACT_NONE) slope *= slope_of<decltype(k)::kind>(fma(v, scale, shift));
                        plain += slope;
                        weighted = fma(slope, (v - mean) * inverse, weighted);
                        store_part(dx + at, slope, part);
                    }
                    for (long lane = 0; lane < part; lane++) {
                        sums[c + lane] += double(plain[lane]);
                        sums[channels + c + lane] += double(weighted[lane]);
                    }
                }
            }
        });
    };
    auto conclude_slopes = [&](long sample) {
        const double *sums = plan.gather(slope_scratch, sample);
        float *mean = means + sample * 2 * channels;
        for (long g = 0; g < groups; g++) {
            double plain = 0, weighted = 0;
            for (long c = g * width; c < (g + 1) * width; c++) {
                plain += sums[c] * gamma[c];
                weighted += sums[channels + c] * gamma[c];
            }
            for (long c = g * width; c < (g + 1) * width; c++) {
                mean[c] = float(plain / (double(positions) * double(width)));
                mean[channels + c] = float(weighted / (double(positions) * double(width)));
            }
        }
    };
    auto apply = [&](long sample, Range rows) {
        const ChannelTerms t = plan.terms(scratch, sample);
        const float *mean = means + sample * 2 * channels;
        for (long c = 0; c < channels; c += W) {
            const long part = channels - c < W ? channels - c : W;
            const V center = load_part(t.mean + c, part), inverse = load_part(t.inverse + c, part);
            const V scale = load_part(t.scale + c, part), first = load_part(mean + c, part) * inverse;
            const V second = load_part(mean + channels + c, part) * inverse * inverse;
            for (long row = rows.begin; row < rows.end; row++) {
                const long at = (sample * positions + row) * channels + c;
                const V v = load_part(x + at, part) - center;
                store_part(dx + at, fma(load_part(dx + at, part), scale, -fma(v, second, first)), part);
            }
        }
    };
    if (plan.tasks == 1) {
        plan.each(pool, [&](long sample, long task, Range rows) {
            measure(sample, task, rows);
            conclude(sample);
            slopes(sample, task, rows);
            conclude_slopes(sample);
            apply(sample, rows);
        });
    } else {
        plan.each(pool, measure);
        for (long sample = 0; sample < samples; sample++) conclude(sample);
        plan.each(pool, slopes);
        for (long sample = 0; sample < samples; sample++) conclude_slopes(sample);
        plan.each(pool, [&](long sample, long, Range rows) { apply(sample, rows); });
    }
    for (long c = 0; c < channels; c++) {
        double plain = 0, weighted = 0;
        for (long sample = 0; sample < samples; sample++) {
            const double *sums = plan.moments(slope_scratch, sample, 0);
            plain += sums[c];
            weighted += sums[channels + c];
        }
        dbeta[c] = float(plain);
        dgamma[c] = float(weighted);
    }
}

// ---- Layer norm -----------------------------------------------------------------------------------------------------------------

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

void layer_norm(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma, const float *beta,
                float *y) {
    parallel_ranges(pool, rows, 1 + light_grain / channels, 1, [&](long begin, long end, int) {
        for (long row = begin; row < end; row++) {
            const float *from = x + row * channels;
            float *to = y + row * channels;
            const RowTerms t = row_terms(channels, from, epsilon);
            long c = 0;
            for (; c + W <= channels; c += W) {
                store(to + c, fma((load(from + c) - t.mean) * t.inverse, load(gamma + c), load(beta + c)));
            }
            if (c < channels) {
                const long part = channels - c;
                const V normal = (load_part(from + c, part) - t.mean) * t.inverse;
                store_part(to + c, fma(normal, load_part(gamma + c, part), load_part(beta + c, part)), part);
            }
        }
    });
}

/// Rows whose parts of dgamma and dbeta are summed in float; then all in double. Fixed, whatever the thread count.
RAIN_INLINE long layer_norm_parts(long rows) { return rows / 64 < 1 ? 1 : rows / 64 < 64 ? rows / 64 : 64; }

size_t layer_norm_gradient_scratch_bytes(const RainPool *, long rows, long channels) {
    return size_t(layer_norm_parts(rows)) * 2 * channels * sizeof(float);
}

void layer_norm_gradient(RainPool *pool, long rows, long channels, float epsilon, const float *x, const float *gamma,
                         const float *dy, float *dx, float *dgamma, float *dbeta, void *scratch) {
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
