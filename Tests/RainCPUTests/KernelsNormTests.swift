import CPUKernels
import Testing

@Suite struct KernelsNormTests {
    struct Group: Sendable {
        var samples, positions, groups, width: Int
        var activation = RAIN_ACT_NONE
        /// The inputs' mean: a large one must not swallow the variance.
        var offset: Float = 0.3
        /// Of gamma: with a large one an activation meets numbers that its exponential must not.
        var gain: Float = 1

        var channels: Int { groups * width }
        var count: Int { samples * positions * channels }

        /// x, dy, gamma, beta
        func numbers() -> [[Float]] {
            var random = KernelRandom(UInt64(count + channels))
            return [
                random.floats(count, offset: offset), random.floats(count), random.floats(channels, scale: gain, offset: gain),
                random.floats(channels),
            ]
        }

        func forward(_ pool: KernelPool, _ inputs: [[Float]]) -> [Float] {
            let t = inputs.map { Guarded($0) }
            let y = Guarded(count: count)
            let scratch = Guarded(bytes: rain_group_norm_scratch_bytes(pool.pointer, samples, positions, channels, groups))
            defer { keep(t, [y, scratch]) }
            rain_group_norm(
                pool.pointer, samples, positions, channels, groups, 1e-5, activation, t[0].floats, t[2].floats, t[3].floats, y.floats,
                scratch.raw)
            return y.values
        }

        /// The same of the first `first` channels in one tensor, and the others in another.
        func ofTwo(_ pool: KernelPool, _ inputs: [[Float]], first: Int) -> [Float] {
            let parts = [0..<first, first..<channels].map { Guarded(columns($0, of: inputs[0], width: channels)) }
            let t = inputs.map { Guarded($0) }
            let y = Guarded(count: count)
            let scratch = Guarded(bytes: rain_group_norm_scratch_bytes(pool.pointer, samples, positions, channels, groups))
            defer { keep(parts, t, [y, scratch]) }
            rain_group_norm_of_two(
                pool.pointer, samples, positions, first, channels - first, groups, 1e-5, activation, parts[0].floats, parts[1].floats,
                t[2].floats, t[3].floats, y.floats, scratch.raw)
            return y.values
        }

        /// dx, dgamma, dbeta
        func gradients(_ pool: KernelPool) -> [[Float]] {
            let t = numbers().map { Guarded($0) }
            let d = [count, channels, channels].map { Guarded(count: $0) }
            let scratch = Guarded(bytes: rain_group_norm_gradient_scratch_bytes(pool.pointer, samples, positions, channels, groups))
            defer { keep(t, d, [scratch]) }
            rain_group_norm_gradient(
                pool.pointer, samples, positions, channels, groups, 1e-5, activation, t[0].floats, t[2].floats, t[3].floats,
                t[1].floats, d[0].floats, d[1].floats, d[2].floats, scratch.raw)
            return d.map(\.values)
        }

        func layerForward(_ pool: KernelPool, _ inputs: [[Float]]) -> [Float] {
            let t = inputs.map { Guarded($0) }
            let y = Guarded(count: count)
            defer { keep(t, [y]) }
            rain_layer_norm(pool.pointer, samples * positions, channels, 1e-5, t[0].floats, t[2].floats, t[3].floats, y.floats)
            return y.values
        }

        func layerGradients(_ pool: KernelPool) -> [[Float]] {
            let t = numbers().map { Guarded($0) }
            let d = [count, channels, channels].map { Guarded(count: $0) }
            let scratch = Guarded(bytes: rain_layer_norm_gradient_scratch_bytes(pool.pointer, samples * positions, channels))
            defer { keep(t, d, [scratch]) }
            rain_layer_norm_gradient(
                pool.pointer, samples * positions, channels, 1e-5, t[0].floats, t[2].floats, t[1].floats, d[0].floats, d[1].floats,
                d[2].floats, scratch.raw)
            return d.map(\.values)
        }
    }

