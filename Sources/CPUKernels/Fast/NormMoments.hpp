// Sums of group norm and its gradient. Sums: short runs in float, runs together in double.

/// Positions summed in float.
constexpr long norm_run = 32;
/// Positions one task takes when a sample is shared among threads.
constexpr long norm_task = 1024;

typedef double Doubles __attribute__((ext_vector_type(RAIN_WIDTH)));
typedef double DoublesUnaligned __attribute__((ext_vector_type(RAIN_WIDTH), aligned(8)));

/// sums[0 … part) += x
RAIN_INLINE void add_doubles(V x, long part, double *sums) {
    const Doubles wide = __builtin_convertvector(x, Doubles);
    if (part == W) {
        *reinterpret_cast<DoublesUnaligned *>(sums) += wide;
        return;
    }
    for (long lane = 0; lane < part; lane++) sums[lane] += wide[lane];
}

/// sums[c] and squares[c] become Σx and Σx² of `positions` rows; `floats`: three times `channels` of them.
///
/// One pass, in which eight rows at a time are read side by side. Squares are taken about the mean of the first rows, so that a large
/// common offset does not swallow the variance.
inline void channel_moments(long positions, long channels, const float *x, double *sums, double *squares, float *floats) {
    constexpr long together = 8;
    float *pivots = floats, *sum = floats + channels, *square = floats + 2 * channels;
    const long first_rows = positions < together ? positions : together;
    auto each_vector = [&](auto &&body) RAIN_INLINE_LAMBDA {
        long c = 0;
        for (; c + W <= channels; c += W) body(c, W);
        if (c < channels) body(c, channels - c);
    };
    each_vector([&](long c, long part) RAIN_INLINE_LAMBDA {
        V pivot = splat(0);
        for (long i = 0; i < first_rows; i++) pivot += load_part(x + i * channels + c, part);
        store_part(pivots + c, pivot * (1.0f / float(first_rows)), part);
        store_part(sum + c, splat(0), part);
        store_part(square + c, splat(0), part);
    });
    for (long c = 0; c < channels; c++) sums[c] = squares[c] = 0;
    for (long run = 0; run < positions; run += norm_run) {
        const long last = run + norm_run < positions ? run + norm_run : positions;
        for (long row = run; row < last; row += together) {
            const float *from = x + row * channels;
            auto add = [&](auto rows, long c, long part) RAIN_INLINE_LAMBDA {
                const V pivot = load_part(pivots + c, part);
                V s[2] = {load_part(sum + c, part), splat(0)}, q[2] = {load_part(square + c, part), splat(0)};
                for (long i = 0; i < rows; i++) {
                    const V d = load_part(from + i * channels + c, part) - pivot;
                    s[i % 2] += d;
                    q[i % 2] = fma(d, d, q[i % 2]);
                }
                store_part(sum + c, s[0] + s[1], part);
                store_part(square + c, q[0] + q[1], part);
            };
            auto add_whole = [&](long c) RAIN_INLINE_LAMBDA {
                const V pivot = load(pivots + c);
                V s[2] = {load(sum + c), splat(0)}, q[2] = {load(square + c), splat(0)};
#pragma clang loop unroll(full)
                for (long i = 0; i < together; i++) {
                    const V d = load(from + i * channels + c) - pivot;
                    s[i % 2] += d;
                    q[i % 2] = fma(d, d, q[i % 2]);
                }
                store(sum + c, s[0] + s[1]);
                store(square + c, q[0] + q[1]);
            };
            const long rows = last - row < together ? last - row : together;
            each_vector([&](long c, long part) RAIN_INLINE_LAMBDA {
                if (rows == together && part == W) {
                    add_whole(c);
                } else {
                    add(rows, c, part);
                }
            });
        }
        each_vector([&](long c, long part) RAIN_INLINE_LAMBDA {
            add_doubles(load_part(sum + c, part), part, sums + c);
            add_doubles(load_part(square + c, part), part, squares + c);
            store_part(sum + c, splat(0), part);
            store_part(square + c, splat(0), part);
        });
    }
    for (long c = 0; c < channels; c++) {
        const double pivot = pivots[c];
        squares[c] += pivot * (2 * sums[c] + double(positions) * pivot);
        sums[c] += double(positions) * pivot;
    }
}

