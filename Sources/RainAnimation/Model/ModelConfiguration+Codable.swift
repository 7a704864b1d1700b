import Foundation
import RainModels
import RainPose

extension ModelConfiguration.Autoencoder: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case kind = "type"
        case configuration
        case taesdvChannels = "taesdv_channels"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.strictContainer(CodingKeys.self)
        let kind = try values.decode(String.self, forKey: .kind)
        switch kind {
        case "patch":
            self = .patch(try values.decode(PatchAutoencoder.self, forKey: .configuration))
        case "stable-diffusion":
            let encoder = try values.decode(AutoencoderKL.self, forKey: .configuration)
            let channels = try values.decode(Int.self, forKey: .taesdvChannels)
            self = .stableDiffusion(encoder, TAESDV(channels: channels, latentChannels: encoder.latentChannels))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: values, debugDescription: "expected 'patch' or 'stable-diffusion', found '\(kind.prefix(80))'")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .patch(let configuration):
            try values.encode("patch", forKey: .kind)
            try values.encode(configuration, forKey: .configuration)
        case .stableDiffusion(let encoder, let decoder):
            try values.encode("stable-diffusion", forKey: .kind)
            try values.encode(encoder, forKey: .configuration)
            try values.encode(decoder.channels, forKey: .taesdvChannels)
        }
    }
}

