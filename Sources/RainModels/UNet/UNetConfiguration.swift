/// The shape of a UNet of the Stable Diffusion family, from the published size down to a miniature.
///
/// Codable as the JSON that diffusers writes (snake case); `attention_head_dim` is, as there, the *number* of heads.
public struct UNetConfiguration: Hashable, Sendable {
    public var inChannels = 4
    public var outChannels = 4
    /// Channels per resolution level, finest first.
    public var blockOutChannels = [320, 640, 1280, 1280]
    /// Resnets per level on the way down; one more on the way up.
    public var layersPerBlock = 2
    /// Which levels have spatial transformers on the way down, finest first.
    public var downAttention = [true, true, true, false]
    /// The same on the way up, coarsest first.
    public var upAttention = [false, true, true, true]
    public var normGroups = 32
    /// Heads of the spatial attention per level, finest first.
    public var attentionHeads = [8, 8, 8, 8]
    /// Channels of the cross-attention tokens; `nil` for a network without cross-attention (no `attn2`, no `norm2`).
    public var crossAttentionChannels: Int? = 768
    /// Channels of the guidance embedding; `nil` for a network without.
    public var guidanceChannels: Int?
    /// Height and width of the latents for which the network learns what is where (`position_embedding`, added after the first
    /// convolution); `nil`, as published, for a network that works at any size.
    public var positions: [Int]?
    /// Width of the feed-forward layers in multiples of the channels.
    public var feedForwardMultiplier = 4
    /// `nil` for a network over single pictures.
    public var motion: MotionConfiguration?
    public var prediction = Prediction.velocity
    /// Cosines first in the time embedding.
    public var flipSinToCos = true
    public var frequencyShift: Float = 0
    /// Of the norms in resnets and before the output.
    public var normEpsilon: Float = 1e-5
    /// Of the group norm at the entrance of a spatial transformer.
    public var transformerNormEpsilon: Float = 1e-6
    public var layerNormEpsilon: Float = 1e-5

    /// The Stable Diffusion 1.5 network, without motion modules and guidance embedding.
    public init() {}

    /// What the network's output means.
    public enum Prediction: String, Hashable, Sendable, Codable, CaseIterable {
        case velocity = "v_prediction"
        case sample
    }

    public var levels: Int { blockOutChannels.count }
    /// Channels of the time embedding.
    public var timeChannels: Int { 4 * blockOutChannels[0] }

    /// One place where the reference network's tokens enter the denoising network.
    public struct BankShape: Hashable, Sendable {
        /// `d<level><layer>` on the way down, `m` in the middle, `u<level><layer>` on the way up (coarsest level 0).
        public let name: String
        /// Pixels of the level, row-major.
        public let tokens: Int
        public let channels: Int
    }

    /// The banks in order of computation.
    ///
    /// - Parameters:
    ///   - height: of the latents
    ///   - width: of the latents
    public func banks(height: Int, width: Int) -> [BankShape] {
        func tokens(_ level: Int) -> Int {
            func halved(_ size: Int) -> Int { (0..<level).reduce(size) { size, _ in (size + 1) / 2 } }
            return halved(height) * halved(width)
        }
        var banks: [BankShape] = []
        for level in 0..<levels where downAttention[level] {
            for layer in 0..<layersPerBlock {
                banks.append(BankShape(name: "d\(level)\(layer)", tokens: tokens(level), channels: blockOutChannels[level]))
            }
        }
        banks.append(BankShape(name: "m", tokens: tokens(levels - 1), channels: blockOutChannels[levels - 1]))
        for block in 0..<levels where upAttention[block] {
            let level = levels - 1 - block
            for layer in 0...layersPerBlock {
                banks.append(BankShape(name: "u\(block)\(layer)", tokens: tokens(level), channels: blockOutChannels[level]))
            }
        }
        return banks
    }

    /// Some size of latents the network accepts.
    var probeSize: (height: Int, width: Int) {
        if let positions { return (positions[0], positions[1]) }
        return (1 << (levels - 1), 1 << (levels - 1))
    }

