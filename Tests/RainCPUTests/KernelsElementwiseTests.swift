import CPUKernels
import Glibc
import Testing

@Suite struct KernelsElementwiseTests {
    static let kinds = [
        RAIN_UNARY_SILU, RAIN_UNARY_GELU, RAIN_UNARY_QUICK_GELU, RAIN_UNARY_RELU, RAIN_UNARY_TANH, RAIN_UNARY_SIGMOID, RAIN_UNARY_EXP,
        RAIN_UNARY_SIN, RAIN_UNARY_COS, RAIN_UNARY_SQUARE, RAIN_UNARY_SQRT, RAIN_UNARY_RECIPROCAL, RAIN_UNARY_ABS, RAIN_UNARY_LOG,
    ]

    static func unary(_ pool: KernelPool, _ kind: RainUnary, _ x: [Float]) -> [Float] {
        let (from, to) = (Guarded(x), Guarded(count: x.count))
        defer { keep([from, to]) }
        rain_unary(pool.pointer, kind, x.count, from.floats, to.floats)
        return to.values
    }

    static func unaryGradient(_ pool: KernelPool, _ kind: RainUnary, _ x: [Float], _ dy: [Float]) -> [Float] {
        let (from, slopes, to) = (Guarded(x), Guarded(dy), Guarded(count: x.count))
        defer { keep([from, slopes, to]) }
        rain_unary_gradient(pool.pointer, kind, x.count, from.floats, slopes.floats, to.floats)
        return to.values
    }

    static func arguments(_ kind: RainUnary, _ count: Int) -> [Float] {
        var random = KernelRandom(UInt64(count) + UInt64(kind.rawValue))
        switch kind {
        case RAIN_UNARY_SQRT, RAIN_UNARY_LOG, RAIN_UNARY_RECIPROCAL: return random.floats(count, scale: 4, offset: 4.1)
        case RAIN_UNARY_SIN, RAIN_UNARY_COS: return random.floats(count, scale: 1e6)
        case RAIN_UNARY_EXP: return random.floats(count, scale: 4)
        default: return random.floats(count, scale: 9)
        }
    }

    @Test(arguments: KernelSet.available)
    func unary(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        for kind in Self.kinds {
            for count in [1, 7, 16, 33, 20_000] {
                let x = Self.arguments(kind, count)
                var random = KernelRandom(8)
                let dy = random.floats(count)
                let (expected, slopes) = (Self.unary(plain, kind, x), Self.unaryGradient(plain, kind, x, dy))
                for pool in pools {
                    // What vanishes far out keeps an absolute error.
                    let value = expected.reduce(1) { max($0, abs($1)) }
                    #expect(zip(Self.unary(pool, kind, x), expected).allSatisfy { abs($0 - $1) <= 6e-7 * value }, "\(kind)")
                    let slope = slopes.reduce(1) { max($0, abs($1)) }
                    #expect(zip(Self.unaryGradient(pool, kind, x, dy), slopes).allSatisfy { abs($0 - $1) <= 1e-6 * slope }, "\(kind)")
                }
            }
        }
    }

    /// exp within 2 ulp; GELU, SiLU, sigmoid and tanh within 4·10⁻⁷, over the whole range.
    @Test(arguments: KernelSet.available)
    func statedErrors(_ set: KernelSet) {
        let pool = set.pool(threads: 1)
        let x = stride(from: Float(-86), through: 88, by: 0.00371).map { $0 }
        for (value, found) in zip(x, Self.unary(pool, RAIN_UNARY_EXP, x)) {
            let exact = exp(Double(value))
            #expect(abs(Double(found) - exact) <= 2.5 * exact * 0x1p-23, "exp(\(value)) = \(found)")
        }
        let near = stride(from: Float(-12), through: 12, by: 0.0007).map { $0 }
        for (value, found) in zip(near, Self.unary(pool, RAIN_UNARY_GELU, near)) {
            let exact = 0.5 * Double(value) * (1 + erf(Double(value) / 2.squareRoot()))
            #expect(abs(Double(found) - exact) <= 4e-7 * max(1, abs(Double(value))), "gelu(\(value)) = \(found)")
        }
        let far = stride(from: Float(-100), through: 100, by: 0.00371).map { $0 }
        for (value, found) in zip(far, Self.unary(pool, RAIN_UNARY_SILU, far)) {
            let exact = Double(value) / (1 + exp(-Double(value)))
            #expect(abs(Double(found) - exact) <= 4e-7 * max(1, abs(Double(value))), "silu(\(value)) = \(found)")
        }
        for (value, found) in zip(far, Self.unary(pool, RAIN_UNARY_SIGMOID, far)) {
            #expect(abs(Double(found) - 1 / (1 + exp(-Double(value)))) <= 4e-7, "sigmoid(\(value)) = \(found)")
        }
        for (value, found) in zip(near, Self.unary(pool, RAIN_UNARY_TANH, near)) {
            #expect(abs(Double(found) - tanh(Double(value))) <= 4e-7 * min(1, abs(Double(value))) + 1e-12, "tanh(\(value)) = \(found)")
        }
    }

