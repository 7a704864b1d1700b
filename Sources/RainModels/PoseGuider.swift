public import RainGraph

/// Turns pose pictures into features of the latents' resolution (arXiv 2311.17117, section 3.2).
public struct PoseGuider: Hashable, Sendable, Codable {
    /// Channels of the features: the first of the UNet's `block_out_channels`.
    public var embeddingChannels: Int
    public var conditioningChannels = 3
    /// Each step from one to the next halves height and width.
    public var blockOutChannels = [16, 32, 96, 256]
    /// Pixels of the picture that become one position before the first convolution; the published network has 1, small ones
    /// save most of their work with 4.
    public var patchSize = 1

    public init(embeddingChannels: Int, blockOutChannels: [Int] = [16, 32, 96, 256], patchSize: Int = 1) {
        self.embeddingChannels = embeddingChannels
        self.blockOutChannels = blockOutChannels
        self.patchSize = patchSize
    }

    enum CodingKeys: String, CodingKey {
        case embeddingChannels = "conditioning_embedding_channels"
        case conditioningChannels = "conditioning_channels"
        case blockOutChannels = "block_out_channels"
        case patchSize = "patch_size"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        embeddingChannels = try values.decode(Int.self, forKey: .embeddingChannels)
        conditioningChannels = try values.decodeIfPresent(Int.self, forKey: .conditioningChannels) ?? 3
        blockOutChannels = try values.decodeIfPresent([Int].self, forKey: .blockOutChannels) ?? [16, 32, 96, 256]
        patchSize = try values.decodeIfPresent(Int.self, forKey: .patchSize) ?? 1
        let sizes = 1...65536
        guard (1...16).contains(blockOutChannels.count), blockOutChannels.allSatisfy(sizes.contains),
            sizes.contains(embeddingChannels), (1...64).contains(conditioningChannels), (1...64).contains(patchSize)
        else {
            throw ModelError(
                .configuration, at: "pose guider configuration",
                "expected 1 to 16 blocks with channels in \(sizes) and a patch size up to 64, found \(blockOutChannels), \(patchSize)")
        }
    }

    /// How much smaller the features are than the picture.
    public var downscale: Int { patchSize << (blockOutChannels.count - 1) }

    /// - Parameter pictures: `[n, height, width, conditioningChannels]` in 0…1
    /// - Returns: `[n, height / downscale, width / downscale, embeddingChannels]`
    public func callAsFunction(_ g: GraphBuilder, _ pictures: Value) throws -> Value {
        var x = try patchSize == 1 ? pictures : pictures.pixelUnshuffled(patchSize)
        x = try g.convolution("conv_in", x, blockOutChannels[0]).silu()
        for (index, next) in blockOutChannels.dropFirst().enumerated() {
            x = try g.convolution("blocks.\(2 * index)", x, x.shape[3]).silu()
            x = try g.convolution("blocks.\(2 * index + 1)", x, next, stride: 2).silu()
        }
        return try g.convolution("conv_out", x, embeddingChannels)
    }

    /// Names and shapes of all parameters.
    public func parameters() throws -> [(name: String, shape: Shape)] {
        let g = GraphBuilder()
        _ = try self(g, g.input("pictures", [1, downscale, downscale, conditioningChannels]))
        return try g.graph().parameters
    }
}
