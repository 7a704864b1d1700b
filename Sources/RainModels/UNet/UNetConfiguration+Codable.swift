extension UNetConfiguration: Codable {
    enum CodingKeys: String, CodingKey {
        case inChannels = "in_channels"
        case outChannels = "out_channels"
        case blockOutChannels = "block_out_channels"
        case layersPerBlock = "layers_per_block"
        case downBlockTypes = "down_block_types"
        case upBlockTypes = "up_block_types"
        case normGroups = "norm_num_groups"
        case attentionHeads = "attention_head_dim"
        case crossAttentionChannels = "cross_attention_dim"
        case guidanceChannels = "cond_proj_dim"
        case feedForwardMultiplier = "feed_forward_multiplier"
        case positions = "position_embedding"
        case motion = "motion_module"
        case prediction = "prediction_type"
        case flipSinToCos = "flip_sin_to_cos"
        case frequencyShift = "freq_shift"
        case normEpsilon = "norm_eps"
        case transformerNormEpsilon = "spatial_transformer_norm_eps"
        case layerNormEpsilon = "layer_norm_eps"
        // Beside the motion module in the published form.
        case motionNormGroups = "motion_module_norm_num_groups"
        case motionNormEpsilon = "motion_module_norm_eps"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func value<T: Decodable>(_ key: CodingKeys, default fallback: T) throws -> T {
            try values.decodeIfPresent(T.self, forKey: key) ?? fallback
        }
        self.init()
        blockOutChannels = try values.decode([Int].self, forKey: .blockOutChannels)
        guard let first = blockOutChannels.first, first > 0 else {
            throw ModelError(.configuration, at: "UNet configuration: block_out_channels", "expected at least one positive number")
        }
        inChannels = try value(.inChannels, default: inChannels)
        outChannels = try value(.outChannels, default: outChannels)
        layersPerBlock = try value(.layersPerBlock, default: layersPerBlock)
        // The published networks have attention at all levels but the coarsest.
        downAttention =
            try Self.attention(values.decodeIfPresent([String].self, forKey: .downBlockTypes), .downBlockTypes)
            ?? blockOutChannels.indices.map { $0 < levels - 1 }
        upAttention =
            try Self.attention(values.decodeIfPresent([String].self, forKey: .upBlockTypes), .upBlockTypes)
            ?? downAttention.reversed()
        normGroups = try value(.normGroups, default: normGroups)
        attentionHeads =
            try values.decodeIfPresent(PerLevel.self, forKey: .attentionHeads)?.expanded(levels)
            ?? Array(repeating: 8, count: levels)
        crossAttentionChannels = try values.decodeIfPresent(Int.self, forKey: .crossAttentionChannels)
        guidanceChannels = try values.decodeIfPresent(Int.self, forKey: .guidanceChannels)
        positions = try values.decodeIfPresent([Int].self, forKey: .positions)
        feedForwardMultiplier = try value(.feedForwardMultiplier, default: feedForwardMultiplier)
        prediction = try value(.prediction, default: prediction)
        flipSinToCos = try value(.flipSinToCos, default: flipSinToCos)
        frequencyShift = try value(.frequencyShift, default: frequencyShift)
        normEpsilon = try value(.normEpsilon, default: normEpsilon)
        transformerNormEpsilon = try value(.transformerNormEpsilon, default: transformerNormEpsilon)
        layerNormEpsilon = try value(.layerNormEpsilon, default: layerNormEpsilon)
        if let form = try values.decodeIfPresent(MotionForm.self, forKey: .motion) {
            var motion = try form.configuration(levels: levels)
            motion.normGroups = try value(.motionNormGroups, default: motion.normGroups)
            motion.normEpsilon = try value(.motionNormEpsilon, default: motion.normEpsilon)
            self.motion = motion
        }
        try validate()
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(inChannels, forKey: .inChannels)
        try values.encode(outChannels, forKey: .outChannels)
        try values.encode(blockOutChannels, forKey: .blockOutChannels)
        try values.encode(layersPerBlock, forKey: .layersPerBlock)
        try values.encode(downAttention.map { $0 ? "CrossAttnDownBlock3D" : "DownBlock3D" }, forKey: .downBlockTypes)
        try values.encode(upAttention.map { $0 ? "CrossAttnUpBlock3D" : "UpBlock3D" }, forKey: .upBlockTypes)
        try values.encode(normGroups, forKey: .normGroups)
        try values.encode(attentionHeads, forKey: .attentionHeads)
        try values.encodeIfPresent(crossAttentionChannels, forKey: .crossAttentionChannels)
        try values.encodeIfPresent(guidanceChannels, forKey: .guidanceChannels)
        try values.encodeIfPresent(positions, forKey: .positions)
        try values.encode(feedForwardMultiplier, forKey: .feedForwardMultiplier)
        try values.encode(prediction, forKey: .prediction)
        try values.encode(flipSinToCos, forKey: .flipSinToCos)
        try values.encode(frequencyShift, forKey: .frequencyShift)
        try values.encode(normEpsilon, forKey: .normEpsilon)
        try values.encode(transformerNormEpsilon, forKey: .transformerNormEpsilon)
        try values.encode(layerNormEpsilon, forKey: .layerNormEpsilon)
        try values.encodeIfPresent(motion.map(MotionForm.init), forKey: .motion)
    }

    private static func attention(_ types: [String]?, _ key: CodingKeys) throws -> [Bool]? {
        try types?.map { type in
            switch type {
            case "CrossAttnDownBlock2D", "CrossAttnDownBlock3D", "CrossAttnUpBlock2D", "CrossAttnUpBlock3D": true
            case "DownBlock2D", "DownBlock3D", "UpBlock2D", "UpBlock3D": false
            default:
                throw ModelError(
                    .configuration, at: "UNet configuration: \(key.rawValue)",
                    "expected CrossAttnDownBlock3D, DownBlock3D, CrossAttnUpBlock3D or UpBlock3D, found '\(type.prefix(80))'")
            }
        }
    }
}

