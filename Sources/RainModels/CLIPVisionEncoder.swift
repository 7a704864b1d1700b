public import RainGraph

/// The vision tower of CLIP with its projection (arXiv 2103.00020): a picture becomes one vector of what it shows.
///
/// Codable as the `config.json` that transformers writes for `CLIPVisionModelWithProjection`.
public struct CLIPVisionEncoder: Hashable, Sendable {
    public var hiddenSize = 1024
    public var intermediateSize = 4096
    public var layers = 24
    public var heads = 16
    /// Width and height of the pictures in pixels.
    public var imageSize = 224
    public var patchSize = 14
    /// Length of the resulting vector.
    public var projectionSize = 768
    public var activation = Activation.quickGELU
    public var layerNormEpsilon: Float = 1e-5

    /// Between the two layers of the feed-forward networks.
    public enum Activation: String, Hashable, Sendable, Codable {
        case quickGELU = "quick_gelu"
        case gelu
    }

    /// ViT-L/14, as in the published `image_encoder`.
    public init() {}

    /// Results on the way.
    public struct Result {
        /// The embedding of the whole picture, `[n, projectionSize]`.
        public let embedding: Value
        /// Class token, then patches in row-major order, after the first norm: `[n, 1 + patches, hiddenSize]`.
        public let entrance: Value
        /// The same after the last layer.
        public let hidden: Value
    }

    /// - Parameters:
    ///   - g: parameters are named `vision_model.…` and `visual_projection.weight` in its current scope
    ///   - pictures: `[n, imageSize, imageSize, 3]`, mean and deviation of CLIP's training pictures taken out
    public func callAsFunction(_ g: GraphBuilder, _ pictures: Value) throws -> Result {
        guard pictures.shape.rank == 4, Array(pictures.shape.dimensions[1...]) == [imageSize, imageSize, 3] else {
            throw GraphError(
                .shapeMismatch, at: g.scope, "expected pictures [n, \(imageSize), \(imageSize), 3], found \(pictures.shape)")
        }
        let n = pictures.shape[0]
        let (entrance, hidden, pooled) = try g.scoped("vision_model") {
            let entrance = try g.layerNorm("pre_layrnorm", embeddings(g, pictures), epsilon: layerNormEpsilon)
            let hidden = try (0..<layers).reduce(entrance) { x, index in try g.scoped("encoder.layers.\(index)") { try layer(g, x) } }
            let token = try hidden.sliced(axis: 1, start: 0, count: 1).reshaped([n, hiddenSize])
            return (entrance, hidden, try g.layerNorm("post_layernorm", token, epsilon: layerNormEpsilon))
        }
        return Result(
            embedding: try g.linear("visual_projection", pooled, projectionSize, bias: false), entrance: entrance, hidden: hidden)
    }

    /// Names and shapes of all parameters.
    public func parameters() throws -> [(name: String, shape: Shape)] {
        let g = GraphBuilder()
        _ = try self(g, g.input("pictures", [1, imageSize, imageSize, 3]))
        return try g.graph().parameters
    }

    /// Whether a file may hold a tensor of that name although it is no parameter: older versions of transformers store the
    /// numbers of the positions.
    public static func isBuffer(_ name: String) -> Bool { name.hasSuffix("embeddings.position_ids") }

    private func embeddings(_ g: GraphBuilder, _ pictures: Value) throws -> Value {
        try g.scoped("embeddings") {
            let n = pictures.shape[0]
            let patches = try g.convolution(
                "patch_embedding", pictures, hiddenSize, kernel: patchSize, stride: patchSize, padding: 0, bias: false
            ).tokens()
            let token = try g.parameter("class_embedding", [hiddenSize]).reshaped([1, 1, hiddenSize])
            let tokens = try token.broadcasted(to: [n, 1, hiddenSize]).concatenated(with: [patches], axis: 1)
            let count = tokens.shape[1]
            return try tokens.adding(g.parameter("position_embedding.weight", [count, hiddenSize]).reshaped([1, count, hiddenSize]))
        }
    }

