public import RainGraph

/// The networks of a model in the layout in which RAIN is published: one checkpoint per network.
///
/// `rain` is what the authors' files hold; everything else that has the same parts is the same model at another size. Codable as
/// the description `rain make-model --config` reads: an object with the keys `unet` (the published `unet.json` with
/// `cond_proj_dim` and `motion_module`), `pose_guider`, `taesdv_channels`, `autoencoder`, `image_encoder`, `scheduler`, `size`,
/// `frames_per_group`, `levels`, `steps` and `guidance_scale`; whatever is left out is as published.
public struct PublishedConfiguration: Hashable, Sendable {
    /// The denoising network; the reference network is the same without motion modules and guidance.
    public var unet: UNetConfiguration
    public var poseGuider: PoseGuider
    public var taesdv = TAESDV()
    public var autoencoder = AutoencoderKL()
    public var imageEncoder = CLIPVisionEncoder()
    public var scheduler = NoiseSchedule.Configuration()
    /// Width and height of the pictures in pixels, unless whoever runs the model wants another.
    public var size = 512
    public var framesPerGroup = 4
    /// Groups in flight, one per noise level.
    public var levels = 4
    /// Denoising steps of each frame.
    public var steps = 4
    /// How strongly the model follows its reference.
    public var guidanceScale: Float = 2.5

    /// Channels of the published guidance embedding.
    static let guidanceChannels = 512

    init(unet: UNetConfiguration, poseGuider: PoseGuider) {
        self.unet = unet
        self.poseGuider = poseGuider
    }

    /// RAIN as published.
    public static let rain: PublishedConfiguration = {
        var unet = UNetConfiguration()
        unet.guidanceChannels = guidanceChannels
        var motion = MotionConfiguration(heads: Array(repeating: 8, count: unet.levels))
        motion.storesPositions = true
        motion.resolutions = [1, 2, 4, 8]
        unet.motion = motion
        return PublishedConfiguration(unet: unet, poseGuider: PoseGuider(embeddingChannels: unet.blockOutChannels[0]))
    }()

    /// The same parts, as small as they can be: for tests. A step takes milliseconds.
    public static let tiny: PublishedConfiguration = {
        var tiny = rain
        tiny.unet.blockOutChannels = [32, 32, 64, 64]
        tiny.unet.layersPerBlock = 1
        tiny.unet.normGroups = 8
        tiny.unet.crossAttentionChannels = 24
        tiny.unet.guidanceChannels = 16
        tiny.poseGuider = PoseGuider(embeddingChannels: 32, blockOutChannels: [4, 8, 8, 16])
        tiny.taesdv.channels = 8
        tiny.autoencoder.blockOutChannels = [8, 8, 16, 16]
        tiny.autoencoder.layersPerBlock = 1
        tiny.autoencoder.normGroups = 4
        tiny.imageEncoder.hiddenSize = 32
        tiny.imageEncoder.intermediateSize = 64
        tiny.imageEncoder.layers = 2
        tiny.imageEncoder.heads = 4
        tiny.imageEncoder.imageSize = 56
        tiny.imageEncoder.projectionSize = 24
        tiny.size = 64
        return tiny
    }()

    /// The reference network's configuration.
    public var referenceUNet: UNetConfiguration {
        var reference = unet
        reference.motion = nil
        reference.guidanceChannels = nil
        return reference
    }

    /// One checkpoint of the layout.
    public enum Part: String, Sendable, CaseIterable {
        case referenceUNet = "reference_unet"
        case motionUNet = "motion_unet"
        case poseGuider = "pose_guider"
        case taesdv
        case autoencoder = "sd-vae-ft-mse"
        case imageEncoder = "image_encoder"
    }

    /// Names and shapes of all tensors that the checkpoint of a part holds, also of those that RAIN does not use.
    public func parameters(of part: Part) throws -> [(name: String, shape: Shape)] {
        switch part {
        case .referenceUNet: try ReferenceUNet(referenceUNet).parameters()
        case .motionUNet: try DenoisingUNet(unet).parameters()
        case .poseGuider: try poseGuider.parameters()
        case .taesdv: try taesdv.parameters()
        case .autoencoder: try autoencoder.parameters()
        case .imageEncoder: try imageEncoder.parameters()
        }
    }