/// One number for all levels, or one for each.
private struct PerLevel: Codable {
    let values: [Int]
    let isSingle: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let single = try? container.decode(Int.self) {
            (values, isSingle) = ([single], true)
        } else {
            (values, isSingle) = (try container.decode([Int].self), false)
        }
    }

    init(_ values: [Int]) { (self.values, isSingle) = (values, false) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }

    func expanded(_ levels: Int) -> [Int] { isSingle ? Array(repeating: values[0], count: levels) : values }
}

/// A motion module as JSON: our flat form, or the authors' with its `motion_module_kwargs`.
private struct MotionForm: Codable {
    // The flat form.
    var heads: PerLevel?
    var attentionBlocks: Int?
    var transformerBlocks: Int?
    var longestWindow: Int?
    var normGroups: Int?
    var normEpsilon: Float?
    var hasPositions: Bool?
    var storesPositions: Bool?
    // Both.
    var resolutions: [Int]?
    var inMiddle: Bool?
    var decoderOnly: Bool?
    // The authors'.
    var type: String?
    var arguments: Arguments?

    enum CodingKeys: String, CodingKey {
        case heads
        case attentionBlocks = "attention_blocks"
        case transformerBlocks = "transformer_blocks"
        case longestWindow = "max_len"
        case normGroups = "norm_num_groups"
        case normEpsilon = "norm_eps"
        case hasPositions = "positions"
        case storesPositions = "stores_positions"
        case resolutions = "motion_module_resolutions"
        case inMiddle = "motion_module_mid_block"
        case decoderOnly = "motion_module_decoder_only"
        case type = "motion_module_type"
        case arguments = "motion_module_kwargs"
    }

    struct Arguments: Codable {
        var heads: PerLevel
        var transformerBlocks: Int?
        var attentionBlockTypes: [String]?
        var hasPositions: Bool?
        var longestWindow: Int?
        var channelDivisor: Int?

        enum CodingKeys: String, CodingKey {
            case heads = "num_attention_heads"
            case transformerBlocks = "num_transformer_block"
            case attentionBlockTypes = "attention_block_types"
            case hasPositions = "temporal_position_encoding"
            case longestWindow = "temporal_position_encoding_max_len"
            case channelDivisor = "temporal_attention_dim_div"
        }
    }

    init(_ motion: MotionConfiguration) {
        heads = PerLevel(motion.heads)
        attentionBlocks = motion.attentionBlocks
        transformerBlocks = motion.transformerBlocks
        longestWindow = motion.longestWindow
        normGroups = motion.normGroups
        normEpsilon = motion.normEpsilon
        hasPositions = motion.hasPositions
        storesPositions = motion.storesPositions
        resolutions = motion.resolutions
        inMiddle = motion.inMiddle
        decoderOnly = !motion.onTheWayDown
    }

    func configuration(levels: Int) throws -> MotionConfiguration {
        func unsupported(_ field: String, _ message: String) -> ModelError {
            ModelError(.configuration, at: "UNet configuration: motion_module.\(field)", message)
        }
        guard let heads = arguments?.heads ?? heads else {
            throw unsupported("heads", "expected the number of heads, found none")
        }
        var motion = MotionConfiguration(heads: heads.expanded(levels))
        if let type, type != "Vanilla" { throw unsupported("motion_module_type", "expected Vanilla, found '\(type.prefix(80))'") }
        if let arguments {
            let types = arguments.attentionBlockTypes ?? ["Temporal_Self", "Temporal_Self"]
            guard types.allSatisfy({ $0 == "Temporal_Self" }) else {
                throw unsupported("attention_block_types", "expected Temporal_Self only, found \(types.prefix(8))")
            }
            if let divisor = arguments.channelDivisor, divisor != 1 {
                throw unsupported("temporal_attention_dim_div", "expected 1, found \(divisor)")
            }
            motion.attentionBlocks = types.count
            motion.transformerBlocks = arguments.transformerBlocks ?? 1
            motion.longestWindow = arguments.longestWindow ?? 24
            motion.hasPositions = arguments.hasPositions ?? false
            motion.storesPositions = true
        }
        if let attentionBlocks { motion.attentionBlocks = attentionBlocks }
        if let transformerBlocks { motion.transformerBlocks = transformerBlocks }
        if let longestWindow { motion.longestWindow = longestWindow }
        if let normGroups { motion.normGroups = normGroups }
        if let normEpsilon { motion.normEpsilon = normEpsilon }
        if let hasPositions { motion.hasPositions = hasPositions }
        if let storesPositions { motion.storesPositions = storesPositions }
        motion.resolutions = resolutions
        motion.inMiddle = inMiddle ?? true
        motion.onTheWayDown = !(decoderOnly ?? false)
        return motion
    }
}
