public import RainGraph

/// How a model animates a reference that is cut into layers: they are moved as the landmarks say, the face is diffused in a crop that
/// stands still in the head, and a gate lets through what is sure of it.
///
/// Layers are stacked `[layers, references, s, s, 4]`, back to front, colours premultiplied; meshes `[layers, frames, m, m, 2]`, all
/// frames of a reference one after the other.
public struct LayeredGuide: Hashable, Sendable, Codable {
    /// Side of the pictures that the networks see.
    public var guideSize = 256
    /// Side of the crop in pixels.
    public var cropSize = 128
    public var expression: ExpressionGuider
    public var layerNetwork = LayerNetwork()
    public var gate = FaceGate()
    /// Finds the landmarks of drawn references; nil for a model that leaves them to a tracker.
    public var landmarkNetwork: LandmarkNetwork?

    public init(embeddingChannels: Int) { expression = ExpressionGuider(embeddingChannels: embeddingChannels) }

    enum CodingKeys: String, CodingKey {
        case guideSize = "guide_size"
        case cropSize = "crop_size"
        case expression = "expression_guider"
        case layerNetwork = "layer_network"
        case gate = "face_gate"
        case landmarkNetwork = "landmark_network"
    }

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        try expression.validate()
        try layerNetwork.validate()
        try gate.validate()
        try landmarkNetwork?.validate()
        let step = max(layerNetwork.granularity, 16)
        guard (step...2048).contains(guideSize), guideSize % step == 0, (8...1024).contains(cropSize) else {
            throw ModelError(
                .configuration, at: "layered guide configuration",
                "expected a guide size that is a multiple of \(step) up to 2048 and a crop size of 8 to 1024, found \(guideSize), \(cropSize)"
            )
        }
    }

    /// Part of the crop's width over which its edges fade.
    private static let fade = 12.0 / 128

    /// Layers driven by meshes.
    public struct Warped {
        /// All layers but the front one, `[n, s, s, 4]`.
        public let under: Value
        /// The front layer, `[n, s, s, 4]`.
        public let front: Value
        /// How far each layer but the front one is there, `[n, s, s, layers - 1]`.
        public let alphas: Value

        /// A picture of what lies under the front layer, with that layer over it: `[n, s, s, 4]`.
        public func covered(_ under: Value) throws -> Value { try front.over(under) }
    }

    /// - Parameters:
    ///   - layers: `[layers, b, s, s, 4]`
    ///   - meshes: `[layers, n, m, m, 2]`, b dividing n
    ///   - size: side of the result
    public func warped(_ layers: Value, meshes: Value, size: Int) throws -> Warped {
        let last = layerNetwork.layers - 1
        func stack(_ value: Value, _ range: Range<Int>) throws -> Value {
            try value.sliced(axis: 0, start: range.lowerBound, count: range.count)
        }
        func single(_ value: Value) throws -> Value {
            try stack(value, last..<(last + 1)).reshaped(Shape(Array(value.shape.dimensions.dropFirst())))
        }
        let under = try stack(layers, 0..<last).composited(stack(meshes, 0..<last), height: size, width: size)
        let front = try single(layers).sampled(single(meshes), height: size, width: size)
        return Warped(under: under.picture, front: front, alphas: under.alphas)
    }

    /// All layers under the features, `[n, size, size, 4]`: what is seen of a face without eyes and mouth.
    ///
    /// - Parameters:
    ///   - layers: `[layers, b, s, s, 4]`, of which the last two are features and the front one
    ///   - meshes: `[layers, n, m, m, 2]`, b dividing n
    public func skin(_ layers: Value, meshes: Value, size: Int) throws -> Value {
        let count = layerNetwork.layers - 2
        return try layers.sliced(axis: 0, start: 0, count: count)
            .composited(meshes.sliced(axis: 0, start: 0, count: count), height: size, width: size).picture
    }

    /// The crop of pictures `[n, s, s, 4]` (or 3 channels) that meshes `[n, 2, 2, 2]` say: `[n, cropSize, cropSize, 3]`.
    public func cropped(_ pictures: Value, meshes: Value) throws -> Value {
        try pictures.sampled(meshes, height: cropSize, width: cropSize).sliced(axis: 3, start: 0, count: 3)
    }

    /// A layer that belongs to the crop, in a picture: `[n, size, size, 4]`, faded at the crop's edges.
    ///
    /// - Parameters:
    ///   - layer: `[n, c, c, 4]`
    ///   - meshes: `[n, 2, 2, 2]`, from the picture into the crop
    public func laid(_ g: GraphBuilder, _ layer: Value, meshes: Value, size: Int) throws -> Value {
        let side = layer.shape[1]
        let fade = try g.constant(Self.fades(side), [1, side, side, 1])
        return try layer.multiplied(by: fade).sampled(meshes, height: size, width: size)
    }

    /// 1 in the crop's middle, 0 at its rim: beyond it, where the rim is repeated, nothing is laid.
    private static func fades(_ side: Int) -> [Float] {
        let along = (0..<side).map { index -> Float in
            let edge = Double(min(index, side - 1 - index)) / (fade * Double(side))
            return Float(min(edge, 1))
        }
        return along.flatMap { row in along.map { row * $0 } }
    }
}
