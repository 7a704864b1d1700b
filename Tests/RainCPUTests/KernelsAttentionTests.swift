import CPUKernels
import Testing

@Suite struct KernelsAttentionTests {
    struct Attention: Sendable, CustomStringConvertible {
        var geometry: RainAttention

        init(
            _ batch: Int, queries: Int, keys: Int, heads: Int, size: Int, references: Int = 0, referenceKeys: Int = 0, extra: Int = 0
        ) {
            let channels = heads * size
            geometry = RainAttention(
                batch: batch, queries: queries, keys: keys, channels: channels, heads: heads, reference_batch: references,
                reference_keys: referenceKeys, scale: 2 / Float(size).squareRoot(), q_stride: channels + extra,
                k_stride: channels + extra, v_stride: channels + extra)
        }

        var description: String { "\(geometry)" }
        var sizes: [Int] {
            let rows = geometry.channels + (geometry.q_stride - geometry.channels)
            let reference = geometry.reference_batch * geometry.reference_keys * geometry.channels
            // The last row of a matrix of wider rows ends with its channels.
            let q = (geometry.batch * geometry.queries - 1) * rows + geometry.channels
            let k = (geometry.batch * geometry.keys - 1) * rows + geometry.channels
            return [q, k, k, reference, reference]
        }
        var results: Int { geometry.batch * geometry.queries * geometry.channels }

        /// What split products lose: scores are off by their error times scale · Σ|q·k|, half of √size on average here, probabilities
        /// by as much relatively, and results by twice the products' own besides.
        func splitError(_ set: KernelSet) -> Double {
            set.productError * (2 + Double(geometry.channels / geometry.heads).squareRoot() / 2)
        }

        func numbers() -> [[Float]] {
            var random = KernelRandom(UInt64(results + geometry.keys))
            return sizes.map { random.floats($0) } + [random.floats(results)]
        }

        func forward(_ pool: KernelPool, _ inputs: [[Float]]) -> [Float] {
            var geometry = geometry
            let tensors = inputs.map { Guarded($0) }
            let y = Guarded(count: results)
            let scratch = Guarded(bytes: rain_attention_scratch_bytes(pool.pointer, &geometry))
            defer { keep(tensors, [y, scratch]) }
            rain_attention(
                pool.pointer, &geometry, tensors[0].floats, tensors[1].floats, tensors[2].floats, tensors[3].floats,
                tensors[4].floats, y.floats, scratch.raw)
            return y.values
        }

        /// dq, dk, dv, dense, and of the reference.
        func gradients(_ pool: KernelPool) -> [[Float]] {
            var geometry = geometry
            let t = numbers().map { Guarded($0) }
            let own = geometry.batch * geometry.keys * geometry.channels
            let d = [results, own, own, t[3].count, t[4].count].map { Guarded(count: $0) }
            let scratch = Guarded(bytes: rain_attention_gradient_scratch_bytes(pool.pointer, &geometry))
            defer { keep(t, d, [scratch]) }
            rain_attention_gradient(
                pool.pointer, &geometry, t[0].floats, t[1].floats, t[2].floats, t[3].floats, t[4].floats, t[5].floats, d[0].floats,
                d[1].floats, d[2].floats, d[3].floats, d[4].floats, scratch.raw)
            return d.map(\.values)
        }
    }

    static let cases: [Attention] = {
        var cases = [
            Attention(1, queries: 1, keys: 1, heads: 1, size: 1), Attention(2, queries: 16, keys: 16, heads: 2, size: 32),
            Attention(2, queries: 40, keys: 300, heads: 4, size: 16, references: 2, referenceKeys: 260),
            Attention(4, queries: 33, keys: 33, heads: 3, size: 32, references: 2, referenceKeys: 300, extra: 9),
            Attention(3, queries: 7, keys: 5, heads: 1, size: 40, references: 1, referenceKeys: 1),
            Attention(1, queries: 100, keys: 1, heads: 2, size: 20), Attention(1, queries: 65, keys: 700, heads: 2, size: 48, extra: 32),
            // More queries than one thread takes, heads wider than any block, references that end within one.
            Attention(2, queries: 300, keys: 131, heads: 1, size: 33, references: 1, referenceKeys: 37),
            Attention(1, queries: 150, keys: 1100, heads: 1, size: 160), Attention(1, queries: 17, keys: 31, heads: 1, size: 257),
            Attention(4, queries: 16, keys: 16, heads: 2, size: 160, references: 2, referenceKeys: 16),
            Attention(3, queries: 64, keys: 64, heads: 2, size: 80, references: 1, referenceKeys: 64),
        ]
        var random = KernelRandom(2)
        for index in 0..<40 {
            let batch = 1 + random.below(4)
            let references = index % 2 == 0 ? 0 : batch % 2 == 0 ? batch / 2 : 1
            cases.append(
                Attention(
                    batch, queries: 1 + random.below(40), keys: 1 + random.below(70), heads: random.pick([1, 2, 4]),
                    size: random.pick([1, 5, 8, 16, 20, 33, 40]), references: references,
                    referenceKeys: references > 0 ? 1 + random.below(50) : 0, extra: random.pick([0, 0, 7])))
        }
        return cases
    }()

