import CPUKernels
import Testing

/// Linear layers and convolutions: every instruction set against the plain twin, the twin's gradients against differences.
@Suite struct KernelsMatrixTests {
    struct Linear: Sendable {
        var m, n, k: Int
        var epilogue = 0  // bits: bias, sample bias, residual
        var activation = RAIN_ACT_NONE
        var transposed = false
        var gated = false

        /// - Parameter first: of the numbers of each row that lie in a tensor of their own, 0 if all lie in one
        func run(_ pool: KernelPool, first: Int = 0) -> [Float] {
            var random = KernelRandom(UInt64(m * 7 + n * 3 + k))
            let rows = random.floats(m * k)
            let x = Guarded(first > 0 ? columns(0..<first, of: rows, width: k) : rows)
            let z = Guarded(columns(first..<k, of: rows, width: k))
            let w = Guarded(random.floats(n * k))
            let bias = Guarded(random.floats(n))
            let samples = Guarded(random.floats((m + 2) / 3 * n))
            let residual = Guarded(random.floats(m * n))
            let packed = Guarded(bytes: rain_linear_packed_bytes(pool.pointer, n, k, gated ? 1 : 0))
            rain_linear_pack(pool.pointer, w.floats, n, k, transposed ? 1 : 0, gated ? 1 : 0, packed.raw)
            let y = Guarded(count: gated ? m * n / 2 : m * n)
            defer { keep([x, z, w, bias, samples, residual, packed, y]) }
            var after = RainEpilogue(
                bias: epilogue & 1 != 0 ? UnsafePointer(bias.floats) : nil,
                sample_bias: epilogue & 2 != 0 ? UnsafePointer(samples.floats) : nil, rows_per_sample: 3,
                residual: epilogue & 4 != 0 ? UnsafePointer(residual.floats) : nil, activation: activation, gated: gated ? 1 : 0)
            if first > 0 {
                rain_linear_of_two(pool.pointer, m, n, first, k - first, x.floats, z.floats, packed.raw, &after, y.floats)
            } else {
                rain_linear(pool.pointer, m, n, k, x.floats, packed.raw, &after, y.floats)
            }
            return y.values
        }

        func weightGradient(_ pool: KernelPool) -> [Float] {
            var random = KernelRandom(UInt64(m + n * 5 + k * 11))
            let x = Guarded(random.floats(m * k))
            let dy = Guarded(random.floats(m * n))
            let dw = Guarded(count: n * k)
            let scratch = Guarded(bytes: rain_linear_weight_gradient_scratch_bytes(pool.pointer, m, n, k))
            defer { keep([x, dy, dw, scratch]) }
            rain_linear_weight_gradient(pool.pointer, m, n, k, x.floats, dy.floats, dw.floats, scratch.raw)
            return dw.values
        }
    }

    static let activations = [
        RAIN_ACT_NONE, RAIN_ACT_SILU, RAIN_ACT_GELU, RAIN_ACT_QUICK_GELU, RAIN_ACT_RELU, RAIN_ACT_TANH, RAIN_ACT_SIGMOID,
    ]

    @Test(arguments: KernelSet.available)
    func linear(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        for m in [1, 2, 7, 8, 13, 31, 300, 600] {
            for n in [1, 3, 16, 17, 33, 64, 96] {
                // 2000 is longer than what is split at once for a matrix unit.
                for k in [1, 3, 7, 33, 128, 1031, 2000] where k < 1000 ? m < 100 || k == 128 : n == 33 && (k == 2000) == (m == 300) {
                    let linear = Linear(
                        m: m, n: n, k: k, epilogue: (m + n + k) % 8, activation: Self.activations[(m + n + k) % 7],
                        transposed: k % 2 == 0)
                    let expected = linear.run(plain)
                    let slopes = linear.weightGradient(plain)
                    // Activations may be far smaller than the sums they are of.
                    let bound = tolerance(k) + 2 * set.productError * Double(k).squareRoot()
                    let slopeBound = tolerance(m) + 2 * set.productError * Double(m).squareRoot()
                    for pool in pools {
                        #expect(disagreement(linear.run(pool), expected) < bound, "\(linear)")
                        #expect(disagreement(linear.weightGradient(pool), slopes) < slopeBound, "\(linear)")
                    }
                }
            }
        }
    }

