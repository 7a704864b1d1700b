import RainPictures

/// Reduces pictures to 255 colours by median cut, keeping one palette for as long as it serves.
///
/// A kept palette lets GIF store only what changed from frame to frame, and spares the eye the shimmer of colours that
/// are rounded differently in every frame.
struct Quantizer {
    /// A picture as indices into 256 colours 0xAARRGGBB; the last colour is transparent and unused by `indices`.
    struct Indexed {
        var indices: [UInt8]
        var palette: [UInt32]
    }

    /// Mean squared error per channel up to which the last palette is kept: about 38 dB.
    private let acceptableError = 10.0
    private var palette: Palette?

    mutating func quantize(_ picture: Picture) -> Indexed {
        // In place, through the optional: a copy would drag the whole lookup along for every frame.
        if let (indices, error) = palette?.indices(of: picture), error <= acceptableError {
            return Indexed(indices: indices, palette: palette!.entries)
        }
        var fresh = Palette(for: picture)
        let (indices, _) = fresh.indices(of: picture)
        palette = fresh
        return Indexed(indices: indices, palette: fresh.entries)
    }
}

/// 255 colours chosen for a picture, and a lookup that remembers which is nearest.
private struct Palette {
    private(set) var entries: [UInt32]
    private let colors: [SIMD4<Int32>]
    /// Nearest colour of each cell of 4×4×4 colours, or -1 where none has been asked for.
    private var nearest = [Int16](repeating: -1, count: 1 << 18)

    init(for picture: Picture) {
        colors = Self.medianCut(Self.histogram(of: picture), limit: 255)
        entries = colors.map { 0xFF00_0000 | UInt32($0.x) << 16 | UInt32($0.y) << 8 | UInt32($0.z) }
        while entries.count < 255 { entries.append(0xFF00_0000) }
        entries.append(0x00FF_FFFF)
    }

    /// Each pixel's nearest colour, and the mean squared error per channel that this costs.
    mutating func indices(of picture: Picture) -> (indices: [UInt8], error: Double) {
        var sum = 0
        var indices = [UInt8](repeating: 0, count: picture.width * picture.height)
        for pixel in indices.indices {
            let color = Self.color(picture, pixel)
            let cell = Self.cell(color)
            if nearest[cell] < 0 { nearest[cell] = Int16(nearestColor(to: color)) }
            let index = Int(nearest[cell])
            indices[pixel] = UInt8(index)
            let difference = color &- colors[index]
            sum += Int((difference &* difference).wrappedSum())
        }
        return (indices, Double(sum) / Double(indices.count * 3))
    }

    private func nearestColor(to color: SIMD4<Int32>) -> Int {
        var best = (distance: Int32.max, index: 0)
        for (index, candidate) in colors.enumerated() {
            let difference = candidate &- color
            let distance = (difference &* difference).wrappedSum()
            if distance < best.distance { best = (distance, index) }
        }
        return best.index
    }

    private static func color(_ picture: Picture, _ pixel: Int) -> SIMD4<Int32> {
        SIMD4(Int32(picture.bytes[pixel * 3]), Int32(picture.bytes[pixel * 3 + 1]), Int32(picture.bytes[pixel * 3 + 2]), 0)
    }

    private static func cell(_ color: SIMD4<Int32>) -> Int {
        Int(color.x >> 2) << 12 | Int(color.y >> 2) << 6 | Int(color.z >> 2)
    }

    // MARK: Median cut

    /// The colours of one cell: how many pixels, and their sum.
    private struct Bin {
        var count = 0
        var sum = SIMD4<Int>()
        var mean: SIMD4<Int> { sum / count }
    }

    private static func histogram(of picture: Picture) -> [Bin] {
        var bins: [Int: Bin] = [:]
        for pixel in 0..<(picture.width * picture.height) {
            let color = color(picture, pixel)
            bins[cell(color), default: Bin()].count += 1
            bins[cell(color)]!.sum &+= SIMD4<Int>(truncatingIfNeeded: color)
        }
        // In a fixed order, so that the same picture always gives the same palette.
        return bins.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Splits the box that costs most, at its mean along its widest axis, until there are `limit` boxes.
    private static func medianCut(_ bins: [Bin], limit: Int) -> [SIMD4<Int32>] {
        var boxes = [Box(bins)]
        while boxes.count < limit, let worst = boxes.indices.max(by: { boxes[$0].cost < boxes[$1].cost }), boxes[worst].cost > 0 {
            let (low, high) = boxes[worst].halves()
            boxes[worst] = low
            boxes.append(high)
        }
        return boxes.map { SIMD4<Int32>(truncatingIfNeeded: $0.mean) }
    }

    private struct Box {
        var bins: [Bin]
        var mean: SIMD4<Int>
        /// Sum of squared distances from the mean along the widest axis; 0 for a box that cannot be split.
        var cost: Double
        private var axis: Int

        init(_ bins: [Bin]) {
            self.bins = bins
            let count = bins.reduce(0) { $0 + $1.count }
            let sum = bins.reduce(SIMD4<Int>()) { $0 &+ $1.sum }
            let mean = (sum &+ SIMD4(repeating: count / 2)) / count
            var spread = SIMD4<Double>()
            for bin in bins {
                let difference = SIMD4<Double>(bin.mean &- mean)
                spread += difference * difference * Double(bin.count)
            }
            self.mean = mean
            axis = (0..<3).max { spread[$0] < spread[$1] }!
            cost = bins.count > 1 ? spread[axis] : 0
        }

        func halves() -> (Box, Box) {
            let sorted = bins.sorted { $0.mean[axis] < $1.mean[axis] }
            let split = sorted.firstIndex { $0.mean[axis] > mean[axis] } ?? sorted.count
            let middle = min(max(split, 1), sorted.count - 1)
            return (Box(Array(sorted[..<middle])), Box(Array(sorted[middle...])))
        }
    }
}