extension ModelConfiguration: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case format, version, name
        case imageSize = "image_size"
        case latentSize = "latent_size"
        case latentChannels = "latent_channels"
        case referenceUNet = "reference_unet"
        case denoisingUNet = "denoising_unet"
        case poseGuider = "pose_guider"
        case posePicture = "pose_picture"
        case autoencoder, scheduler, window
        case referencePose = "reference_pose"
        // Of models that have them.
        case layeredGuide = "layered_guide"
        case imageEncoder = "image_encoder"
        case guidanceScale = "guidance_scale"
    }

    public init(from decoder: any Decoder) throws {
        // The version first: a newer file may well have keys that this program does not know.
        let head = try decoder.container(keyedBy: CodingKeys.self)
        try head.require(Self.format, forKey: .format)
        let found = try head.decode(Int.self, forKey: .version)
        guard found == Self.version else {
            throw DecodingError.dataCorruptedError(
                forKey: .version, in: head, debugDescription: "expected version \(Self.version), found \(found); use a matching release")
        }
        let values = try decoder.strictContainer(CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        imageSize = try values.decode(Int.self, forKey: .imageSize)
        latentSize = try values.decode(Int.self, forKey: .latentSize)
        latentChannels = try values.decode(Int.self, forKey: .latentChannels)
        referenceUNet = try values.decode(UNetConfiguration.self, forKey: .referenceUNet)
        denoisingUNet = try values.decode(UNetConfiguration.self, forKey: .denoisingUNet)
        poseGuider = try values.decodeIfPresent(PoseGuider.self, forKey: .poseGuider)
        layeredGuide = try values.decodeIfPresent(LayeredGuide.self, forKey: .layeredGuide)
        posePicture = try values.decode(PosePicture.self, forKey: .posePicture)
        autoencoder = try values.decode(Autoencoder.self, forKey: .autoencoder)
        scheduler = try values.decode(NoiseSchedule.Configuration.self, forKey: .scheduler)
        window = try values.decode(Window.self, forKey: .window)
        referencePose = try values.decode(Bool.self, forKey: .referencePose)
        imageEncoder = try values.decodeIfPresent(CLIPVisionEncoder.self, forKey: .imageEncoder)
        guidanceScale = try values.decodeIfPresent(Float.self, forKey: .guidanceScale)
        try validate()
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(Self.format, forKey: .format)
        try values.encode(Self.version, forKey: .version)
        try values.encode(name, forKey: .name)
        try values.encode(imageSize, forKey: .imageSize)
        try values.encode(latentSize, forKey: .latentSize)
        try values.encode(latentChannels, forKey: .latentChannels)
        try values.encode(referenceUNet, forKey: .referenceUNet)
        try values.encode(denoisingUNet, forKey: .denoisingUNet)
        try values.encodeIfPresent(poseGuider, forKey: .poseGuider)
        try values.encodeIfPresent(layeredGuide, forKey: .layeredGuide)
        try values.encode(posePicture, forKey: .posePicture)
        try values.encode(autoencoder, forKey: .autoencoder)
        try values.encode(scheduler, forKey: .scheduler)
        try values.encode(window, forKey: .window)
        try values.encode(referencePose, forKey: .referencePose)
        try values.encodeIfPresent(imageEncoder, forKey: .imageEncoder)
        try values.encodeIfPresent(guidanceScale, forKey: .guidanceScale)
    }

    /// The largest `model.json` read, in bytes.
    public static let largestFile = 1 << 20

    /// Reads the bytes of a `model.json`.
    ///
    /// - Parameter file: its name, for errors.
    /// - Throws: `AnimationError.model` naming file, field, expected and found.
    public init(json bytes: [UInt8], file: String) throws(AnimationError) {
        guard bytes.count <= Self.largestFile else {
            throw AnimationError(.model, "\(file): larger than \(Self.largestFile) bytes; this is no model description")
        }
        do {
            self = try JSONDecoder().decode(ModelConfiguration.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw AnimationError(.model, "\(file): \(error.sentence)")
        } catch {
            throw AnimationError(.model, "\(file): \(error)")
        }
    }

    /// The bytes of `model.json`, keys sorted.
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try [UInt8](encoder.encode(self)) + [UInt8(ascii: "\n")]
    }

    /// Checks that the parts fit together.
    ///
    /// - Throws: `AnimationError.model` naming the field, what it should be and what it is; what `UNetConfiguration.validate` throws.
    public func validate() throws {
        func require(_ condition: Bool, _ field: String, _ message: @autoclosure () -> String) throws(AnimationError) {
            guard condition else { throw AnimationError(.model, "\(field): \(message())") }
        }
        let allowed = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || "-_.".utf8.contains($0)
        }
        try require(
            allowed && !name.isEmpty && name.utf8.count <= 100 && name.first != ".", "name",
            "expected letters, digits, '-', '_' and '.', at most 100, found '\(name.prefix(100))'")
        try require((8...4096).contains(imageSize), "image_size", "expected 8 to 4096 pixels, found \(imageSize)")
        try require((1...1024).contains(latentSize), "latent_size", "expected 1 to 1024, found \(latentSize)")
        try require(
            imageSize % latentSize == 0, "latent_size", "expected a divisor of image_size \(imageSize), found \(latentSize)")
        try require(
            (poseGuider == nil) != (layeredGuide == nil), "pose_guider, layered_guide",
            "expected one of them, found \(poseGuider == nil ? "none" : "both")")
        try require((1...1024).contains(latentChannels), "latent_channels", "expected 1 to 1024, found \(latentChannels)")
        try referenceUNet.validate()
        try denoisingUNet.validate()
        for (field, network) in [("reference_unet", referenceUNet), ("denoising_unet", denoisingUNet)] {
            try require(
                network.inChannels == latentChannels, "\(field).in_channels",
                "expected latent_channels \(latentChannels), found \(network.inChannels)")
            try require(
                network.outChannels == latentChannels, "\(field).out_channels",
                "expected latent_channels \(latentChannels), found \(network.outChannels)")
            try require(
                latentSize % (1 << (network.levels - 1)) == 0, "latent_size",
                "expected a multiple of \(1 << (network.levels - 1)) for the \(network.levels) levels of \(field), found \(latentSize)")
        }
        try require(
            referenceUNet.banks(height: latentSize, width: latentSize) == denoisingUNet.banks(height: latentSize, width: latentSize),
            "reference_unet", "expected attention at the same places and as wide as in denoising_unet")
        try require(referenceUNet.motion == nil, "reference_unet.motion_module", "expected none: it reads single pictures")
        try require(
            denoisingUNet.prediction == scheduler.prediction, "scheduler.prediction_type",
            "expected \(denoisingUNet.prediction.rawValue) as in denoising_unet, found \(scheduler.prediction.rawValue)")
        if let poseGuider {
            try require(
                poseGuider.embeddingChannels == denoisingUNet.blockOutChannels[0], "pose_guider.conditioning_embedding_channels",
                "expected \(denoisingUNet.blockOutChannels[0]) as denoising_unet's first level, found \(poseGuider.embeddingChannels)")
            try require(
                poseGuider.conditioningChannels == 3, "pose_guider.conditioning_channels",
                "expected 3 for colour pictures, found \(poseGuider.conditioningChannels)")
            let expected = latentSize * poseGuider.downscale
            try require(
                posePicture.size == expected && expected <= 4096, "pose_picture.size",
                "expected latent_size × \(poseGuider.downscale) = \(expected) and at most 4096, found \(posePicture.size)")
        }
        if let layeredGuide { try validate(layeredGuide) }
        try require(
            !referencePose || referenceUNet.blockOutChannels[0] == denoisingUNet.blockOutChannels[0], "reference_pose",
            "expected reference_unet's first level to be as wide as denoising_unet's")
        for (field, radius) in [("disc_radius", posePicture.discRadius), ("body_disc_radius", posePicture.bodyDiscRadius)] {
            try require(radius >= 0 && radius <= 1000, "pose_picture.\(field)", "expected 0 to 1000 pixels, found \(radius)")
        }
        switch autoencoder {
        case .patch(let patch):
            try patch.validate()
            try require(
                patch.latentChannels == latentChannels, "autoencoder.latent_channels",
                "expected latent_channels \(latentChannels), found \(patch.latentChannels)")
            let side = layeredGuide?.cropSize ?? imageSize
            try require(
                patch.patchSize * latentSize == side, "autoencoder",
                "its patches of \(patch.patchSize) pixels make latents of \(side / patch.patchSize), expected latent_size \(latentSize)")
        case .stableDiffusion(let encoder, let decoder):
            try encoder.validate()
            try require(
                encoder.latentChannels == latentChannels && decoder.latentChannels == latentChannels, "autoencoder.latent_channels",
                "expected latent_channels \(latentChannels), found \(encoder.latentChannels)")
            try require(
                (1...4096).contains(decoder.channels), "autoencoder.taesdv_channels", "expected 1 to 4096, found \(decoder.channels)")
            try require(
                encoder.downscale == TAESDV.upscale && latentSize * TAESDV.upscale == imageSize, "autoencoder.block_out_channels",
                "expected latents of \(imageSize / TAESDV.upscale), an eighth of image_size as TAESDV wants them, found factor "
                    + "\(encoder.downscale) and latent_size \(latentSize)")
        }
        try validateConditions()
        _ = try NoiseSchedule(scheduler)
        let frames = window.framesPerGroup.multipliedReportingOverflow(by: window.levels)
        let longest = denoisingUNet.motion?.longestWindow ?? 32
        try require(
            window.framesPerGroup > 0 && window.levels > 0 && !frames.overflow && frames.partialValue <= longest, "window",
            "expected at least one frame and level and at most \(longest) frames, found \(window.framesPerGroup)x\(window.levels)")
    }

    private func validate(_ guide: LayeredGuide) throws {
        func require(_ condition: Bool, _ field: String, _ message: @autoclosure () -> String) throws(AnimationError) {
            guard condition else { throw AnimationError(.model, "layered_guide.\(field): \(message())") }
        }
        try guide.validate()
        guard case .patch = autoencoder else { throw AnimationError(.model, "autoencoder: expected 'patch' beside layered_guide") }
        try require(
            guide.layerNetwork.layers == CharacterLayer.allCases.count, "layer_network.layers",
            "expected \(CharacterLayer.allCases.count), found \(guide.layerNetwork.layers)")
        if let network = guide.landmarkNetwork {
            let face = Landmark.mouthBottom.rawValue + 1
            try require(network.landmarks == face, "landmark_network.landmarks", "expected \(face), found \(network.landmarks)")
        }
        try require(
            guide.expression.numbers == GuideGeometry.numberCount, "expression_guider.numbers",
            "expected \(GuideGeometry.numberCount), found \(guide.expression.numbers)")
        try require(
            guide.expression.embeddingChannels == denoisingUNet.blockOutChannels[0], "expression_guider.embedding_channels",
            "expected \(denoisingUNet.blockOutChannels[0]) as denoising_unet's first level, found \(guide.expression.embeddingChannels)")
        let pose = guide.guideSize / 4
        guard posePicture.size == pose, posePicture.style == .face else {
            throw AnimationError(
                .model, "pose_picture: expected faces of \(pose) pixels a side, a quarter of guide_size, found \(posePicture.size)")
        }
        guard !referencePose else { throw AnimationError(.model, "reference_pose: expected false beside layered_guide") }
    }

    /// What the UNets are told besides pose and reference.
    private func validateConditions() throws(AnimationError) {
        func require(_ condition: Bool, _ field: String, _ message: @autoclosure () -> String) throws(AnimationError) {
            guard condition else { throw AnimationError(.model, "\(field): \(message())") }
        }
        for (field, network) in [("reference_unet", referenceUNet), ("denoising_unet", denoisingUNet)] {
            try require(
                network.crossAttentionChannels == imageEncoder?.projectionSize, "\(field).cross_attention_dim",
                "expected \(imageEncoder.map { "\($0.projectionSize), image_encoder's projection_dim" } ?? "none without image_encoder"), found "
                    + (network.crossAttentionChannels.map(String.init) ?? "none"))
        }
        try require(referenceUNet.guidanceChannels == nil, "reference_unet.cond_proj_dim", "expected none: references have no guidance")
        if let guidanceScale {
            try require(guidanceScale >= 0 && guidanceScale <= 100, "guidance_scale", "expected 0 to 100, found \(guidanceScale)")
        }
        if let steps = window.steps {
            try require(
                (1...StreamSchedule.mostSteps).contains(steps) && window.levels > 0 && steps % window.levels == 0, "window.steps",
                "expected a multiple of the \(window.levels) levels up to \(StreamSchedule.mostSteps), found \(steps)")
        }
    }
}
