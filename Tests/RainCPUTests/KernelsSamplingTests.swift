import CPUKernels
import Testing

@Suite struct KernelsSamplingTests {
    static func sampled(_ pool: KernelPool, _ s: RainSampling, _ x: [Float], _ grid: [Float]) -> [Float] {
        var s = s
        let (from, mesh) = (Guarded(x), Guarded(grid))
        let y = Guarded(count: s.samples * s.out_height * s.out_width * s.channels)
        defer { keep([from, mesh, y]) }
        rain_sample(pool.pointer, &s, from.floats, mesh.floats, y.floats)
        return y.values
    }

    static func gradients(_ pool: KernelPool, _ s: RainSampling, _ x: [Float], _ grid: [Float], _ dy: [Float]) -> [[Float]] {
        var s = s
        let (from, mesh, gradient) = (Guarded(x), Guarded(grid), Guarded(dy))
        let results = [Guarded(count: x.count), Guarded(count: grid.count)]
        defer { keep([from, mesh, gradient], results) }
        rain_sample_gradient(pool.pointer, &s, from.floats, mesh.floats, gradient.floats, results[0].floats, results[1].floats)
        return results.map(\.values)
    }

    @Test(arguments: KernelSet.available)
    func sampling(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        var random = KernelRandom(23)
        for _ in 0..<40 {
            let pictures = 1 + random.below(2)
            let s = RainSampling(
                pictures: pictures, samples: pictures * (1 + random.below(3)), height: 1 + random.below(9), width: 1 + random.below(9),
                channels: random.pick([1, 3, 4, 5, 16, 33]), grid_height: 2 + random.below(3), grid_width: 2 + random.below(5),
                out_height: 1 + random.below(7), out_width: random.pick([1, 5, 16, 63, 64, 65, 131]))
            let x = random.floats(s.pictures * s.height * s.width * s.channels)
            let grid = random.floats(s.samples * s.grid_height * s.grid_width * 2, scale: 1.4)
            let dy = random.floats(s.samples * s.out_height * s.out_width * s.channels)
            let expected = Self.sampled(plain, s, x, grid)
            let slopes = Self.gradients(plain, s, x, grid, dy)
            for pool in pools {
                #expect(disagreement(Self.sampled(pool, s, x, grid), expected) < 1e-5, "\(s)")
                for (found, expected) in zip(Self.gradients(pool, s, x, grid, dy), slopes) {
                    #expect(disagreement(found, expected) < 1e-4, "\(s)")
                }
            }
            #expect(Self.sampled(pools[0], s, x, grid) == Self.sampled(pools[1], s, x, grid))
            #expect(Self.gradients(pools[0], s, x, grid, dy) == Self.gradients(pools[1], s, x, grid, dy))
        }
    }

    static func composited(_ pool: KernelPool, _ s: RainSampling, _ layers: Int, _ x: [Float], _ grids: [Float]) -> [[Float]] {
        var s = s
        let (from, mesh) = (Guarded(x), Guarded(grids))
        let pixels = s.samples * s.out_height * s.out_width
        let results = [Guarded(count: pixels * 4), Guarded(count: pixels * layers)]
        defer { keep([from, mesh], results) }
        rain_composite(pool.pointer, &s, layers, from.floats, mesh.floats, results[0].floats, results[1].floats)
        return results.map(\.values)
    }

    /// Layers of which most is empty, as those of a drawing are, in pictures of many tiles.
    @Test(arguments: KernelSet.available)
    func emptyPartsOfLayers(_ set: KernelSet) {
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        var random = KernelRandom(29)
        for round in 0..<12 {
            let (pictures, layers) = (1 + random.below(2), 2 + random.below(3))
            let s = RainSampling(
                pictures: pictures, samples: pictures * (1 + random.below(2)), height: 20 + random.below(150),
                width: 20 + random.below(150),
                channels: 4, grid_height: 2 + random.below(6), grid_width: 2 + random.below(6), out_height: 3 + random.below(30),
                out_width: random.pick([40, 64, 131, 200]))
            var x = [Float](repeating: 0, count: layers * s.pictures * s.height * s.width * 4)
            for _ in 0..<(3 * layers * s.pictures) {
                let (picture, top, left) = (random.below(layers * s.pictures), random.below(s.height), random.below(s.width))
                for row in top..<min(s.height, top + 1 + random.below(9)) {
                    for column in left..<min(s.width, left + 1 + random.below(9)) {
                        let values = random.floats(4, scale: 0.5, offset: 0.5)
                        for channel in 0..<4 { x[((picture * s.height + row) * s.width + column) * 4 + channel] = values[channel] }
                    }
                }
            }
            // From meshes that stand nearly still to wild ones, some of them nowhere.
            var grids = random.floats(layers * s.samples * s.grid_height * s.grid_width * 2, scale: round % 3 == 0 ? 2 : 0.1)
            for node in 0..<(grids.count / 2) {
                let (column, row) = (node % s.grid_width, node / s.grid_width % s.grid_height)
                grids[node * 2] += 2 * Float(column) / Float(s.grid_width - 1) - 1
                grids[node * 2 + 1] += 2 * Float(row) / Float(s.grid_height - 1) - 1
            }
            if round % 4 == 3 { grids[random.below(grids.count)] = [.infinity, .nan, -3e30][random.below(3)] }
            let expected = Self.composited(plain, s, layers, x, grids)
            for pool in pools {
                for (found, expected) in zip(Self.composited(pool, s, layers, x, grids), expected) {
                    let pairs = zip(found, expected).filter { $1.isFinite }
                    #expect(disagreement(pairs.map(\.0), pairs.map(\.1)) < 1e-4, "\(s)")
                }
            }
        }
    }

