public import RainPictures

/// A picture cut into layers, back to front, the first opaque.
public struct CutLayers: Sendable, Equatable {
    public let layers: [LayerPicture]

    public init(layers: [LayerPicture]) { self.layers = layers }

    /// Around a pixel as far as this (of the network's pixels), what lies in front hides a layer.
    private static let rim = 1
    /// Colours reach as far into what is hidden, in parts of the picture.
    private static let reach = 1.0 / 64

    /// Colours of a layer are the picture's own where nothing hides it. Where something does, they are those of the layer's own pixels
    /// nearby, and farther in the network's: so a rim shows what is beside it and no halo.
    ///
    /// - Parameters:
    ///   - picture: square
    ///   - masks: `[side, side, count - 1]` in 0…1
    ///   - fills: `[side/4, side/4, 3·count]` of about 0…1
    init(_ picture: Picture, masks: [Float], fills: [Float], side: Int, count: Int) {
        let size = picture.width
        precondition(picture.height == size, "references are square")
        let small = Plane(size: side / 4, channels: 3 * count, values: fills)
        let alphas = Plane(size: side, channels: count - 1, values: masks)
        let own = picture.unitValues()
        var uncovered = [Float](repeating: 1, count: side * side)
        var layers: [LayerPicture] = []
        for layer in (0..<count).reversed() {
            let (open, alpha) = Self.planes(uncovered, alphas, layer: layer, side: side, size: size)
            // How much a pixel's own colour says of the layer.
            let known = zip(open, alpha).map(*)
            let near = Self.spread(own, known, size: size, reach: max(2, Int(Self.reach * Double(size))))
            var made = LayerPicture(width: size, height: size)
            for row in 0..<size {
                for column in 0..<size {
                    let pixel = row * size + column
                    guard alpha[pixel] > 0 else { continue }
                    let (x, y) = ((Float(column) + 0.5) / Float(size), (Float(row) + 0.5) / Float(size))
                    let share = open[pixel]
                    // What few pixels far away say gives way to the network.
                    let trust = min(1, near.weights[pixel] * 8)
                    for channel in 0..<3 {
                        let at = pixel * 3 + channel
                        var color = own[at]
                        if share < 1 {
                            let fill = min(max(small.at(x, y, 3 * layer + channel), 0), 1)
                            color = share * color + (1 - share) * (trust * near.colors[at] + (1 - trust) * fill)
                        }
                        made.bytes[pixel * 4 + channel] = UInt8(min(max(color * alpha[pixel], 0), 1) * 255 + 0.5)
                    }
                    made.bytes[pixel * 4 + 3] = UInt8(alpha[pixel] * 255 + 0.5)
                }
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

    /// Weighted means of colours within a square around each pixel, and the means of the weights.
    private static func spread(_ colors: [Float], _ weights: [Float], size: Int, reach: Int) -> (colors: [Float], weights: [Float]) {
        var sums = [Float](repeating: 0, count: size * size * 4)
        for pixel in weights.indices {
            for channel in 0..<3 { sums[pixel * 4 + channel] = colors[pixel * 3 + channel] * weights[pixel] }
            sums[pixel * 4 + 3] = weights[pixel]
        }
        sums = boxed(boxed(sums, size: size, reach: reach, step: 4, line: size * 4), size: size, reach: reach, step: size * 4, line: 4)
        var means = [Float](repeating: 0, count: size * size * 3)
        var shares = [Float](repeating: 0, count: size * size)
        for pixel in shares.indices {
            let weight = sums[pixel * 4 + 3]
            shares[pixel] = weight
            guard weight > 0 else { continue }
            for channel in 0..<3 { means[pixel * 3 + channel] = sums[pixel * 4 + channel] / weight }
        }
        return (means, shares)
    }

    /// Means of `2·reach + 1` neighbours along lines, four channels at once; nothing lies beyond the ends.
    private static func boxed(_ values: [Float], size: Int, reach: Int, step: Int, line: Int) -> [Float] {
        var result = values
        let scale = 1 / Float(2 * reach + 1)
        for start in 0..<size {
            var sum = SIMD4<Double>.zero
            func value(_ place: Int) -> SIMD4<Double> {
                let at = start * line + place * step
                return SIMD4(Double(values[at]), Double(values[at + 1]), Double(values[at + 2]), Double(values[at + 3]))
            }
            for place in 0..<min(reach, size) { sum += value(place) }
            for place in 0..<size {
                if place + reach < size { sum += value(place + reach) }
                if place - reach - 1 >= 0 { sum -= value(place - reach - 1) }
                let at = start * line + place * step
                for channel in 0..<4 { result[at + channel] = max(0, Float(sum[channel])) * scale }
            }
        }
        return result
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