    /// Rows longer than what is multiplied or split at once, and so long that a matrix unit has no room for the fewest of them.
    @Test(arguments: KernelSet.available)
    func gatedLinear(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        let sizes = [
            (1, 1, 1), (2, 3, 7), (7, 16, 33), (13, 17, 64), (31, 32, 128), (300, 96, 33), (600, 5, 96), (40, 7, 1300), (70, 33, 2600),
            (5, 20, 11_000),
        ]
        for (m, columns, k) in sizes {
            for epilogue in [0, 1] {
                let linear = Linear(m: m, n: 2 * columns, k: k, epilogue: epilogue, transposed: (m + k) % 2 == 0, gated: true)
                let expected = linear.run(plain)
                let bound = tolerance(k) + 3 * set.productError * Double(k).squareRoot()
                for pool in pools { #expect(disagreement(linear.run(pool), expected) < bound, "\(linear)") }
            }
        }
    }

    /// Rows so long that they are copied part by part, to results whose lines lie close together and far apart.
    @Test(arguments: KernelSet.available)
    func linearOfLongRows(_ set: KernelSet) {
        for (m, n, k) in [(1, 5, 2561), (150, 33, 5120), (260, 8, 3000), (9, 1030, 2601)] {
            let linear = Linear(m: m, n: n, k: k, epilogue: 7, activation: RAIN_ACT_SILU)
            let expected = linear.run(plainPool())
            let bound = tolerance(k) + 2 * set.productError * Double(k).squareRoot()
            for threads in [1, 2] { #expect(disagreement(linear.run(set.pool(threads: threads)), expected) < bound, "\(linear)") }
        }
    }

    /// Gradients of more rows than are split at once for a matrix unit, over whole blocks of pixels and parts of them, of which each
    /// thread sums some; either side may be the narrower one.
    @Test(arguments: KernelSet.available)
    func wideLinearWeightGradient(_ set: KernelSet) {
        let sizes = [
            (513, 300, 40), (64, 257, 17), (1030, 16, 530), (127, 600, 96), (1030, 192, 64), (2305, 64, 64), (2100, 40, 24), (700, 5, 300),
            (600, 300, 5), (300, 640, 560),
        ]
        for (m, n, k) in sizes {
            let linear = Linear(m: m, n: n, k: k, epilogue: 0, activation: RAIN_ACT_NONE, transposed: false)
            let slopes = linear.weightGradient(plainPool())
            let first = linear.weightGradient(set.pool(threads: 1))
            #expect(disagreement(first, slopes) < tolerance(m) + 2 * set.productError * Double(m).squareRoot(), "\(linear)")
            for threads in [2, 3, 5] {
                #expect(linear.weightGradient(set.pool(threads: threads)) == first, "\(linear), \(threads) threads")
            }
        }
    }

    struct Convolution: Sendable, CustomStringConvertible {
        var geometry: RainConv
        var silu = false

        init?(
            _ batch: Int, _ height: Int, _ width: Int, _ channels: Int, _ out: Int, kernel: (Int, Int) = (3, 3), stride: Int = 1,
            padding: [Int] = [1, 1, 1, 1], upsample: Bool = false
        ) {
            let enlarge = upsample ? 2 : 1
            let down = height * enlarge + padding[0] + padding[2] - kernel.0
            let across = width * enlarge + padding[1] + padding[3] - kernel.1
            guard down >= 0, across >= 0 else { return nil }
            geometry = RainConv(
                batch: batch, height: height, width: width, channels: channels, out_channels: out, kernel_height: kernel.0,
                kernel_width: kernel.1, stride: stride, pad_top: padding[0], pad_left: padding[1], pad_bottom: padding[2],
                pad_right: padding[3], out_height: down / stride + 1, out_width: across / stride + 1, upsample: upsample ? 1 : 0)
        }

        var description: String { "\(geometry)" }
        var inputs: Int { geometry.batch * geometry.height * geometry.width * geometry.channels }
        var outputs: Int { geometry.batch * geometry.out_height * geometry.out_width * geometry.out_channels }
        var weights: Int { geometry.channels * geometry.out_channels * geometry.kernel_height * geometry.kernel_width }
        var terms: Int { geometry.channels * geometry.kernel_height * geometry.kernel_width }
        var winograd: Bool { geometry.kernel_height == 3 && geometry.kernel_width == 3 && geometry.stride == 1 }
        var algorithms: [RainConvAlgorithm] { winograd ? [RAIN_CONV_DIRECT, RAIN_CONV_WINOGRAD] : [RAIN_CONV_DIRECT] }

        func numbers() -> (x: [Float], w: [Float], dy: [Float], bias: [Float], samples: [Float]) {
            var random = KernelRandom(UInt64(inputs * 3 + outputs * 5 + weights))
            return (
                random.floats(inputs), random.floats(weights), random.floats(outputs), random.floats(geometry.out_channels),
                random.floats(geometry.batch * geometry.out_channels)
            )
        }

        func forward(_ pool: KernelPool, _ algorithm: RainConvAlgorithm, x: [Float], w: [Float], whole: Bool = true) -> [Float] {
            var geometry = geometry
            let (_, _, dy, bias, samples) = numbers()
            let (x, w, y) = (Guarded(x), Guarded(w), Guarded(count: outputs))
            let (bias_, samples_, residual) = (Guarded(bias), Guarded(samples), Guarded(dy))
            let packed = Guarded(bytes: rain_conv_packed_bytes(pool.pointer, &geometry, algorithm))
            let scratch = Guarded(bytes: rain_conv_scratch_bytes(pool.pointer, &geometry, algorithm))
            defer { keep([x, w, y, bias_, samples_, residual, packed, scratch]) }
            rain_conv_pack(pool.pointer, &geometry, algorithm, w.floats, packed.raw)
            var after = RainEpilogue(
                bias: bias_.floats, sample_bias: samples_.floats, rows_per_sample: geometry.out_height * geometry.out_width,
                residual: residual.floats, activation: silu ? RAIN_ACT_SILU : RAIN_ACT_NONE, gated: 0)
            if whole {
                rain_conv(pool.pointer, &geometry, algorithm, x.floats, packed.raw, &after, y.floats, scratch.raw)
            } else {
                rain_conv(pool.pointer, &geometry, algorithm, x.floats, packed.raw, nil, y.floats, scratch.raw)
            }
            return y.values
        }

        func inputGradient(_ pool: KernelPool, _ algorithm: RainConvAlgorithm) -> [Float] {
            var geometry = geometry
            let (_, w, dy, _, _) = numbers()
            let (weights, slopes, dx) = (Guarded(w), Guarded(dy), Guarded(count: inputs))
            let packed = Guarded(bytes: rain_conv_input_gradient_packed_bytes(pool.pointer, &geometry, algorithm))
            let scratch = Guarded(bytes: rain_conv_input_gradient_scratch_bytes(pool.pointer, &geometry, algorithm))
            defer { keep([weights, slopes, dx, packed, scratch]) }
            rain_conv_input_gradient_pack(pool.pointer, &geometry, algorithm, weights.floats, packed.raw)
            rain_conv_input_gradient(pool.pointer, &geometry, algorithm, slopes.floats, packed.raw, dx.floats, scratch.raw)
            return dx.values
        }

        func weightGradient(_ pool: KernelPool, _ algorithm: RainConvAlgorithm) -> [Float] {
            var geometry = geometry
            let (x, _, dy, _, _) = numbers()
            let (inputs, slopes, dw) = (Guarded(x), Guarded(dy), Guarded(count: weights))
            let scratch = Guarded(bytes: rain_conv_weight_gradient_scratch_bytes(pool.pointer, &geometry, algorithm))
            defer { keep([inputs, slopes, dw, scratch]) }
            rain_conv_weight_gradient(pool.pointer, &geometry, algorithm, inputs.floats, slopes.floats, dw.floats, scratch.raw)
            return dw.values
        }
    }

    /// Named corners, and a seeded sample of everything.
    static let convolutions: [Convolution] = {
        var cases: [Convolution?] = [
            Convolution(1, 1, 1, 1, 1), Convolution(2, 1, 1, 7, 33), Convolution(3, 4, 4, 16, 16), Convolution(1, 5, 7, 33, 4),
            Convolution(2, 16, 16, 64, 64), Convolution(6, 16, 16, 33, 48), Convolution(5, 8, 8, 96, 64), Convolution(4, 9, 3, 3, 16),
            Convolution(2, 8, 8, 16, 33, stride: 2), Convolution(1, 7, 5, 4, 7, stride: 2, padding: [0, 0, 1, 1]),
            Convolution(1, 16, 16, 3, 12, kernel: (4, 4), stride: 4, padding: [0, 0, 0, 0]),
            Convolution(2, 16, 16, 3, 48, kernel: (8, 8), stride: 8, padding: [0, 0, 0, 0]),
            Convolution(2, 12, 12, 33, 40, kernel: (1, 1), padding: [0, 0, 0, 0]),
            Convolution(2, 6, 6, 33, 40, kernel: (1, 1), stride: 2, padding: [0, 0, 0, 0]),
            Convolution(2, 5, 6, 16, 33, upsample: true), Convolution(1, 16, 16, 64, 32, upsample: true),
            Convolution(1, 6, 6, 4, 16, kernel: (3, 3), stride: 2, padding: [2, 0, 1, 2], upsample: true),
            Convolution(1, 5, 5, 3, 4, kernel: (5, 2), stride: 3, padding: [2, 1, 0, 0], upsample: true),
            Convolution(1, 30, 30, 3, 8, kernel: (14, 14), stride: 14, padding: [0, 0, 0, 0]),
            // Weights that do not fit the cache as points: few tiles, many, one; channels and columns that fill no block.
            Convolution(2, 9, 7, 150, 170), Convolution(9, 16, 13, 150, 151), Convolution(1, 3, 2, 211, 129),
            Convolution(31, 4, 4, 161, 149), Convolution(2, 6, 5, 149, 163, upsample: true),
        ]
        var random = KernelRandom(1)
        for index in 0..<120 {
            let three = index % 2 == 0
            cases.append(
                Convolution(
                    1 + random.below(3), 1 + random.below(9), 1 + random.below(9), random.pick([1, 3, 4, 7, 16, 33]),
                    random.pick([1, 3, 4, 7, 16, 33]), kernel: three ? (3, 3) : (1 + random.below(4), 1 + random.below(4)),
                    stride: three ? 1 : 1 + random.below(3), padding: (0..<4).map { _ in random.below(3) },
                    upsample: random.below(4) == 0))
        }
        var kept = cases.compactMap { $0 }
        for index in kept.indices { kept[index].silu = index % 3 == 0 }
        return kept
    }()

    @Test(arguments: KernelSet.available)
    func convolution(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        for convolution in Self.convolutions {
            let (x, w, _, _, _) = convolution.numbers()
            let expected = convolution.forward(plain, RAIN_CONV_DIRECT, x: x, w: w)
            let gradients = convolution.geometry.upsample == 0
            let inputSlopes = gradients ? convolution.inputGradient(plain, RAIN_CONV_DIRECT) : []
            let weightSlopes = gradients ? convolution.weightGradient(plain, RAIN_CONV_DIRECT) : []
            for algorithm in convolution.algorithms {
                // Winograd's transforms multiply rounding errors some ten times (arXiv 1509.09308, section 5).
                let factor = algorithm == RAIN_CONV_WINOGRAD ? 12.0 : 1
                let pixels = convolution.outputs / convolution.geometry.out_channels
                for pool in pools {
                    let found = convolution.forward(pool, algorithm, x: x, w: w)
                    #expect(
                        disagreement(found, expected) < tolerance(convolution.terms, factor: factor) + 2 * set.productError * factor,
                        "\(algorithm) \(convolution)")
                    guard gradients else { continue }
                    let dx = convolution.inputGradient(pool, algorithm)
                    #expect(
                        disagreement(dx, inputSlopes) < tolerance(convolution.terms * 4, factor: factor) + 2 * set.productError * factor,
                        "\(algorithm) \(convolution)")
                    let dw = convolution.weightGradient(pool, algorithm)
                    #expect(disagreement(dw, weightSlopes) < tolerance(pixels, factor: factor), "\(algorithm) \(convolution)")
                }
            }
        }
    }