    @Test(arguments: KernelSet.available)
    func extremes(_ set: KernelSet) {
        let pool = set.pool(threads: 1)
        let x: [Float] = [.nan, .infinity, -.infinity, 100, -100, 1e30, -1e30, 0]
        let e = Self.unary(pool, RAIN_UNARY_EXP, x)
        #expect(e[0].isNaN && e[1] == .infinity && e[2] == 0 && e[3] == .infinity && e[4] < 1e-37 && e[7] == 1)
        for kind in [RAIN_UNARY_SILU, RAIN_UNARY_GELU, RAIN_UNARY_TANH, RAIN_UNARY_SIGMOID] {
            let y = Self.unary(pool, kind, x)
            #expect(y[0].isNaN && y[3...].allSatisfy(\.isFinite), "\(kind) \(y)")
        }
    }

    static func geglu(_ pool: KernelPool, _ rows: Int, _ channels: Int, _ x: [Float], _ dy: [Float]?) -> [Float] {
        let from = Guarded(x)
        let to = Guarded(count: dy == nil ? rows * channels : 2 * rows * channels)
        let slopes = Guarded(dy ?? [])
        defer { keep([from, slopes, to]) }
        if dy != nil {
            rain_geglu_gradient(pool.pointer, rows, channels, from.floats, slopes.floats, to.floats)
        } else {
            rain_geglu(pool.pointer, rows, channels, from.floats, to.floats)
        }
        return to.values
    }

    @Test(arguments: KernelSet.available)
    func geglu(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        for (rows, channels) in [(1, 1), (5, 7), (3, 16), (100, 33), (7, 512)] {
            var random = KernelRandom(UInt64(rows))
            let (x, dy) = (random.floats(rows * channels * 2, scale: 4), random.floats(rows * channels))
            for pool in pools {
                #expect(disagreement(Self.geglu(pool, rows, channels, x, nil), Self.geglu(plain, rows, channels, x, nil)) < 1e-6)
                #expect(disagreement(Self.geglu(pool, rows, channels, x, dy), Self.geglu(plain, rows, channels, x, dy)) < 1e-6)
            }
        }
    }

    @Test func gradientsAreSlopes() {
        let plain = plainPool()
        var random = KernelRandom(9)
        for kind in Self.kinds where kind != RAIN_UNARY_RELU && kind != RAIN_UNARY_ABS {
            let x = random.floats(50, scale: 0.9, offset: 1.5)
            let (dy, direction) = (random.floats(50), random.floats(50))
            let bySteps = slope(of: { Self.unary(plain, kind, $0) }, at: x, along: direction, weights: dy)
            #expect(abs(dot(Self.unaryGradient(plain, kind, x, dy), direction) - bySteps) < 5e-3, "\(kind)")
        }
        let (x, dy, direction) = (random.floats(60), random.floats(30), random.floats(60))
        let bySteps = slope(of: { Self.geglu(plain, 5, 6, $0, nil) }, at: x, along: direction, weights: dy)
        #expect(abs(dot(Self.geglu(plain, 5, 6, x, dy), direction) - bySteps) < 1e-3)
    }