    private func layer(_ g: GraphBuilder, _ input: Value) throws -> Value {
        let normed = try g.layerNorm("layer_norm1", input, epsilon: layerNormEpsilon)
        let x = try input.adding(
            g.scoped("self_attn") {
                let attended = try g.linear("q_proj", normed, hiddenSize).attention(
                    keys: g.linear("k_proj", normed, hiddenSize), values: g.linear("v_proj", normed, hiddenSize), heads: heads)
                return try g.linear("out_proj", attended, hiddenSize)
            })
        let second = try g.layerNorm("layer_norm2", x, epsilon: layerNormEpsilon)
        return try x.adding(
            g.scoped("mlp") {
                let hidden = try g.linear("fc1", second, intermediateSize).unary(activation == .gelu ? .gelu : .quickGELU)
                return try g.linear("fc2", hidden, hiddenSize)
            })
    }
}

extension CLIPVisionEncoder: Codable {
    enum CodingKeys: String, CodingKey {
        case hiddenSize = "hidden_size"
        case intermediateSize = "intermediate_size"
        case layers = "num_hidden_layers"
        case heads = "num_attention_heads"
        case imageSize = "image_size"
        case patchSize = "patch_size"
        case projectionSize = "projection_dim"
        case activation = "hidden_act"
        case layerNormEpsilon = "layer_norm_eps"
        case channels = "num_channels"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func value<T: Decodable>(_ key: CodingKeys, default fallback: T) throws -> T {
            try values.decodeIfPresent(T.self, forKey: key) ?? fallback
        }
        self.init()
        hiddenSize = try values.decode(Int.self, forKey: .hiddenSize)
        intermediateSize = try values.decode(Int.self, forKey: .intermediateSize)
        layers = try values.decode(Int.self, forKey: .layers)
        heads = try values.decode(Int.self, forKey: .heads)
        imageSize = try value(.imageSize, default: imageSize)
        patchSize = try values.decode(Int.self, forKey: .patchSize)
        projectionSize = try value(.projectionSize, default: 512)
        activation = try value(.activation, default: activation)
        layerNormEpsilon = try value(.layerNormEpsilon, default: layerNormEpsilon)
        let channels = try value(.channels, default: 3)
        guard channels == 3 else {
            throw ModelError(.configuration, at: "image encoder configuration: num_channels", "expected 3, found \(channels)")
        }
        try validate()
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(hiddenSize, forKey: .hiddenSize)
        try values.encode(intermediateSize, forKey: .intermediateSize)
        try values.encode(layers, forKey: .layers)
        try values.encode(heads, forKey: .heads)
        try values.encode(imageSize, forKey: .imageSize)
        try values.encode(patchSize, forKey: .patchSize)
        try values.encode(projectionSize, forKey: .projectionSize)
        try values.encode(activation, forKey: .activation)
        try values.encode(layerNormEpsilon, forKey: .layerNormEpsilon)
        try values.encode(3, forKey: .channels)
    }

    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        func require(_ condition: Bool, _ field: String, _ message: @autoclosure () -> String) throws(ModelError) {
            guard condition else { throw ModelError(.configuration, at: "image encoder configuration: \(field)", message()) }
        }
        let sizes = 1...65536
        for (field, size) in [("hidden_size", hiddenSize), ("intermediate_size", intermediateSize), ("projection_dim", projectionSize)] {
            try require(sizes.contains(size), field, "expected a size in \(sizes), found \(size)")
        }
        try require((1...256).contains(layers), "num_hidden_layers", "expected 1 to 256, found \(layers)")
        try require(heads > 0 && hiddenSize % heads == 0, "num_attention_heads", "\(heads) heads do not divide \(hiddenSize) channels")
        try require((1...4096).contains(imageSize), "image_size", "expected 1 to 4096 pixels, found \(imageSize)")
        try require(
            (1...64).contains(patchSize) && patchSize <= imageSize, "patch_size",
            "expected 1 to 64 pixels and no more than the picture's \(imageSize), found \(patchSize)")
        try require(
            layerNormEpsilon > 0 && layerNormEpsilon < 1, "layer_norm_eps", "expected above 0 and below 1, found \(layerNormEpsilon)")
    }
}