    /// The plain gradients are the slopes of the plain forward.
    @Test func convolutionGradientsAreSlopes() {
        let plain = plainPool()
        for convolution in Self.convolutions.prefix(16) where convolution.geometry.upsample == 0 && convolution.inputs < 10_000 {
            let (x, w, dy, _, _) = convolution.numbers()
            var random = KernelRandom(99)
            let alongX = random.floats(x.count)
            let alongW = random.floats(w.count)
            let scale = dot(dy, dy).squareRoot() * Double(convolution.terms).squareRoot()
            let dx = convolution.inputGradient(plain, RAIN_CONV_DIRECT)
            let bySteps = slope(
                of: { convolution.forward(plain, RAIN_CONV_DIRECT, x: $0, w: w, whole: false) }, at: x, along: alongX, weights: dy)
            #expect(abs(dot(dx, alongX) - bySteps) < 1e-3 * scale, "\(convolution)")
            let dw = convolution.weightGradient(plain, RAIN_CONV_DIRECT)
            let byWeights = slope(
                of: { convolution.forward(plain, RAIN_CONV_DIRECT, x: x, w: $0, whole: false) }, at: w, along: alongW, weights: dy)
            #expect(abs(dot(dw, alongW) - byWeights) < 1e-3 * scale, "\(convolution)")
        }
    }

