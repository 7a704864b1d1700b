import CPUKernels

/// Forward, input gradient and weight gradient at the sizes rain-mini trains at.
func trainingConvolutions(_ pool: OpaquePointer, _ clock: Clock) {
    let shapes = [
        RainConv(16, 64, 16, 64), RainConv(16, 128, 16, 64), RainConv(16, 96, 8, 96), RainConv(16, 192, 8, 96), RainConv(16, 128, 4, 128),
        RainConv(16, 256, 4, 128), RainConv(16, 12, 16, 64), RainConv(16, 64, 16, 12), RainConv(16, 64, 16, 64, stride: 2),
        RainConv(8, 96, 16, 96), RainConv(8, 48, 32, 48), RainConv(8, 16, 64, 16), RainConv(8, 16, 64, 12), RainConv(16, 32, 32, 32),
        RainConv(8, 48, 32, 64, kernel: 2, stride: 2), RainConv(8, 3, 128, 12, kernel: 8, stride: 8),
    ]
    print("| convolution | kernel, stride | algorithm | forward | input gradient | weight gradient | packing, ms |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    for shape in shapes {
        var conv = shape
        let algorithm = rain_conv_choose(pool, &conv)
        let (x, y, w, dx, dw) = (
            Tensor(conv.inputs), Tensor(conv.outputs), Tensor(conv.weights), Tensor(conv.inputs), Tensor(conv.weights)
        )
        let packed = Tensor(bytes: rain_conv_packed_bytes(pool, &conv, algorithm))
        let scratch = Tensor(bytes: rain_conv_scratch_bytes(pool, &conv, algorithm))
        let packedSlopes = Tensor(bytes: rain_conv_input_gradient_packed_bytes(pool, &conv, algorithm))
        let inputScratch = Tensor(bytes: rain_conv_input_gradient_scratch_bytes(pool, &conv, algorithm))
        let weightScratch = Tensor(bytes: rain_conv_weight_gradient_scratch_bytes(pool, &conv, algorithm))
        let packing = clock.best {
            rain_conv_pack(pool, &conv, algorithm, w.floats, packed.raw)
            rain_conv_input_gradient_pack(pool, &conv, algorithm, w.floats, packedSlopes.raw)
        }
        let forward = clock.best { rain_conv(pool, &conv, algorithm, x.floats, packed.raw, nil, y.floats, scratch.raw) }
        let input = clock.best {
            rain_conv_input_gradient(pool, &conv, algorithm, y.floats, packedSlopes.raw, dx.floats, inputScratch.raw)
        }
        let weight = clock.best {
            rain_conv_weight_gradient(pool, &conv, algorithm, x.floats, y.floats, dw.floats, weightScratch.raw)
        }
        func rate(_ seconds: Double) -> String { "\(number(conv.gigaflops / seconds, 0)) (\(number(seconds * 1e3)) ms)" }
        print(
            "| \(conv.name) | \(conv.kernel_height)×\(conv.kernel_width), \(conv.stride) |"
                + " \(algorithm == RAIN_CONV_WINOGRAD ? "Winograd" : "direct") | \(rate(forward)) | \(rate(input)) | \(rate(weight)) |"
                + " \(number(packing * 1e3, 3)) |")
        _ = (x.count, dx.count, dw.count, packed.count, scratch.count, packedSlopes.count, inputScratch.count, weightScratch.count)
    }
    print("\nGFLOP/s of the plain definition (Winograd needs a quarter of its multiplications).")
}

/// Spatial and temporal attention with gradients, norms and elementwise functions at rain-mini's sizes.
func trainingRest(_ pool: OpaquePointer, _ clock: Clock) {
    print("| attention, samples × queries × keys + reference, channels, heads | forward | gradient |")
    print("| --- | ---: | ---: |")
    for (batch, tokens, channels, heads) in [(16, 256, 64, 2), (16, 64, 96, 3), (16, 16, 128, 4)] {
        var a = RainAttention(
            batch: batch, queries: tokens, keys: tokens, channels: channels, heads: heads, reference_batch: batch,
            reference_keys: tokens, scale: 0.2, q_stride: 0, k_stride: 0, v_stride: 0)
        let t = (0..<11).map { _ in Tensor(batch * tokens * channels) }
        let scratch = Tensor(bytes: max(rain_attention_scratch_bytes(pool, &a), rain_attention_gradient_scratch_bytes(pool, &a)))
        let gigaflops = 8e-9 * Double(batch * tokens * tokens * channels)
        let forward = clock.best {
            rain_attention(pool, &a, t[0].floats, t[1].floats, t[2].floats, t[3].floats, t[4].floats, t[5].floats, scratch.raw)
        }
        let gradient = clock.best {
            rain_attention_gradient(
                pool, &a, t[0].floats, t[1].floats, t[2].floats, t[3].floats, t[4].floats, t[5].floats, t[6].floats, t[7].floats,
                t[8].floats, t[9].floats, t[10].floats, scratch.raw)
        }
        print(
            "| \(batch) × \(tokens) × \(tokens) + \(tokens), \(channels), \(heads) |"
                + " \(number(gigaflops / forward, 0)) (\(number(forward * 1e3)) ms) |"
                + " \(number(2.5 * gigaflops / gradient, 0)) (\(number(gradient * 1e3)) ms) |")
        _ = (t.count, scratch.count)
    }
    print("\n| group norm + SiLU, layer norm: samples × positions × channels | group, ns per number | gradient | layer | gradient |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for (samples, positions, channels) in [(16, 256, 64), (16, 64, 96), (16, 16, 128), (8, 4096, 16)] {
        let count = samples * positions * channels
        let (x, y, dx) = (Tensor(count), Tensor(count), Tensor(count))
        let (g, b, dg, db) = (Tensor(channels), Tensor(channels), Tensor(channels), Tensor(channels))
        let scratch = Tensor(
            bytes: max(
                rain_group_norm_gradient_scratch_bytes(pool, samples, positions, channels, 8),
                rain_layer_norm_gradient_scratch_bytes(pool, samples * positions, channels)))
        let times = [
            clock.best {
                rain_group_norm(
                    pool, samples, positions, channels, 8, 1e-5, RAIN_ACT_SILU, x.floats, g.floats, b.floats, y.floats, scratch.raw)
            },
            clock.best {
                rain_group_norm_gradient(
                    pool, samples, positions, channels, 8, 1e-5, RAIN_ACT_SILU, x.floats, g.floats, b.floats, y.floats, dx.floats,
                    dg.floats, db.floats, scratch.raw)
            },
            clock.best { rain_layer_norm(pool, samples * positions, channels, 1e-5, x.floats, g.floats, b.floats, y.floats) },
            clock.best {
                rain_layer_norm_gradient(
                    pool, samples * positions, channels, 1e-5, x.floats, g.floats, y.floats, dx.floats, dg.floats, db.floats,
                    scratch.raw)
            },
        ].map { number($0 / Double(count) * 1e9, 3) }
        print("| \(samples) × \(positions) × \(channels) | \(times.joined(separator: " | ")) |")
        _ = (x.count, y.count, dx.count, g.count, b.count, dg.count, db.count, scratch.count)
    }
}
