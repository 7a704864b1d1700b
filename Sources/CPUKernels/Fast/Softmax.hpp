// Softmax of rows.

void softmax(RainPool *pool, long rows, long channels, const float *x, float *y) {
    parallel_ranges(pool, rows, 1 + heavy_grain / channels, 1, [&](long begin, long end, int) {
        for (long row = begin; row < end; row++) {
            const float *from = x + row * channels;
            float *to = y + row * channels;
            V best = splat(-INFINITY);
            long i = 0;
            for (; i + W <= channels; i += W) best = at_least(best, load(from + i));
            float largest = largest_lane(best);
            for (; i < channels; i++) largest = from[i] > largest ? from[i] : largest;
            V sums = splat(0);
            for (i = 0; i + W <= channels; i += W) {
                const V power = exponential(load(from + i) - largest);
                sums += power;
                store(to + i, power);
            }
            float sum = sum_lanes(sums);
            if (i < channels) {
                store_part(to + i, exponential(load_part(from + i, channels - i) - largest), channels - i);
                for (; i < channels; i++) sum += to[i];
            }
            map_row(channels, to, to, [factor = 1 / sum](V power) { return power * factor; });
        }
    });
}
