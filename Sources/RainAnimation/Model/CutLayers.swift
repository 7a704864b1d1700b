public import RainPictures

/// A picture cut into layers, back to front, the first opaque.
public struct CutLayers: Sendable, Equatable {
    public let layers: [LayerPicture]

    public init(layers: [LayerPicture]) { self.layers = layers }

    /// Around a pixel as far as this (of the network's pixels), what lies in front hides a layer.
    private static let rim = 1

    /// Colours of a layer are the picture's own where nothing hides it, and those of its own pixels around spread under what does.
    ///
    /// - Parameters:
    ///   - picture: square
    ///   - masks: `[side, side, count - 1]` in 0…1
    init(_ picture: Picture, masks: [Float], side: Int, count: Int) {
        let size = picture.width
        precondition(picture.height == size, "references are square")
        let alphas = Plane(size: side, channels: count - 1, values: masks)
        let own = picture.unitValues()
        var uncovered = [Float](repeating: 1, count: side * side)
        var layers: [LayerPicture] = []
        for layer in (0..<count).reversed() {
            let (open, alpha) = Self.planes(uncovered, alphas, layer: layer, side: side, size: size)
            // How much a pixel's own colour says of the layer; where nothing of it is hidden, nothing need be spread.
            let isHidden = zip(open, alpha).contains { $0 < 1 && $1 > 0 }
            let spread = isHidden ? SpreadColors(own, zip(open, alpha).map(*), size: size).colors : own
            var made = LayerPicture(width: size, height: size)
            for pixel in 0..<(size * size) where alpha[pixel] > 0 {
                for channel in 0..<3 {
                    let at = pixel * 3 + channel
                    let color = open[pixel] * own[at] + (1 - open[pixel]) * spread[at]
                    made.bytes[pixel * 4 + channel] = UInt8(min(max(color * alpha[pixel], 0), 1) * 255 + 0.5)
                }
                made.bytes[pixel * 4 + 3] = UInt8(alpha[pixel] * 255 + 0.5)
            }
            layers.append(made)
            guard layer > 0 else { break }
            Self.cover(&uncovered, masks, layer: layer - 1, of: count - 1, side: side)
        }
        self.layers = layers.reversed()
    }

    /// What is open of a layer, and its alpha, at the picture's size.
    private static func planes(_ uncovered: [Float], _ alphas: Plane, layer: Int, side: Int, size: Int) -> (open: [Float], alpha: [Float]) {
        let plane = Plane(size: side, channels: 1, values: uncovered)
        var (open, alpha) = ([Float](repeating: 1, count: size * size), [Float](repeating: 1, count: size * size))
        for row in 0..<size {
            for column in 0..<size {
                let (x, y) = ((Float(column) + 0.5) / Float(size), (Float(row) + 0.5) / Float(size))
                open[row * size + column] = plane.at(x, y, 0)
                if layer > 0 { alpha[row * size + column] = crisp(alphas.at(x, y, layer - 1)) }
            }
        }
        return (open, alpha)
    }

    /// Masks that are nearly nothing, or nearly all, are so.
    private static func crisp(_ alpha: Float) -> Float { min(max((alpha - 0.04) / 0.92, 0), 1) }

    /// Takes from what is open what a mask hides, the largest within the rim.
    private static func cover(_ open: inout [Float], _ masks: [Float], layer: Int, of count: Int, side: Int) {
        var rows = [Float](repeating: 0, count: side * side)
        for row in 0..<side {
            for column in 0..<side {
                var largest: Float = 0
                for x in max(0, column - rim)...min(side - 1, column + rim) {
                    largest = max(largest, masks[(row * side + x) * count + layer])
                }
                rows[row * side + column] = crisp(largest)
            }
        }
        for row in 0..<side {
            for column in 0..<side {
                var largest: Float = 0
                for y in max(0, row - rim)...min(side - 1, row + rim) { largest = max(largest, rows[y * side + column]) }
                open[row * side + column] *= 1 - largest
            }
        }
    }
}

/// Colours that are known in places, spread over all others: those near where they are near, means of wider parts farther away.
///
/// Push and pull (Gortler et al., The Lumigraph, 1996): weighted means of 2×2 blocks up to the whole, then down again, each level
/// filling what its own pixels do not know from the coarser one.
struct SpreadColors {
    /// `[size, size, 3]`.
    let colors: [Float]