/// Per channel: y = act(x · scale + shift); mean and inverse deviation as floats for the gradient.
struct ChannelTerms {
    float *scale, *shift, *mean, *inverse;
};

/// - Returns: how many deviations a group's mean is from 0, at most; NaN where something is not a number
inline double channel_terms(long positions, long channels, long groups, float epsilon, const double *sums, const double *squares,
                            const float *gamma, const float *beta, ChannelTerms to) {
    const long width = channels / groups;
    const double count = double(positions) * double(width);
    double furthest = 0;
    for (long g = 0; g < groups; g++) {
        double sum = 0, square = 0;
        for (long c = g * width; c < (g + 1) * width; c++) sum += sums[c], square += squares[c];
        const double mean = sum / count, variance = square / count - mean * mean;
        const double inverse = 1 / sqrt((variance > 0 ? variance : variance == variance ? 0 : variance) + epsilon);
        const double offset = fabs(mean) * inverse;
        furthest = offset <= furthest || furthest != furthest ? furthest : offset;
        for (long c = 0; c < width; c += W) {
            const long part = width - c < W ? width - c : W;
            store_part(to.mean + g * width + c, splat(float(mean)), part);
            store_part(to.inverse + g * width + c, splat(float(inverse)), part);
        }
    }
    for (long c = 0; c < channels; c += W) {
        const long part = channels - c < W ? channels - c : W;
        const V scale = load_part(to.inverse + c, part) * load_part(gamma + c, part);
        store_part(to.scale + c, scale, part);
        store_part(to.shift + c, fma(-load_part(to.mean + c, part), scale, load_part(beta + c, part)), part);
    }
    return furthest;
}

/// Scratch of group norm. Per task: the moments of its positions; per sample: the channel terms.
struct GroupNormPlan {
    long samples, positions, channels, tasks;  // tasks per sample

    GroupNormPlan(long samples, long positions, long channels)
        : samples(samples), positions(positions), channels(channels), tasks((positions + norm_task - 1) / norm_task) {}
    /// Two doubles per channel, then three floats.
    size_t moments_bytes() const { return round_up(size_t(samples) * tasks * 4 * channels * sizeof(double)); }
    size_t terms_bytes() const { return round_up(size_t(samples) * 4 * channels * sizeof(float)); }
    double *moments(void *scratch, long sample, long task) const {
        return static_cast<double *>(scratch) + (sample * tasks + task) * 4 * channels;
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

/// What forward and gradient do first: moments of a task, and what follows from those of a sample.
struct GroupNorm {
    const GroupNormPlan &plan;
    void *scratch;
    long groups;
    float epsilon;
    Sides x;
    const float *gamma, *beta;

    void measure(long sample, long task, Range rows) const {
        double *moments = plan.moments(scratch, sample, task);
        for (int part = 0; part < 2; part++) {
            if (x.counts[part] == 0) continue;
            double *sums = moments + x.begin(part);
            channel_moments(rows.end - rows.begin, x.counts[part], x.row(part, sample * plan.positions + rows.begin), sums,
                            sums + plan.channels, reinterpret_cast<float *>(moments + 2 * plan.channels));
        }
    }
    /// - Returns: as `channel_terms`
    double conclude(long sample) const {
        const double *moments = plan.gather(scratch, sample);
        return channel_terms(plan.positions, plan.channels, groups, epsilon, moments, moments + plan.channels, gamma, beta,
                             plan.terms(scratch, sample));
    }
    /// How far from 0 a normalised number comes at most: of n none is further than √n deviations from their mean. Not a number if gamma or
    /// beta is none somewhere.
    float reach() const {
        V scale = splat(0), shift = splat(0), zeros = splat(0);
        for (long c = 0; c < plan.channels; c += W) {
            const long part = plan.channels - c < W ? plan.channels - c : W;
            const V g = absolute(load_part(gamma + c, part)), b = absolute(load_part(beta + c, part));
            scale = g > scale ? g : scale;
            shift = b > shift ? b : shift;
            zeros += g - g + (b - b);
        }
        return largest_lane(scale) * sqrtf(float(plan.positions) * float(plan.channels / groups)) + largest_lane(shift) +
               sum_lanes(zeros);
    }
};
