// The transforms of Winograd's F(4×4, 3×3) (arXiv 1509.09308) along one axis: between 6 inputs, 4 results or 3 weights and 6
// points, where a convolution is one product per point.
//
// Points 0, ±5/8, ±3/2, ∞: with the usual 0, ±1, ±2 the powers in the transforms spread further and errors are twice (root
// mean square) to three times (largest) what they are here; and these, too, are exact in binary.

constexpr int points = 36;
constexpr float near = 0.625f, far = 1.5f, near2 = near * near, far2 = far * far;
// What the three pairs of weights are divided by.
constexpr float zero_weight = 1 / (near2 * far2);
constexpr float near_weight = 1 / (2 * near2 * (near2 - far2)), far_weight = 1 / (2 * far2 * (far2 - near2));

RAIN_INLINE void input_transform(const V *d, V *o, int in, int out) {
    const V d1 = d[in], d2 = d[2 * in], d3 = d[3 * in], d4 = d[4 * in];
    const V near_even = fma(splat(-far2), d2, d4), near_odd = fma(splat(-far2), d1, d3);
    const V far_even = fma(splat(-near2), d2, d4), far_odd = fma(splat(-near2), d1, d3);
    o[0] = fma(splat(near2 * far2), d[0], fma(splat(-near2 - far2), d2, d4));
    o[out] = fma(splat(near), near_odd, near_even);
    o[2 * out] = fma(splat(-near), near_odd, near_even);
    o[3 * out] = fma(splat(far), far_odd, far_even);
    o[4 * out] = fma(splat(-far), far_odd, far_even);
    o[5 * out] = fma(splat(near2 * far2), d1, fma(splat(-near2 - far2), d3, d[5 * in]));
}

RAIN_INLINE void output_transform(const V *m, V *o, int in, int out) {
    const V sum1 = m[in] + m[2 * in], difference1 = m[in] - m[2 * in];
    const V sum2 = m[3 * in] + m[4 * in], difference2 = m[3 * in] - m[4 * in];
    o[0] = m[0] + sum1 + sum2;
    o[out] = fma(splat(far), difference2, near * difference1);
    o[2 * out] = fma(splat(far2), sum2, near2 * sum1);
    o[3 * out] = fma(splat(far * far2), difference2, fma(splat(near * near2), difference1, m[5 * in]));
}

RAIN_INLINE void weight_transform(const V *g, V *o, int in, int out) {
    const V g1 = g[in], g2 = g[2 * in];
    const V near_even = fma(g2, splat(near2), g[0]) * near_weight, far_even = fma(g2, splat(far2), g[0]) * far_weight;
    o[0] = zero_weight * g[0];
    o[out] = fma(g1, splat(near * near_weight), near_even);
    o[2 * out] = fma(g1, splat(-near * near_weight), near_even);
    o[3 * out] = fma(g1, splat(far * far_weight), far_even);
    o[4 * out] = fma(g1, splat(-far * far_weight), far_even);
    o[5 * out] = g2;
}

/// The transpose of output_transform: 4 slopes to 6 points.
RAIN_INLINE void slope_transform(const V *y, V *o, int in, int out) {
    const V y1 = y[in], y2 = y[2 * in], y3 = y[3 * in];
    const V near_even = fma(splat(near2), y2, y[0]), near_odd = fma(splat(near2), y3, y1);
    const V far_even = fma(splat(far2), y2, y[0]), far_odd = fma(splat(far2), y3, y1);
    o[0] = y[0];
    o[out] = fma(splat(near), near_odd, near_even);
    o[2 * out] = fma(splat(-near), near_odd, near_even);
    o[3 * out] = fma(splat(far), far_odd, far_even);
    o[4 * out] = fma(splat(-far), far_odd, far_even);
    o[5 * out] = y3;
}

/// The transpose of weight_transform: 6 points to 3 weights.
RAIN_INLINE void weight_slope_transform(const V *m, V *o, int in, int out) {
    const V sum1 = near_weight * (m[in] + m[2 * in]), sum2 = far_weight * (m[3 * in] + m[4 * in]);
    const V difference1 = m[in] - m[2 * in], difference2 = m[3 * in] - m[4 * in];
    o[0] = fma(splat(zero_weight), m[0], sum1 + sum2);
    o[out] = fma(splat(near * near_weight), difference1, far * far_weight * difference2);
    o[2 * out] = fma(splat(near2), sum1, fma(splat(far2), sum2, m[5 * in]));
}