    @Test(arguments: KernelSet.available)
    func layersOverEachOther(_ set: KernelSet) {
        func over(_ pool: KernelPool, _ front: [Float], _ back: [Float]) -> [Float] {
            let (first, second, y) = (Guarded(front), Guarded(back), Guarded(count: front.count))
            defer { keep([first, second, y]) }
            rain_over(pool.pointer, front.count / 4, first.floats, second.floats, y.floats)
            return y.values
        }
        let (plain, pools) = (plainPool(), [1, 2].map(set.pool))
        var random = KernelRandom(25)
        for _ in 0..<30 {
            let (pictures, layers) = (1 + random.below(2), 1 + random.below(6))
            let s = RainSampling(
                pictures: pictures, samples: pictures * (1 + random.below(3)), height: 1 + random.below(9), width: 1 + random.below(9),
                channels: 4, grid_height: 2 + random.below(3), grid_width: 2 + random.below(5), out_height: 1 + random.below(7),
                out_width: random.pick([1, 5, 16, 63, 64, 65, 131]))
            let x = random.floats(layers * s.pictures * s.height * s.width * 4, scale: 0.5, offset: 0.5)
            let grids = random.floats(layers * s.samples * s.grid_height * s.grid_width * 2, scale: 1.4)
            let expected = Self.composited(plain, s, layers, x, grids)
            let parts = x.split(at: x.count / 8 * 4)
            for pool in pools {
                for (found, expected) in zip(Self.composited(pool, s, layers, x, grids), expected) {
                    #expect(disagreement(found, expected) < 2e-5, "\(s)")
                }
                #expect(disagreement(over(pool, parts.0, parts.1), over(plain, parts.0, parts.1)) < 1e-6)
            }
        }
    }

    /// Places far outside, infinite or not numbers read the picture's edge and nothing beyond.
    @Test(arguments: KernelSet.available)
    func placesOutside(_ set: KernelSet) {
        let pool = set.pool(threads: 1)
        let s = RainSampling(
            pictures: 1, samples: 1, height: 2, width: 3, channels: 4, grid_height: 2, grid_width: 2, out_height: 1, out_width: 1)
        let x = (0..<24).map(Float.init)
        for (place, pixel) in [(-1e30, 0), (1e30, 5), (.infinity, nil), (-.infinity, nil), (.nan, 0)] as [(Float, Int?)] {
            let y = Self.sampled(pool, s, x, [Float](repeating: place, count: 8))
            // Between infinite nodes lies no number.
            #expect([pixel ?? 0, pixel ?? 5].contains { y == Array(x[($0 * 4)..<($0 * 4 + 4)]) }, "\(place)")
            let slopes = Self.gradients(pool, s, x, [Float](repeating: place, count: 8), [1, 1, 1, 1])
            #expect(slopes[0].reduce(0, +) == 4 && slopes[1].allSatisfy { $0 == 0 }, "\(place)")
        }
    }

    /// A mesh in the corners of the picture leaves it as it is.
    @Test(arguments: KernelSet.available)
    func identity(_ set: KernelSet) {
        var random = KernelRandom(24)
        let s = RainSampling(
            pictures: 1, samples: 1, height: 37, width: 70, channels: 4, grid_height: 2, grid_width: 2, out_height: 37, out_width: 70)
        let x = random.floats(37 * 70 * 4)
        #expect(disagreement(Self.sampled(set.pool(threads: 1), s, x, [-1, -1, 1, -1, -1, 1, 1, 1]), x) < 1e-5)
    }
}

extension [Float] {
    /// Two stretches of `count` elements.
    fileprivate func split(at count: Int) -> ([Float], [Float]) { (Array(self[..<count]), Array(self[count..<(2 * count)])) }
}