    static let cases: [Group] = {
        var cases = [
            Group(samples: 1, positions: 1, groups: 1, width: 2), Group(samples: 3, positions: 16, groups: 8, width: 8),
            Group(samples: 2, positions: 256, groups: 32, width: 2, activation: RAIN_ACT_SILU),
            Group(samples: 1, positions: 3000, groups: 3, width: 11, activation: RAIN_ACT_SILU),
            Group(samples: 2, positions: 1500, groups: 8, width: 4), Group(samples: 5, positions: 1, groups: 4, width: 33),
            Group(samples: 1, positions: 64, groups: 2, width: 16, offset: 50),
            Group(samples: 1, positions: 2049, groups: 2, width: 24, offset: -300),
            Group(samples: 2, positions: 40, groups: 2, width: 9, activation: RAIN_ACT_SILU, gain: 300),
            Group(samples: 3, positions: 1100, groups: 2, width: 8, activation: RAIN_ACT_SILU, gain: 100),
            Group(samples: 3, positions: 130, groups: 4, width: 32, activation: RAIN_ACT_SILU),
        ]
        var random = KernelRandom(4)
        for index in 0..<20 {
            cases.append(
                Group(
                    samples: 1 + random.below(3), positions: 1 + random.below(80), groups: random.pick([1, 2, 8]),
                    width: random.pick([3, 5, 16, 33]), activation: [RAIN_ACT_NONE, RAIN_ACT_SILU, RAIN_ACT_RELU, RAIN_ACT_GELU][index % 4])
            )
        }
        return cases
    }()

    /// Statistics of inputs far from zero lose what their mean's last bit is worth.
    func bound(_ group: Group, _ plain: Double) -> Double { plain * (1 + Double(abs(group.offset)) * 8) }

    /// A channel that is not a number must not hide that its neighbours' numbers are beyond what SiLU's exponential takes.
    @Test(arguments: KernelSet.available)
    func aChannelThatIsNoNumberLeavesTheOthers(_ set: KernelSet) {
        let group = Group(samples: 2, positions: 9, groups: 8, width: 8, activation: RAIN_ACT_SILU)
        for spoiled in [2, 3] {
            var inputs = group.numbers()
            // In lanes of one vector and those behind it.
            inputs[3][8] = -200
            inputs[spoiled][24] = .nan
            let expected = group.forward(plainPool(), inputs)
            for pool in [1, 2].map(set.pool) {
                let found = group.forward(pool, inputs)
                for (index, value) in found.enumerated() {
                    let channel = index % group.channels
                    #expect(value.isNaN == (channel == 24) && (channel == 24 || abs(value - expected[index]) < 1e-5), "channel \(channel)")
                }
            }
        }
    }

    @Test(arguments: KernelSet.available)
    func groupNorm(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        for group in Self.cases {
            let inputs = group.numbers()
            let expected = group.forward(plain, inputs)
            let slopes = group.gradients(plain)
            for pool in pools {
                #expect(disagreement(group.forward(pool, inputs), expected) < bound(group, 2e-6), "\(group)")
                for (found, wanted) in zip(group.gradients(pool), slopes) where wanted.contains(where: { abs($0) > 1e-2 }) {
                    #expect(disagreement(found, wanted) < bound(group, 8e-6), "\(group)")
                }
            }
        }
    }

    /// Bit for bit as of one tensor, wherever the border lies in a group and in a vector.
    @Test(arguments: KernelSet.available)
    func groupNormOfTwo(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        for group in Self.cases {
            let inputs = group.numbers()
            let expected = group.forward(plain, inputs)
            for first in [1, 3, 7, 17, group.channels / 2, group.channels - 1] where (1..<group.channels).contains(first) {
                #expect(group.ofTwo(plain, inputs, first: first) == expected, "\(first) of \(group)")
                for pool in pools {
                    #expect(group.ofTwo(pool, inputs, first: first) == group.forward(pool, inputs), "\(first) of \(group)")
                }
            }
        }
    }

