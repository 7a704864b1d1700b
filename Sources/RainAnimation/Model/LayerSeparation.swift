import RainPictures
import RainPose

/// Makes layers of a picture and masks: colours for what is hidden, opacities to the pixel, and a composite that is the picture again.
struct LayerSeparation {
    /// Back to front, the first opaque.
    private(set) var layers: [LayerPicture]

    /// Around a pixel as far as this, of the masks' pixels, what lies in front may hide a layer: masks are not exact.
    private static let rim = 2

    /// - Parameters:
    ///   - picture: square
    ///   - masks: `[side, side, layers - 1]` in 0…1
    ///   - backdrop: what is known of the first layer
    ///   - trusted: how far what is seen of the first layer tells what is not, 0…1, as large as the picture; nil for everywhere
    init(_ picture: Picture, masks: [Float], side: Int, backdrop: Backdrop? = nil, trusted: [Float]? = nil) {
        let size = picture.width
        precondition(picture.height == size, "references are square")
        let count = masks.count / (side * side) + 1
        let masks = backdrop?.respected(masks, count: count - 1) ?? masks
        let own = picture.unitValues()
        var uncovered = [Float](repeating: 1, count: side * side)
        var (colors, alphas, reaches): ([[Float]], [[Float]], [Plane]) = ([], [], [])
        for layer in (0..<count).reversed() {
            let open = Plane(size: side, values: uncovered).enlarged(to: size)
            guard layer > 0 else {
                let known = Self.known(open)
                colors.append(
                    backdrop.map { backdrop in (0..<(size * size)).flatMap { _ in [backdrop.color.x, backdrop.color.y, backdrop.color.z] } }
                        ?? SpreadColors(own, trusted.map { zip(known, $0).map(*) } ?? known, size: size).colors)
                break
            }
            let mask = (0..<(side * side)).map { Self.crisp(masks[$0 * (count - 1) + layer - 1]) }
            let alpha = zip(open, Plane(size: side, values: mask).enlarged(to: size)).map(Self.decided)
            colors.append(SpreadColors(own, Self.known(zip(open, alpha).map(*)), size: size).colors)
            alphas.append(alpha)
            let reach = Plane(size: side, values: mask).widened(by: Self.rim)
            reaches.append(reach)
            for pixel in uncovered.indices { uncovered[pixel] *= 1 - reach.values[pixel] }
        }
        alphas.append([Float](repeating: 1, count: size * size))
        layers = (0..<count).map { _ in LayerPicture(width: size, height: size) }
        for pixel in 0..<(size * size) {
            func color(_ values: [Float]) -> SIMD3<Float> { SIMD3(values[pixel * 3], values[pixel * 3 + 1], values[pixel * 3 + 2]) }
            // Front to back.
            var stack = (0..<count).map { Sheet(color: color(colors[$0]), alpha: alphas[$0][pixel]) }
            let (x, y) = ((Float(pixel % size) + 0.5) / Float(size), (Float(pixel / size) + 0.5) / Float(size))
            Self.matte(&stack, color(own)) { reaches[$0].at(x, y) }
            Self.settle(&stack, color(own))
            for (index, sheet) in stack.enumerated() { layers[count - 1 - index].set(pixel, sheet) }
        }
    }

    /// A layer at one pixel.
    fileprivate struct Sheet {
        /// Not premultiplied.
        var color: SIMD3<Float>
        var alpha: Float
    }

    /// What is not seen of a layer is either there or not: half of it would show as a veil when it comes out from behind.
    private static func decided(open: Float, alpha: Float) -> Float {
        let sure = min(max((alpha - 0.4) / 0.2, 0), 1)
        return open * alpha + (1 - open) * sure
    }

    /// How far a pixel's colour is a layer's own, by how much of the layer is seen there: what is seen half or less says nothing, unless
    /// there is no more of the layer anywhere.
    private static func known(_ seen: [Float]) -> [Float] {
        let least = 0.5 * (seen.max() ?? 0)
        guard least > 0 else { return seen }
        return seen.map { max(0, ($0 - least) / least) }
    }

    /// Masks that are nearly 0 or 1 are so; NaN is 0.
    private static func crisp(_ alpha: Float) -> Float { alpha > 0.04 ? min((alpha - 0.04) / 0.92, 1) : 0 }