    /// How much of a coarse block must be known for its own mean to stand.
    private static let enough: Float = 0.25

    /// - Parameters:
    ///   - colors: `[size, size, 3]`
    ///   - weights: how far each pixel is known, 0…1, `[size, size]`
    init(_ colors: [Float], _ weights: [Float], size: Int) {
        var levels = [Level(size: size, colors, weights)]
        while levels[levels.count - 1].size > 1 { levels.append(levels[levels.count - 1].halved()) }
        let top = levels[levels.count - 1].values[0]
        var filled = [top.w > 0 ? top / top.w : SIMD4(repeating: 0.5)]
        for index in (0..<(levels.count - 1)).reversed() {
            filled = levels[index].filled(from: filled, size: levels[index + 1].size, enough: index == 0 ? 1 : Self.enough)
        }
        self.colors = filled.flatMap { [$0.x, $0.y, $0.z] }
    }

    /// Colours times weights, and weights.
    private struct Level {
        let size: Int
        var values: [SIMD4<Float>]

        init(size: Int, _ colors: [Float], _ weights: [Float]) {
            self.size = size
            values = weights.indices.map { pixel in
                SIMD4(colors[pixel * 3], colors[pixel * 3 + 1], colors[pixel * 3 + 2], 1) * weights[pixel]
            }
        }

        private init(size: Int, values: [SIMD4<Float>]) { (self.size, self.values) = (size, values) }

        func halved() -> Level {
            let half = (size + 1) / 2
            var result = [SIMD4<Float>](repeating: .zero, count: half * half)
            for row in 0..<half {
                for column in 0..<half {
                    let (below, right) = (min(2 * row + 1, size - 1), min(2 * column + 1, size - 1))
                    let upper = values[2 * row * size + 2 * column] + values[2 * row * size + right]
                    result[row * half + column] = (upper + values[below * size + 2 * column] + values[below * size + right]) / 4
                }
            }
            return Level(size: half, values: result)
        }

        /// Own colours where enough is known, the coarser level's, between its pixels, elsewhere.
        func filled(from coarse: [SIMD4<Float>], size half: Int, enough: Float) -> [SIMD4<Float>] {
            func between(_ index: Int) -> (Int, Int, Float) {
                let place = min(max((Float(index) + 0.5) / 2 - 0.5, 0), Float(half - 1))
                let first = Int(place)
                return (first, min(first + 1, half - 1), place - Float(first))
            }
            var result = values
            for row in 0..<size {
                let (top, bottom, v) = between(row)
                for column in 0..<size {
                    let own = values[row * size + column]
                    let share = min(own.w / enough, 1)
                    guard share < 1 else {
                        result[row * size + column] = own / own.w
                        continue
                    }
                    let (left, right, h) = between(column)
                    let above = coarse[top * half + left] * (1 - h) + coarse[top * half + right] * h
                    let below = coarse[bottom * half + left] * (1 - h) + coarse[bottom * half + right] * h
                    let far = above * (1 - v) + below * v
                    result[row * size + column] = share > 0 ? own / own.w * share + far * (1 - share) : far
                }
            }
            return result
        }
    }
}

/// Square rows of numbers, read between pixels.
private struct Plane {
    let size: Int
    let channels: Int
    let values: [Float]

    /// - Parameters:
    ///   - x: in 0…1
    ///   - y: in 0…1
    func at(_ x: Float, _ y: Float, _ channel: Int) -> Float {
        func between(_ place: Float) -> (Int, Int, Float) {
            let pixel = min(max(place * Float(size) - 0.5, 0), Float(size - 1))
            let first = Int(pixel)
            return (first, min(first + 1, size - 1), pixel - Float(first))
        }
        let ((left, right, h), (top, bottom, v)) = (between(x), between(y))
        func value(_ row: Int, _ column: Int) -> Float { values[(row * size + column) * channels + channel] }
        let above = value(top, left) + (value(top, right) - value(top, left)) * h
        let below = value(bottom, left) + (value(bottom, right) - value(bottom, left)) * h
        return above + (below - above) * v
    }
}