    /// Checks that the parts fit together.
    ///
    /// - Throws: `ModelError.configuration` naming the field, what it should be and what it is
    public func validate() throws(ModelError) {
        func require(_ condition: Bool, _ field: String, _ message: @autoclosure () -> String) throws(ModelError) {
            guard condition else { throw ModelError(.configuration, at: "published model: \(field)", message()) }
        }
        try unet.validate()
        try autoencoder.validate()
        try imageEncoder.validate()
        try require(unet.positions == nil, "unet.position_embedding", "expected none, as in the published networks")
        try require(unet.prediction == scheduler.prediction, "unet.prediction_type", "expected \(scheduler.prediction.rawValue)")
        try require(
            unet.crossAttentionChannels == imageEncoder.projectionSize, "unet.cross_attention_dim",
            "expected \(imageEncoder.projectionSize), the image encoder's projection_dim, found "
                + (unet.crossAttentionChannels.map(String.init) ?? "none"))
        for (field, channels) in [("unet.in_channels", unet.inChannels), ("unet.out_channels", unet.outChannels)] {
            try require(
                channels == autoencoder.latentChannels, field,
                "expected \(autoencoder.latentChannels), the auto-encoder's latent_channels, found \(channels)")
        }
        try require(
            taesdv.latentChannels == autoencoder.latentChannels, "taesdv",
            "expected \(autoencoder.latentChannels) latent channels, found \(taesdv.latentChannels)")
        try require((1...4096).contains(taesdv.channels), "taesdv_channels", "expected 1 to 4096, found \(taesdv.channels)")
        try require(
            poseGuider.embeddingChannels == unet.blockOutChannels[0], "pose_guider.conditioning_embedding_channels",
            "expected \(unet.blockOutChannels[0]), the UNet's first level, found \(poseGuider.embeddingChannels)")
        try require(
            poseGuider.conditioningChannels == 3, "pose_guider.conditioning_channels",
            "expected 3, found \(poseGuider.conditioningChannels)")
        for (field, factor) in [("autoencoder.block_out_channels", autoencoder.downscale), ("pose_guider", poseGuider.downscale)] {
            try require(factor == 8, field, "expected to make pictures 8 times smaller, as taesdv makes them larger, found \(factor)")
        }
        try require(size % 64 == 0 && (64...2048).contains(size), "size", "expected a multiple of 64 from 64 to 2048, found \(size)")
        try require(
            guidanceScale >= 0 && guidanceScale <= 100, "guidance_scale", "expected 0 to 100, found \(guidanceScale)")
        for (field, count) in [("frames_per_group", framesPerGroup), ("levels", levels), ("steps", steps)] {
            try require((1...64).contains(count), field, "expected 1 to 64, found \(count)")
        }
        _ = try NoiseSchedule(scheduler)
    }
}

extension PublishedConfiguration: Codable {
    enum CodingKeys: String, CodingKey {
        case unet
        case poseGuider = "pose_guider"
        case taesdvChannels = "taesdv_channels"
        case autoencoder
        case imageEncoder = "image_encoder"
        case scheduler, size
        case framesPerGroup = "frames_per_group"
        case levels, steps
        case guidanceScale = "guidance_scale"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self = .rain
        func set<T: Decodable>(_ target: inout T, _ key: CodingKeys) throws {
            if let value = try values.decodeIfPresent(T.self, forKey: key) { target = value }
        }
        try set(&unet, .unet)
        try set(&poseGuider, .poseGuider)
        try set(&taesdv.channels, .taesdvChannels)
        try set(&autoencoder, .autoencoder)
        try set(&imageEncoder, .imageEncoder)
        try set(&scheduler, .scheduler)
        try set(&size, .size)
        try set(&framesPerGroup, .framesPerGroup)
        try set(&levels, .levels)
        try set(&steps, .steps)
        try set(&guidanceScale, .guidanceScale)
        taesdv.latentChannels = autoencoder.latentChannels
        try validate()
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(unet, forKey: .unet)
        try values.encode(poseGuider, forKey: .poseGuider)
        try values.encode(taesdv.channels, forKey: .taesdvChannels)
        try values.encode(autoencoder, forKey: .autoencoder)
        try values.encode(imageEncoder, forKey: .imageEncoder)
        try values.encode(scheduler, forKey: .scheduler)
        try values.encode(size, forKey: .size)
        try values.encode(framesPerGroup, forKey: .framesPerGroup)
        try values.encode(levels, forKey: .levels)
        try values.encode(steps, forKey: .steps)
        try values.encode(guidanceScale, forKey: .guidanceScale)
    }
}