    @Test(arguments: KernelSet.available)
    func layerNorm(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        // Rows of a few nearly equal numbers have no variance to speak of.
        for group in Self.cases where group.channels >= 8 {
            let inputs = group.numbers()
            let expected = group.layerForward(plain, inputs)
            let slopes = group.layerGradients(plain)
            for pool in pools {
                #expect(disagreement(group.layerForward(pool, inputs), expected) < bound(group, 3e-6), "\(group)")
                for (found, wanted) in zip(group.layerGradients(pool), slopes) {
                    #expect(disagreement(found, wanted) < bound(group, 1e-5), "\(group)")
                }
            }
        }
    }

    /// What one position alone has, however far from the others, counts like theirs: sums taken about it would drown the rest.
    @Test(arguments: KernelSet.available)
    func oneFarPosition(_ set: KernelSet) {
        let group = Group(samples: 2, positions: 400, groups: 4, width: 9)
        for row in [0, 5, 399] {
            var inputs = group.numbers()
            for channel in 0..<group.channels { inputs[0][row * group.channels + channel] = 1000 }
            let expected = group.forward(plainPool(), inputs)
            #expect(disagreement(group.forward(set.pool(threads: 2), inputs), expected) < 1e-5, "position \(row)")
        }
    }

    /// One number as far from the others as can be, just within and just beyond what SiLU takes unlimited, and numbers whose mean leaves
    /// no digits for their variance.
    @Test(arguments: KernelSet.available)
    func oneFarNumber(_ set: KernelSet) {
        for (positions, gain) in [(5700, Float(1)), (5700, -1), (9000, 1), (9000, -1), (90, 8), (90, -12)] {
            let group = Group(samples: 1, positions: positions, groups: 1, width: 1, activation: RAIN_ACT_SILU)
            let inputs: [[Float]] = [[Float](repeating: 0, count: positions - 1) + [1e4], [], [gain], [0.5]]
            let expected = group.forward(plainPool(), inputs)
            let found = group.forward(set.pool(threads: 1), inputs)
            #expect(disagreement(found, expected) < 1e-5, "\(positions) positions, gain \(gain)")
            // Of the one that vanishes, too.
            #expect(abs(found[positions - 1] - expected[positions - 1]) < 1e-5 * max(1, expected[positions - 1]))
        }
        let group = Group(samples: 1, positions: 64, groups: 1, width: 1, activation: RAIN_ACT_SILU)
        let numbers = [Float](repeating: 1e8, count: 63) + [1e8 + 8]
        for gain in 1...9 {
            let found = group.forward(set.pool(threads: 1), [numbers, [], [Float(gain)], [0]])
            #expect(found.allSatisfy(\.isFinite) && found[63] >= 0, "gain \(gain): \(found[63])")
        }
    }

    @Test func gradientsAreSlopes() {
        let plain = plainPool()
        let group = Group(samples: 2, positions: 7, groups: 2, width: 5, activation: RAIN_ACT_SILU)
        let numbers = group.numbers()
        var random = KernelRandom(7)
        for (layer, gradients) in [(false, group.gradients(plain)), (true, group.layerGradients(plain))] {
            for (index, gradient) in zip([0, 2, 3], gradients) {
                let direction = random.floats(numbers[index].count)
                let bySteps = slope(
                    of: {
                        var inputs = numbers
                        inputs[index] = $0
                        return layer ? group.layerForward(plain, inputs) : group.forward(plain, inputs)
                    }, at: numbers[index], along: direction, weights: numbers[1])
                let scale = dot(gradient, gradient).squareRoot() * dot(direction, direction).squareRoot()
                #expect(abs(dot(gradient, direction) - bySteps) < 1e-3 * scale, "layer \(layer), input \(index)")
            }
        }
    }

    @Test(arguments: KernelSet.available)
    func doesNotDependOnThreads(_ set: KernelSet) {
        let pools = [1, 2, 3].map(set.pool)
        for group in Self.cases.prefix(5) {
            let inputs = group.numbers()
            let expected = (group.forward(pools[0], inputs), group.gradients(pools[0]), group.layerGradients(pools[0]))
            for pool in pools + pools {
                #expect(group.forward(pool, inputs) == expected.0)
                #expect(group.gradients(pool) == expected.1)
                #expect(group.layerGradients(pool) == expected.2)
            }
        }
    }
}