    /// Corrects masks by colour, at their rims and where they are unsure: the more a pixel has of the layer's colour beside it, and the
    /// less of what is behind, the more of the layer is there. So outlines go with what they are the outlines of and leave no trace behind
    /// it, and skin beside an eye is none of it.
    ///
    /// - Parameters:
    ///   - stack: front to back
    ///   - wanted: the picture's colour
    ///   - reach: how far a layer may be there
    private static func matte(_ stack: inout [Sheet], _ wanted: SIMD3<Float>, reach: (Int) -> Float) {
        var open: Float = 1
        var left = wanted
        for index in 0..<(stack.count - 1) {
            // Too little is seen of it to tell.
            guard open > 0.5 else { return }
            let sheet = stack[index]
            if sheet.alpha < 0.98, case let most = min(2 * reach(index), 1), most > sheet.alpha + 0.02 {
                let behind = composite(stack[(index + 1)...])
                let way = sheet.color - behind
                let length = (way * way).sum()
                if length > 0.006 {
                    let share = ((left / open - behind) * way).sum() / length
                    stack[index].alpha = min(max((share - 0.1) / 0.8, 0), most)
                }
            }
            left -= stack[index].color * stack[index].alpha * open
            open *= 1 - stack[index].alpha
        }
    }

    /// - Parameter stack: front to back
    private static func composite(_ stack: ArraySlice<Sheet>) -> SIMD3<Float> {
        stack.reversed().reduce(SIMD3<Float>.zero) { $0 + ($1.color - $0) * $1.alpha }
    }

    /// The most that the colour of a layer changes that shows by less than half, so that the layers add up to the picture.
    private static let largestChange: Float = 0.3

    /// Changes colours, those of the front layers first, such that the layers composite to the picture they were cut from.
    ///
    /// At the rim of what lies in front, a pixel is a mixture. Once the layers behind have colours of their own there, the mixture minus
    /// their share is the front's.
    private static func settle(_ stack: inout [Sheet], _ wanted: SIMD3<Float>) {
        var missing = wanted - composite(stack[...])
        var open: Float = 1
        for index in stack.indices where open > 0.02 {
            let weight = open * stack[index].alpha
            guard weight > 0.004 else { continue }
            let reach = SIMD3(repeating: weight > 0.5 ? 1 : largestChange)
            let change = (missing / weight).clamped(lowerBound: -reach, upperBound: reach)
            let changed = (stack[index].color + change).clamped(lowerBound: .zero, upperBound: .one)
            missing -= (changed - stack[index].color) * weight
            stack[index].color = changed
            open *= 1 - stack[index].alpha
        }
    }
}

extension LayerPicture {
    fileprivate mutating func set(_ pixel: Int, _ sheet: LayerSeparation.Sheet) {
        guard sheet.alpha > 0 else { return }
        let alpha = (sheet.alpha * 255).rounded()
        let color = (sheet.color * alpha).rounded(.toNearestOrEven).clamped(lowerBound: .zero, upperBound: SIMD3(repeating: alpha))
        for channel in 0..<3 { bytes[pixel * 4 + channel] = UInt8(color[channel]) }
        bytes[pixel * 4 + 3] = UInt8(alpha)
    }
}

/// A square of numbers, read between its pixels.
struct Plane {
    let size: Int
    let values: [Float]

    /// - Parameters:
    ///   - x: in 0…1
    ///   - y: in 0…1
    func at(_ x: Float, _ y: Float) -> Float {
        func between(_ place: Float) -> (Int, Int, Float) {
            let pixel = min(max(place * Float(size) - 0.5, 0), Float(size - 1))
            let first = Int(pixel)
            return (first, min(first + 1, size - 1), pixel - Float(first))
        }
        let ((left, right, h), (top, bottom, v)) = (between(x), between(y))
        let above = values[top * size + left] + (values[top * size + right] - values[top * size + left]) * h
        let below = values[bottom * size + left] + (values[bottom * size + right] - values[bottom * size + left]) * h
        return above + (below - above) * v
    }

    func enlarged(to side: Int) -> [Float] {
        guard side != size else { return values }
        return (0..<(side * side)).map { at((Float($0 % side) + 0.5) / Float(side), (Float($0 / side) + 0.5) / Float(side)) }
    }

    /// The largest value within so many pixels along both axes.
    func widened(by rim: Int) -> Plane {
        func largest(_ values: [Float], step: Int, place: (Int) -> Int) -> [Float] {
            values.indices.map { index in
                let at = place(index)
                return (max(0, at - rim)...min(size - 1, at + rim)).reduce(Float(0)) { max($0, values[index + ($1 - at) * step]) }
            }
        }
        let rows = largest(values, step: 1) { $0 % size }
        return Plane(size: size, values: largest(rows, step: size) { $0 / size })
    }
}