    @Test(arguments: KernelSet.available)
    func optimizerAndSums(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2, 3].map(set.pool))
        for count in [1, 15, 33, 50_000] {
            var random = KernelRandom(UInt64(count))
            let start = [
                random.floats(count), random.floats(count), random.floats(count), random.floats(count).map(abs), random.floats(count),
            ]
            func step(_ pool: KernelPool, ema: Bool) -> [[Float]] {
                var settings = RainAdamW(
                    learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, gradient_scale: 0.5,
                    bias_correction1: 0.1, bias_correction2: 0.01, ema_decay: 0.99)
                let t = start.map { Guarded($0) }
                defer { keep(t) }
                rain_adamw(
                    pool.pointer, &settings, count, t[0].floats, t[1].floats, t[2].floats, t[3].floats, ema ? t[4].floats : nil)
                return t.map(\.values)
            }
            let x = Guarded(start[0])
            defer { keep([x]) }
            let squares = rain_sum_of_squares(plain.pointer, count, x.floats)
            let first = rain_sum_of_squares(pools[0].pointer, count, x.floats)
            for pool in pools {
                for ema in [true, false] {
                    for (found, wanted) in zip(step(pool, ema: ema), step(plain, ema: ema)) { #expect(disagreement(found, wanted) < 6e-7) }
                }
                let found = rain_sum_of_squares(pool.pointer, count, x.floats)
                #expect(abs(found - squares) <= 1e-6 * squares)
                #expect(found == first)
                let y = Guarded(count: count)
                rain_affine(pool.pointer, count, 1.5, -0.25, x.floats, y.floats)
                #expect(zip(start[0], y.values).allSatisfy { abs($0 * 1.5 - 0.25 - $1) < 3e-7 })
                rain_fill(pool.pointer, count, 3, y.floats)
                #expect(y.values.allSatisfy { $0 == 3 })
            }
        }
    }

    @Test(arguments: KernelSet.available)
    func sumsAndSizes(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        func sum(_ pool: KernelPool, _ outer: Int, _ middle: Int, _ inner: Int, _ x: Guarded) -> [Float] {
            let y = Guarded(count: outer * inner)
            let scratch = Guarded(bytes: rain_reduce_sum_scratch_bytes(pool.pointer, outer, middle, inner))
            defer { keep([x, y, scratch]) }
            rain_reduce_sum(pool.pointer, outer, middle, inner, x.floats, y.floats, scratch.raw)
            return y.values
        }
        func resampled(_ pool: KernelPool, _ b: Int, _ h: Int, _ w: Int, _ c: Int, _ x: Guarded, _ large: Guarded) -> [Float] {
            let (up, down) = (Guarded(count: 4 * b * h * w * c), Guarded(count: b * h * w * c))
            defer { keep([x, large, up, down]) }
            rain_upsample_nearest(pool.pointer, b, h, w, c, x.floats, up.floats)
            rain_sum_pool(pool.pointer, b, h, w, c, large.floats, down.floats)
            return up.values + down.values
        }
        var random = KernelRandom(10)
        for (outer, middle, inner) in [(1, 1, 1), (3, 5, 7), (40, 256, 3), (2, 257, 16), (1, 3000, 40), (7, 1, 129), (5, 700, 1)] {
            let x = Guarded(random.floats(outer * middle * inner))
            let expected = sum(plain, outer, middle, inner, x)
            for pool in pools {
                #expect(
                    zip(sum(pool, outer, middle, inner, x), expected).allSatisfy { abs($0 - $1) < 1e-6 * Float(middle).squareRoot() + 1e-6 }
                )
            }
        }
        for (b, h, w, c) in [(1, 1, 1, 1), (2, 3, 5, 7), (1, 16, 16, 33), (3, 20, 9, 16)] {
            let (x, large) = (Guarded(random.floats(b * h * w * c)), Guarded(random.floats(4 * b * h * w * c)))
            for pool in pools {
                #expect(disagreement(resampled(pool, b, h, w, c, x, large), resampled(plain, b, h, w, c, x, large)) < 3e-7)
            }
        }
    }

    /// Random ranks, permutations and broadcasts.
    @Test(arguments: KernelSet.available)
    func strided(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        var random = KernelRandom(11)
        for index in 0..<250 {
            let rank = random.below(6)
            let dims = (0..<rank).map { _ in random.below(4) == 0 ? 1 : 1 + random.below(index % 9 == 0 ? 20 : 9) }
            let count = dims.reduce(1, *)
            if count > 200_000 { continue }
            func strides(_ order: [Int]) -> [Int] {
                var result = [Int](repeating: 0, count: rank)
                var step = 1
                for axis in order.reversed() {
                    result[axis] = step
                    step *= dims[axis]
                }
                return result
            }
            var order = Array(0..<rank)
            for axis in order.indices.reversed() where random.below(2) == 0 { order.swapAt(axis, random.below(axis + 1)) }
            let (dense, turned) = (strides(Array(0..<rank)), strides(order))
            let fromBroadcast = dense.map { random.below(5) == 0 ? 0 : $0 }
            let otherBroadcast = turned.map { random.below(3) == 0 ? 0 : $0 }
            let (x, z) = (Guarded(random.floats(count)), Guarded(random.floats(count, offset: 2)))
            let kind = RainBinary(rawValue: UInt32(index % 7))
            func run(_ pool: KernelPool) -> [Float] {
                let results = (0..<3).map { _ in Guarded(count: count) }
                defer { keep(results, [x, z]) }
                rain_copy_strided(pool.pointer, Int32(rank), dims, x.floats, fromBroadcast, results[0].floats, turned)
                rain_copy_strided(pool.pointer, Int32(rank), dims, x.floats, turned, results[1].floats, dense)
                rain_binary(
                    pool.pointer, kind, Int32(rank), dims, x.floats, index % 5 == 0 ? fromBroadcast : dense, z.floats, otherBroadcast,
                    results[2].floats)
                return results.flatMap(\.values)
            }
            let expected = run(plain)
            for pool in pools { #expect(disagreement(run(pool), expected) < 3e-7, "\(dims) \(turned) \(fromBroadcast) \(otherBroadcast)") }
        }
    }

    @Test func poolsSurviveManySmallJobs() throws {
        let pool = try #require(KernelPool(threads: 3, isa: RAIN_ISA_GENERIC))
        let (x, y) = (Guarded(count: 40_000), Guarded(count: 40_000))
        defer { keep([x, y]) }
        rain_fill(pool.pointer, 40_000, 1, x.floats)
        for round in 0..<3000 {
            rain_affine(pool.pointer, 40_000, 2, Float(round), x.floats, y.floats)
            guard y.floats[0] == Float(2 + round), y.floats[39_999] == Float(2 + round) else {
                Issue.record("round \(round)")
                return
            }
        }
        #expect(rain_pool_create(0, RAIN_ISA_GENERIC) == nil)
        #expect(rain_pool_threads(pool.pointer) == 3)
    }
}