    @Test(arguments: KernelSet.available)
    func attention(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        for attention in Self.cases {
            let inputs = attention.numbers()
            let expected = attention.forward(plain, inputs)
            let slopes = attention.gradients(plain)
            for pool in pools {
                #expect(disagreement(attention.forward(pool, inputs), expected) < 4e-6 + attention.splitError(set), "\(attention)")
                for (found, wanted) in zip(attention.gradients(pool), slopes) {
                    // Differences of scores cancel: relative to the largest slope of any of the inputs.
                    let largest = slopes.joined().reduce(1e-30) { max($0, abs($1)) }
                    let worst = zip(found, wanted).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
                    #expect(worst < 1e-5 * largest && found.allSatisfy(\.isFinite), "\(attention)")
                }
            }
        }
    }

    @Test func gradientsAreSlopes() {
        let plain = plainPool()
        for attention in Self.cases.prefix(5) where attention.geometry.q_stride == attention.geometry.channels {
            let numbers = attention.numbers()
            let gradients = attention.gradients(plain)
            var random = KernelRandom(5)
            for index in 0..<5 where !numbers[index].isEmpty {
                let direction = random.floats(numbers[index].count)
                let bySteps = slope(
                    of: {
                        var inputs = numbers
                        inputs[index] = $0
                        return attention.forward(plain, inputs)
                    }, at: numbers[index], along: direction, weights: numbers[5])
                let scale = dot(gradients[index], gradients[index]).squareRoot() * dot(direction, direction).squareRoot()
                #expect(abs(dot(gradients[index], direction) - bySteps) < 1e-3 * scale + 1e-4, "input \(index) of \(attention)")
            }
        }
    }

    @Test(arguments: KernelSet.available)
    func doesNotDependOnThreads(_ set: KernelSet) {
        let pools = [1, 2, 3].map(set.pool)
        for attention in Self.cases.prefix(4) {
            let inputs = attention.numbers()
            let (forward, gradients) = (attention.forward(pools[0], inputs), attention.gradients(pools[0]))
            for pool in pools + pools {
                #expect(attention.forward(pool, inputs) == forward)
                #expect(attention.gradients(pool) == gradients)
            }
        }
    }

    /// Softmax must neither hide what is not a number nor spread it to other queries, heads or channels.
    @Test(arguments: KernelSet.available)
    func keepsNotANumber(_ set: KernelSet) {
        let attention = Attention(2, queries: 37, keys: 45, heads: 2, size: 20, references: 1, referenceKeys: 19)
        let (pool, channels, rows) = (set.pool(threads: 2), 40, 37)
        let whole = attention.numbers()
        for (tensor, place) in [(0, 5 * channels + 3), (1, 44 * channels + 21), (2, 7 * channels + 11), (3, 18 * channels), (4, 39)] {
            var inputs = whole
            inputs[tensor][place] = .nan
            let y = attention.forward(pool, inputs)
            for index in y.indices {
                let (sample, row, channel) = (index / channels / rows, index / channels % rows, index % channels)
                let (head, own) = (channel / 20 == place % channels / 20, sample == 0)
                let expected =
                    switch tensor {
                    case 0: own && head && row == 5
                    case 1: own && head
                    case 2: own && channel == place % channels
                    case 3: head
                    default: channel == place % channels
                    }
                #expect(y[index].isNaN == expected, "tensor \(tensor), sample \(sample), row \(row), channel \(channel)")
            }
        }
    }

    /// Scores far from zero and far apart: maxima grow from block to block, most probabilities vanish.
    @Test(arguments: KernelSet.available)
    func largeScores(_ set: KernelSet) {
        var attention = Attention(2, queries: 50, keys: 333, heads: 1, size: 24, references: 1, referenceKeys: 300)
        attention.geometry.scale = 20
        var inputs = attention.numbers()
        // Later keys score higher.
        for tensor in [1, 3] {
            for index in inputs[tensor].indices { inputs[tensor][index] *= 0.1 + Float(index) / Float(inputs[tensor].count) }
        }
        let expected = attention.forward(plainPool(), inputs)
        // A score of s is off by 2⁻²⁴ · s or, from split products, 2⁻¹⁷ · s.
        let scores = 20 * 24 * 0.25
        for pool in [1, 2].map(set.pool) {
            #expect(disagreement(attention.forward(pool, inputs), expected) < scores * (0x1p-21 + 2 * set.productError))
        }
    }