    /// To the bit, of whatever widths, epilogues and threads.
    @Test(arguments: KernelSet.available)
    func jointLayersAreWhatTheyAreAlone(_ set: KernelSet) {
        let cases: [(m: Int, k: Int, columns: [Int])] = [
            (1, 1, [1]), (7, 33, [3, 16, 5]), (300, 64, [64, 64, 64]), (31, 96, [96, 1, 33, 17]), (600, 128, [40, 200]),
            (70, 2601, [33, 1030, 8]),
        ]
        for (m, k, columns) in cases {
            var random = KernelRandom(UInt64(m + k))
            let x = Guarded(random.floats(m * k))
            for pool in [1, 2, 3].map(set.pool) {
                var (memory, layers, alone): ([Guarded], [RainLinear], [[Float]]) = ([x], [], [])
                for (index, n) in columns.enumerated() {
                    let w = Guarded(random.floats(n * k))
                    let (bias, residual) = (Guarded(random.floats(n)), Guarded(random.floats(m * n)))
                    let packed = Guarded(bytes: rain_linear_packed_bytes(pool.pointer, n, k, 0))
                    rain_linear_pack(pool.pointer, w.floats, n, k, 0, 0, packed.raw)
                    var after = RainEpilogue(
                        bias: index % 2 == 0 ? nil : UnsafePointer(bias.floats), sample_bias: nil, rows_per_sample: 1,
                        residual: index == 2 ? UnsafePointer(residual.floats) : nil,
                        activation: index == 3 ? RAIN_ACT_SILU : RAIN_ACT_NONE, gated: 0)
                    let (y, single) = (Guarded(count: m * n), Guarded(count: m * n))
                    rain_linear(pool.pointer, m, n, k, x.floats, packed.raw, &after, single.floats)
                    alone.append(single.values)
                    layers.append(RainLinear(n: n, packed: UnsafeRawPointer(packed.raw), epilogue: after, y: y.floats))
                    memory += [w, bias, residual, packed, single, y]
                }
                rain_linear_joint(pool.pointer, m, k, x.floats, layers.count, layers)
                for (layer, alone) in zip(layers, alone) {
                    #expect(Array(UnsafeBufferPointer(start: layer.y, count: m * layer.n)) == alone, "\(m) × \(k) → \(columns)")
                }
                keep(memory)
            }
        }
    }

