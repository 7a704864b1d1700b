// Group normalisation with its gradient.

size_t group_norm_scratch_bytes(const RainPool *, long samples, long positions, long channels, long) {
    const GroupNormPlan plan(samples, positions, channels);
    return plan.moments_bytes() + plan.terms_bytes();
}

RAIN_INLINE void group_norm_of(RainPool *pool, long samples, long positions, long groups, float epsilon, RainActivation activation,
                               const Sides &x, const float *gamma, const float *beta, float *y, void *scratch) {
    const long channels = x.count();
    const GroupNormPlan plan(samples, positions, channels);
    const GroupNorm norm = {plan, scratch, groups, epsilon, x, gamma, beta};
    // Whether no number before SiLU is beyond ±87. A mean of many deviations takes digits from the variance.
    const bool is_near = activation == RAIN_ACT_SILU && norm.reach() < 80;
    constexpr double most_deviations = 1e5;
    // Of a sample that is measured and then computed while it is in the second-level cache, the last rows bring the next one's first
    // ones there, as many as have room beside it.
    const long sample_bytes = positions * channels * long(sizeof(float)), cache_bytes = long(pool->cache_bytes);
    const bool fetches = plan.tasks == 1 && sample_bytes >= 32 << 10 && sample_bytes <= cache_bytes;
    const long room = cache_bytes / 3 * positions / sample_bytes, ahead = positions < room ? positions : room;
    auto apply_with = [&](long sample, Range rows, auto function) {
        const ChannelTerms t = plan.terms(scratch, sample);
        for (long row = rows.begin; row < rows.end; row++) {
            const long line = sample * positions + row;
            const bool fetch = fetches && row >= positions - ahead;
            for (int part = 0; part < 2; part++) {
                const long count = x.counts[part];
                const float *from = x.row(part, line), *scale = t.scale + x.begin(part), *shift = t.shift + x.begin(part);
                float *to = y + line * channels + x.begin(part);
                auto vector = [&](long c)
                                  RAIN_INLINE_LAMBDA { store(to + c, function(fma(load(from + c), load(scale + c), load(shift + c)))); };
                long c = 0;
                for (; c + 16 <= count; c += 16) {
                    if (fetch) __builtin_prefetch(from + ahead * count + c, 0, 2);
#pragma clang loop unroll(full)
                    for (long v = 0; v < 16; v += W) vector(c + v);
                }
                for (; c + W <= count; c += W) vector(c);
                if (c < count) {
                    const long rest = count - c;
                    const V v = fma(load_part(from + c, rest), load_part(scale + c, rest), load_part(shift + c, rest));
                    store_part(to + c, function(v), rest);
                }
            }
        }
    };
    auto apply = [&](long sample, Range rows, bool bounded) {
        if (bounded) return apply_with(sample, rows, [](V v) RAIN_INLINE_LAMBDA { return silu<true>(v); });
        with_activation(activation,
                        [&](auto k) { apply_with(sample, rows, [](V v) RAIN_INLINE_LAMBDA { return activated<decltype(k)::kind>(v); }); });
    };
    if (plan.tasks == 1) {
        plan.each(pool, [&](long sample, long task, Range rows) {
            norm.measure(sample, task, rows);
            const bool bounded = norm.conclude(sample) < most_deviations && is_near;
            apply(sample, rows, bounded);
        });
        return;
    }
    plan.each(pool, [&](long sample, long task, Range rows) { norm.measure(sample, task, rows); });
    bool bounded = is_near;
    for (long sample = 0; sample < samples; sample++) bounded &= norm.conclude(sample) < most_deviations;
    plan.each(pool, [&](long sample, long, Range rows) { apply(sample, rows, bounded); });
}

void group_norm(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon, RainActivation activation,
                const float *x, const float *gamma, const float *beta, float *y, void *scratch) {
    group_norm_of(pool, samples, positions, groups, epsilon, activation, whole(x, channels), gamma, beta, y, scratch);
}

void group_norm_of_two(RainPool *pool, long samples, long positions, long first_channels, long second_channels, long groups,
                       float epsilon, RainActivation activation, const float *first, const float *second, const float *gamma,
                       const float *beta, float *y, void *scratch) {
    const Sides x = {{first, second}, {first_channels, second_channels}};
    group_norm_of(pool, samples, positions, groups, epsilon, activation, x, gamma, beta, y, scratch);
}

// Scratch of the gradient: as forward, then per task the sums of slopes and of slopes · normalised, then per sample the
// two means per channel's group.
size_t group_norm_gradient_scratch_bytes(const RainPool *, long samples, long positions, long channels, long) {
    const GroupNormPlan plan(samples, positions, channels);
    return 2 * plan.moments_bytes() + plan.terms_bytes() + round_up(size_t(samples) * 2 * channels * sizeof(float));
}

void group_norm_gradient(RainPool *pool, long samples, long positions, long channels, long groups, float epsilon,
                         RainActivation activation, const float *x, const float *gamma, const float *beta, const float *dy, float *dx,
                         float *dgamma, float *dbeta, void *scratch) {
    const GroupNormPlan plan(samples, positions, channels);
    void *slope_scratch = static_cast<char *>(scratch) + plan.moments_bytes() + plan.terms_bytes();
    float *means = reinterpret_cast<float *>(static_cast<char *>(slope_scratch) + plan.moments_bytes());
    const long width = channels / groups;
    const GroupNorm norm = {plan, scratch, groups, epsilon, whole(x, channels), gamma, beta};
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
            norm.measure(sample, task, rows);
            norm.conclude(sample);
            slopes(sample, task, rows);
            conclude_slopes(sample);
            apply(sample, rows);
        });
    } else {
        plan.each(pool, [&](long sample, long task, Range rows) { norm.measure(sample, task, rows); });
        for (long sample = 0; sample < samples; sample++) norm.conclude(sample);
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