    /// Checks what the graph builder cannot: counts and lengths that belong together.
    ///
    /// - Throws: `ModelError.configuration`
    public func validate() throws(ModelError) {
        func require(_ condition: Bool, _ field: String, _ message: @autoclosure () -> String) throws(ModelError) {
            guard condition else { throw ModelError(.configuration, at: "UNet configuration: \(field)", message()) }
        }
        let sizes = 1...65536
        try require((1...8).contains(levels), "block_out_channels", "expected 1 to 8 levels, found \(levels)")
        try require(
            blockOutChannels.allSatisfy(sizes.contains), "block_out_channels", "expected sizes in \(sizes), found \(blockOutChannels)")
        try require(blockOutChannels[0] % 2 == 0, "block_out_channels", "the first must be even for the time embedding")
        try require(sizes.contains(inChannels) && sizes.contains(outChannels), "in_channels, out_channels", "expected sizes in \(sizes)")
        try require((1...16).contains(layersPerBlock), "layers_per_block", "expected 1 to 16, found \(layersPerBlock)")
        try require(
            downAttention.count == levels && upAttention.count == levels, "down_block_types, up_block_types",
            "expected \(levels) each, found \(downAttention.count) and \(upAttention.count)")
        try require(attentionHeads.count == levels, "attention_head_dim", "expected one number or \(levels), found \(attentionHeads.count)")
        try require((1...64).contains(feedForwardMultiplier), "feed_forward_multiplier", "expected 1 to 64, found \(feedForwardMultiplier)")
        for (level, channels) in blockOutChannels.enumerated() {
            let heads = attentionHeads[level]
            try require(heads > 0 && channels % heads == 0, "attention_head_dim", "\(heads) heads do not divide \(channels) channels")
            try require(
                normGroups > 0 && channels % normGroups == 0, "norm_num_groups", "\(normGroups) groups do not divide \(channels) channels")
        }
        if let positions {
            try require(
                positions.count == 2 && positions.allSatisfy((1...1024).contains), "position_embedding",
                "expected height and width in 1...1024, found \(positions)")
        }
        if let guidanceChannels { try require(sizes.contains(guidanceChannels), "cond_proj_dim", "expected a size in \(sizes)") }
        if let crossAttentionChannels {
            try require(sizes.contains(crossAttentionChannels), "cross_attention_dim", "expected a size in \(sizes)")
        }
        if let motion {
            try require(
                motion.heads.count == levels, "motion_module.heads", "expected one number or \(levels), found \(motion.heads.count)")
            try require((1...8).contains(motion.attentionBlocks), "motion_module.attention_blocks", "expected 1 to 8")
            try require((1...8).contains(motion.transformerBlocks), "motion_module.transformer_blocks", "expected 1 to 8")
            try require((1...4096).contains(motion.longestWindow), "motion_module.max_len", "expected 1 to 4096")
            for (channels, heads) in zip(blockOutChannels, motion.heads) {
                try require(heads > 0 && channels % heads == 0, "motion_module.heads", "\(heads) heads do not divide \(channels) channels")
                try require(
                    motion.normGroups > 0 && channels % motion.normGroups == 0, "motion_module.norm_num_groups",
                    "\(motion.normGroups) groups do not divide \(channels) channels")
                try require(
                    channels % 2 == 0 || !motion.hasPositions, "motion_module",
                    "positions need an even number of channels, found \(channels)")
            }
        }
    }
}

/// The temporal attention added to a UNet (arXiv 2307.04725).
public struct MotionConfiguration: Hashable, Sendable {
    /// Heads per level, finest first.
    public var heads: [Int]
    /// Temporal self-attentions per transformer block.
    public var attentionBlocks = 2
    public var transformerBlocks = 1
    /// The most frames one call can have.
    public var longestWindow = 32
    public var normGroups = 32
    public var normEpsilon: Float = 1e-6
    public var hasPositions = true
    /// Whether the checkpoint carries the positions as a buffer `pos_encoder.pe`, as the published ones do.
    ///
    /// Then they are loaded with the parameters, so that a checkpoint means what it says, but never trained. Otherwise they are
    /// a constant of the graph.
    public var storesPositions = false
    /// Down-sampling factors of the levels that have motion modules; `nil` for all.
    public var resolutions: [Int]?
    public var inMiddle = true
    public var onTheWayDown = true

    public init(heads: [Int]) { self.heads = heads }

    func isPresent(level: Int, down: Bool) -> Bool {
        (resolutions?.contains(1 << level) ?? true) && (!down || onTheWayDown)
    }
}