    /// Every element is summed in one order, whatever the partition.
    @Test(arguments: KernelSet.available)
    func doesNotDependOnThreads(_ set: KernelSet) throws {
        let pools = [1, 2, 3].map(set.pool)
        let linear = Linear(m: 700, n: 96, k: 64, epilogue: 7, activation: RAIN_ACT_SILU)
        let convolutions = [Convolution(6, 16, 16, 48, 64), Convolution(2, 9, 7, 150, 170), Convolution(9, 16, 13, 150, 151)]
        let reference = (linear.run(pools[0]), linear.weightGradient(pools[0]))
        for pool in pools + pools {
            #expect(linear.run(pool) == reference.0)
            #expect(linear.weightGradient(pool) == reference.1)
        }
        for convolution in convolutions {
            let convolution = try #require(convolution)
            let (x, w, _, _, _) = convolution.numbers()
            for algorithm in convolution.algorithms {
                let forward = convolution.forward(pools[0], algorithm, x: x, w: w)
                let dx = convolution.inputGradient(pools[0], algorithm)
                let dw = convolution.weightGradient(pools[0], algorithm)
                for pool in pools + pools {
                    #expect(convolution.forward(pool, algorithm, x: x, w: w) == forward)
                    #expect(convolution.inputGradient(pool, algorithm) == dx)
                    #expect(convolution.weightGradient(pool, algorithm) == dw)
                }
            }
        }
    }
}