    struct Temporal: Sendable {
        var batch, frames, positions, heads, size: Int

        var geometry: RainTemporalAttention {
            RainTemporalAttention(
                batch: batch, frames: frames, positions: positions, channels: heads * size, heads: heads,
                scale: 2 / Float(size).squareRoot())
        }
        var count: Int { batch * frames * positions * heads * size }

        func numbers() -> [[Float]] {
            var random = KernelRandom(UInt64(count))
            return (0..<4).map { _ in random.floats(count) }
        }

        func forward(_ pool: KernelPool, _ inputs: [[Float]]) -> [Float] {
            var geometry = geometry
            let t = inputs.map { Guarded($0) }
            let y = Guarded(count: count)
            defer { keep(t, [y]) }
            rain_temporal_attention(pool.pointer, &geometry, t[0].floats, t[1].floats, t[2].floats, y.floats)
            return y.values
        }

        func gradients(_ pool: KernelPool) -> [[Float]] {
            var geometry = geometry
            let t = numbers().map { Guarded($0) }
            let d = (0..<3).map { _ in Guarded(count: count) }
            defer { keep(t, d) }
            rain_temporal_attention_gradient(
                pool.pointer, &geometry, t[0].floats, t[1].floats, t[2].floats, t[3].floats, d[0].floats, d[1].floats, d[2].floats)
            return d.map(\.values)
        }
    }

    static let temporal: [Temporal] = {
        var cases = [
            Temporal(batch: 1, frames: 1, positions: 1, heads: 1, size: 1),
            Temporal(batch: 1, frames: 16, positions: 64, heads: 8, size: 8),
            Temporal(batch: 2, frames: 32, positions: 3, heads: 2, size: 40),
            Temporal(batch: 1, frames: 33, positions: 2, heads: 2, size: 8),
            Temporal(batch: 1, frames: 12, positions: 5, heads: 3, size: 32),
            // More frames than two vectors hold, and a last one alone.
            Temporal(batch: 1, frames: 17, positions: 3, heads: 2, size: 40),
            Temporal(batch: 1, frames: 24, positions: 2, heads: 2, size: 27),
            Temporal(batch: 1, frames: 31, positions: 2, heads: 1, size: 160),
        ]
        var random = KernelRandom(3)
        for _ in 0..<40 {
            cases.append(
                Temporal(
                    batch: 1 + random.below(2), frames: random.pick([1, 2, 3, 4, 5, 8, 12, 16]), positions: 1 + random.below(20),
                    heads: random.pick([1, 2, 8]), size: random.pick([1, 4, 7, 8, 10, 16, 40])))
        }
        return cases
    }()

    @Test(arguments: KernelSet.available)
    func temporalAttention(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        for temporal in Self.temporal {
            let inputs = temporal.numbers()
            let expected = temporal.forward(plain, inputs)
            let slopes = temporal.gradients(plain)
            for pool in pools {
                #expect(disagreement(temporal.forward(pool, inputs), expected) < 3e-6, "\(temporal)")
                let largest = slopes.joined().reduce(1e-30) { max($0, abs($1)) }
                for (found, wanted) in zip(temporal.gradients(pool), slopes) {
                    let worst = zip(found, wanted).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
                    #expect(worst < 4e-6 * largest && found.allSatisfy(\.isFinite), "\(temporal)")
                }
            }
        }
    }

    @Test func temporalGradientsAreSlopes() {
        let plain = plainPool()
        let temporal = Temporal(batch: 2, frames: 5, positions: 3, heads: 2, size: 7)
        let numbers = temporal.numbers()
        let gradients = temporal.gradients(plain)
        var random = KernelRandom(6)
        for index in 0..<3 {
            let direction = random.floats(temporal.count)
            let bySteps = slope(
                of: {
                    var inputs = numbers
                    inputs[index] = $0
                    return temporal.forward(plain, inputs)
                }, at: numbers[index], along: direction, weights: numbers[3])
            let scale = dot(gradients[index], gradients[index]).squareRoot() * dot(direction, direction).squareRoot()
            #expect(abs(dot(gradients[index], direction) - bySteps) < 1e-3 * scale, "input \(index)")
        }
    }
}
