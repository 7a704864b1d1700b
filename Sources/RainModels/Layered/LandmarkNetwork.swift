public import RainGraph

/// Finds the landmarks of a drawn face in a crop around it.
///
/// Trackers are made for people; of a drawing they know roughly where the face is, and not where its lids are. A small U-shaped network
/// over the crop in blocks of 4×4 pixels makes a map for every landmark, whose centre of mass is the landmark's place.
public struct LandmarkNetwork: Hashable, Sendable, Codable {
    /// Side of the crop in pixels.
    public var cropSize = 128
    /// Landmarks found.
    public var landmarks = 26
    /// Channels at a quarter of the crop, then after each halving.
    public var channels = [40, 56, 80]

    public init() {}

    enum CodingKeys: String, CodingKey {
        case landmarks, channels
        case cropSize = "crop_size"
    }

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        let step = 4 << (max(channels.count, 1) - 1)
        guard (1...256).contains(landmarks), (2...5).contains(channels.count), channels.allSatisfy((1...1024).contains),
            (step...512).contains(cropSize), cropSize % step == 0
        else {
            throw ModelError(
                .configuration, at: "landmark network configuration",
                "expected 1 to 256 landmarks, 2 to 5 widths of up to 1024 channels and a crop size that is a multiple of \(step) up to 512, "
                    + "found \(self)")
        }
    }

    /// - Parameter crops: `[n, cropSize, cropSize, 3]` in 0…1
    /// - Returns: places `[n, landmarks, 2]`, x and y in -1…1 over the crop, and their spread, `[n, landmarks, 1]`: the mean square of the
    ///   distance from them
    public func callAsFunction(_ g: GraphBuilder, _ crops: Value) throws -> (places: Value, spread: Value) {
        try validate()
        let x = try crops.scaled(by: 1, plus: -0.5).pixelUnshuffled(4)
        var h = try g.convolution("in", x, channels[0])
        var skipped: [Value] = []
        for level in channels.indices {
            if level > 0 {
                skipped.append(h)
                h = try g.convolution("down.\(level - 1)", h.unary(.relu), channels[level], kernel: 2, stride: 2, padding: 0)
            }
            if level == channels.count - 1 {
                h = try h.adding(g.parameter("position_embedding", Shape(Array(h.shape.dimensions.dropFirst()))))
            }
            h = try g.residualBlock("encoder.\(level)", h)
        }
        h = try g.residualBlock("middle", h)
        for level in channels.indices.dropLast().reversed() {
            h = try g.convolution("up.\(level)", h, channels[level], kernel: 1).upsampledNearest().adding(skipped[level])
            h = try g.residualBlock("decoder.\(level)", h)
        }
        let (n, side) = (h.shape[0], h.shape[1])
        let maps = try g.convolution("out", h.unary(.relu), landmarks).reshaped([n, side * side, landmarks])
        let shares = try maps.transposed([0, 2, 1]).scaled(by: 4).softmax()
        let centers = (0..<side).map { (Float($0) + 0.5) * 2 / Float(side) - 1 }
        let (xs, ys) = (centers.flatMap { _ in centers }, centers.flatMap { y in centers.map { _ in y } })
        let places = try shares.linear(g.constant(xs + ys, [2, side * side]))
        let squares = try shares.linear(g.constant(zip(xs, ys).map { $0 * $0 + $1 * $1 }, [1, side * side]))
        return (places, try squares.subtracting(places.unary(.square).summed(axes: [2])))
    }
}
