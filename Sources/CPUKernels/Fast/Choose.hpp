// The convolution functions: which algorithm, and the way to it.

/// Whether Winograd, where it is allowed, is expected to beat the direct kernel, in rough machine cycles of one thread.
inline bool winograd_wins(const RainConv &s) {
    using Products = WinogradProducts;
    const Winograd g(s, false);
    const double rate = 2.0 * W;  // multiply-adds per cycle
    const double pixels = double(s.batch) * s.out_height * s.out_width, taps = s.upsample ? 4 : 9;
    double tap = double(g.k) * g.n_stride / rate + 4;
#if RAIN_MATRIX_UNIT
    // Products, and what it costs to split what they read.
    if (splits_taps(s, false)) tap = double(padded_depth(g.k)) * g.n_stride / 75 + 5.0 * g.k / W;
#endif
    const double direct = pixels * taps * tap;
    const double transforms = double(g.tiles) * (Products::input_cycles * g.k_stride / W + 130.0 * g.n_stride / W + 200);
    const double weights =
        double(g.k) * g.n_stride * (9 / 2.0 + Products::weight_cycles / W);  // reading them and turning them into points
    const double winograd = transforms + double(g.tiles) * points * Products::channels(g.k) * g.n_stride / Products::rate + weights;
    return winograd < direct;
}

/// Kernels longer than the tables of taps go the plain way.
inline bool too_long(const RainConv *conv) { return conv->kernel_height > most_taps || conv->kernel_width > most_taps; }

int conv_allows(const RainPool *, const RainConv *conv, RainConvAlgorithm algorithm) {
    return algorithm == RAIN_CONV_DIRECT || (Winograd::fits(*conv) && conv->channels >= WinogradProducts::fewest_channels);
}

RainConvAlgorithm conv_choose(const RainPool *pool, const RainConv *conv) {
    return conv_allows(pool, conv, RAIN_CONV_WINOGRAD) && winograd_wins(*conv) ? RAIN_CONV_WINOGRAD : RAIN_CONV_DIRECT;
}

size_t conv_packed_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    if (too_long(conv)) return plain::conv_packed_bytes(pool, conv, algorithm);
    return algorithm == RAIN_CONV_WINOGRAD ? winograd_packed_bytes(conv, false) : direct_packed_bytes(conv, false);
}

void conv_pack(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *w, void *packed) {
    if (too_long(conv)) return plain::conv_pack(pool, conv, algorithm, w, packed);
    algorithm == RAIN_CONV_WINOGRAD ? winograd_pack(pool, conv, false, w, packed) : direct_pack(pool, conv, false, w, packed);
}

size_t conv_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    if (too_long(conv)) return plain::conv_scratch_bytes(pool, conv, algorithm);
    return algorithm == RAIN_CONV_WINOGRAD ? winograd_scratch_bytes(pool, conv, false) : direct_scratch_bytes(pool, conv, false);
}

void conv(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *x, const void *packed,
          const RainEpilogue *epilogue, float *y, void *scratch) {
    if (too_long(conv)) return plain::conv(pool, conv, algorithm, x, packed, epilogue, y, scratch);
    if (algorithm == RAIN_CONV_WINOGRAD) {
        winograd(pool, conv, false, x, packed, epilogue, y, scratch);
    } else {
        direct(pool, conv, false, x, packed, epilogue, y, scratch);
    }
}

size_t conv_input_gradient_packed_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    if (too_long(conv)) return plain::conv_input_gradient_packed_bytes(pool, conv, algorithm);
    return algorithm == RAIN_CONV_WINOGRAD ? winograd_packed_bytes(conv, true) : direct_packed_bytes(conv, true);
}

void conv_input_gradient_pack(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *w, void *packed) {
    if (too_long(conv)) return plain::conv_input_gradient_pack(pool, conv, algorithm, w, packed);
    algorithm == RAIN_CONV_WINOGRAD ? winograd_pack(pool, conv, true, w, packed) : direct_pack(pool, conv, true, w, packed);
}

size_t conv_input_gradient_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    if (too_long(conv)) return plain::conv_input_gradient_scratch_bytes(pool, conv, algorithm);
    return algorithm == RAIN_CONV_WINOGRAD ? winograd_scratch_bytes(pool, conv, true) : direct_scratch_bytes(pool, conv, true);
}

void conv_input_gradient(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *dy, const void *packed,
                         float *dx, void *scratch) {
    if (too_long(conv)) return plain::conv_input_gradient(pool, conv, algorithm, dy, packed, dx, scratch);
    if (algorithm == RAIN_CONV_WINOGRAD) {
        winograd(pool, conv, true, dy, packed, nullptr, dx, scratch);
    } else {
        direct(pool, conv, true, dy, packed, nullptr, dx, scratch);
    }
}

size_t conv_weight_gradient_scratch_bytes(const RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm) {
    if (too_long(conv)) return plain::conv_weight_gradient_scratch_bytes(pool, conv, algorithm);
    return algorithm == RAIN_CONV_WINOGRAD ? WinogradWeights(*conv).scratch_bytes(pool)
                                           : direct_weight_gradient_scratch_bytes(pool, conv);
}

void conv_weight_gradient(RainPool *pool, const RainConv *conv, RainConvAlgorithm algorithm, const float *x, const float *dy, float *dw,
                          void *scratch) {
    if (too_long(conv)) return plain::conv_weight_gradient(pool, conv, algorithm, x, dy, dw, scratch);
    if (algorithm == RAIN_CONV_WINOGRAD) {
        winograd_weight_gradient(pool, conv, x, dy, dw, scratch);
    } else {
        direct_weight_gradient(pool, conv, x, dy, dw, scratch);
    }
}
