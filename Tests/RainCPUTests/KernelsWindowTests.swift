import CPUKernels
import Testing

@Suite struct KernelsWindowTests {
    static func geometry(
        _ batch: Int, _ height: Int, _ width: Int, _ channels: Int, kernel: (Int, Int), stride: Int, padding: [Int]
    ) -> RainConv {
        RainConv(
            batch: batch, height: height, width: width, channels: channels, out_channels: channels, kernel_height: kernel.0,
            kernel_width: kernel.1, stride: stride, pad_top: padding[0], pad_left: padding[1], pad_bottom: padding[2],
            pad_right: padding[3], out_height: (height + padding[0] + padding[2] - kernel.0) / stride + 1,
            out_width: (width + padding[1] + padding[3] - kernel.1) / stride + 1, upsample: 0)
    }

    static func depthwise(_ pool: KernelPool, _ s: RainConv, _ x: [Float], _ w: [Float], _ extra: [[Float]], _ kind: RainActivation)
        -> [Float]
    {
        var s = s
        let tensors = ([x, w] + extra).map { Guarded($0) }
        let y = Guarded(count: s.batch * s.out_height * s.out_width * s.channels)
        defer { keep(tensors, [y]) }
        var epilogue = RainEpilogue()
        epilogue.activation = kind
        if extra.count == 3 {
            epilogue.bias = UnsafePointer(tensors[2].floats)
            epilogue.sample_bias = UnsafePointer(tensors[3].floats)
            epilogue.rows_per_sample = s.out_height * s.out_width
            epilogue.residual = UnsafePointer(tensors[4].floats)
        }
        rain_conv_depthwise(pool.pointer, &s, tensors[0].floats, tensors[1].floats, &epilogue, y.floats)
        return y.values
    }

    static func pooled(_ pool: KernelPool, _ s: RainConv, _ x: [Float]) -> [Float] {
        var s = s
        let (from, y) = (Guarded(x), Guarded(count: s.batch * s.out_height * s.out_width * s.channels))
        defer { keep([from, y]) }
        rain_max_pool(pool.pointer, &s, from.floats, y.floats)
        return y.values
    }

    @Test(arguments: KernelSet.available)
    func windows(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        var random = KernelRandom(21)
        for _ in 0..<60 {
            let kernel = (1 + random.below(6), 1 + random.below(6))
            let padding = [kernel.0, kernel.1, kernel.0, kernel.1].map { random.below($0) }
            let (height, width) = (kernel.0 + random.below(12), kernel.1 + random.below(14))
            let s = Self.geometry(
                1 + random.below(2), height, width, random.pick([1, 3, 8, 16, 31, 65]), kernel: kernel, stride: 1 + random.below(3),
                padding: padding)
            let count = s.batch * s.out_height * s.out_width * s.channels
            let x = random.floats(s.batch * s.height * s.width * s.channels)
            let w = random.floats(kernel.0 * kernel.1 * s.channels)
            let extra = [random.floats(s.channels), random.floats(s.batch * s.channels), random.floats(count)]
            let kind = random.pick([RAIN_ACT_NONE, RAIN_ACT_SILU, RAIN_ACT_RELU])
            for added in [[], extra] {
                let expected = Self.depthwise(plain, s, x, w, added, kind)
                for pool in pools {
                    #expect(disagreement(Self.depthwise(pool, s, x, w, added, kind), expected) < tolerance(kernel.0 * kernel.1), "\(s)")
                }
            }
            let largest = Self.pooled(plain, s, x)
            for pool in pools { #expect(Self.pooled(pool, s, x) == largest, "\(s)") }
        }
    }

    @Test(arguments: KernelSet.available)
    func notANumberSurvives(_ set: KernelSet) {
        let pool = set.pool(threads: 1)
        for channels in [1, 8, 19] {
            let s = Self.geometry(1, 5, 5, channels, kernel: (3, 3), stride: 1, padding: [1, 1, 1, 1])
            for place in [0, 7, 24] {
                var x = [Float](repeating: 1, count: 25 * channels)
                x[place * channels] = .nan
                let y = Self.pooled(pool, s, x)
                for pixel in 0..<25 {
                    let isNear = abs(pixel / 5 - place / 5) <= 1 && abs(pixel % 5 - place % 5) <= 1
                    #expect(y[pixel * channels].isNaN == isNear)
                }
            }
        }
    }

    @Test(arguments: KernelSet.available)
    func softmax(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        func run(_ pool: KernelPool, _ rows: Int, _ channels: Int, _ x: [Float]) -> [Float] {
            let (from, y) = (Guarded(x), Guarded(count: x.count))
            defer { keep([from, y]) }
            rain_softmax(pool.pointer, rows, channels, from.floats, y.floats)
            return y.values
        }
        var random = KernelRandom(22)
        for (rows, channels) in [(1, 1), (3, 7), (5, 16), (64, 133), (2, 4096)] {
            let x = random.floats(rows * channels, scale: 30)
            let expected = run(plain, rows, channels, x)
            for pool in pools {
                let found = run(pool, rows, channels, x)
                #expect(disagreement(found, expected) < 2e-6)
                for row in 0..<rows { #expect(abs(found[row * channels..<(row + 1) * channels].reduce(0, +) - 1) < 1e-5) }
            }
            var broken = x
            broken[rows * channels / 2] = .nan
            let row = rows * channels / 2 / channels
            #expect(run(pools[0], rows, channels, broken)[row * channels..<(row + 1) * channels].allSatisfy { $0.isNaN })
        }
    }
}
