import RainFiles
import RainModels
import Yams

/// What the authors' `rain_morpher.yaml` says about a model: their keys, theirs meanings. What it does not say, or a folder without
/// one, is as published.
struct PublishedSettings: Decodable {
    var height: Int?
    var width: Int?
    var referenceHeight: Int?
    var referenceWidth: Int?
    /// Noise levels.
    var adaptiveStep: Int?
    /// Frames per group.
    var windowSize: Int?
    var steps: Int?
    var guidanceScale: Float?
    var unetFile: String?
    var unet: UNetAdditions?
    var scheduler: NoiseSchedule.Configuration?
    private var referenceUNet: String?
    private var motionUNet: String?
    private var poseGuider: String?
    private var taesdv: String?
    private var autoencoder: String?
    private var imageEncoder: String?

    enum CodingKeys: String, CodingKey {
        case height, width
        case referenceHeight = "reference_image_height"
        case referenceWidth = "reference_image_width"
        case adaptiveStep = "temporal_adaptive_step"
        case windowSize = "temporal_window_size"
        case steps = "num_inference_steps"
        case guidanceScale = "guidance_scale"
        case unetFile = "unet_config_path"
        case unet = "unet_additional_kwargs"
        case scheduler = "noise_scheduler_kwargs"
        case referenceUNet = "reference_unet_weight_path"
        case motionUNet = "denoising_unet_weight_path"
        case poseGuider = "pose_guider_weight_path"
        case taesdv = "taesdv_weight_path"
        case autoencoder = "vae_model_path"
        case imageEncoder = "image_encoder_path"
    }

    /// What makes the denoising network of a plain UNet.
    struct UNetAdditions: Codable {
        var inflatedGroupNorm: Bool?
        var crossFrameAttention: Bool?
        var temporalAttention: Bool?
        var usesMotion: Bool?
        var resolutions: [Int]?
        var inMiddle: Bool?
        var decoderOnly: Bool?
        var type: String?
        var arguments: Arguments?
        var guidanceChannels: Int?

        enum CodingKeys: String, CodingKey {
            case inflatedGroupNorm = "use_inflated_groupnorm"
            case crossFrameAttention = "unet_use_cross_frame_attention"
            case temporalAttention = "unet_use_temporal_attention"
            case usesMotion = "use_motion_module"
            case resolutions = "motion_module_resolutions"
            case inMiddle = "motion_module_mid_block"
            case decoderOnly = "motion_module_decoder_only"
            case type = "motion_module_type"
            case arguments = "motion_module_kwargs"
            case guidanceChannels = "cond_proj_dim"
        }

        struct Arguments: Codable {
            var heads: Int?
            var blocks: Int?
            var types: [String]?
            var hasPositions: Bool?
            var longestWindow: Int?
            var divisor: Int?

            enum CodingKeys: String, CodingKey {
                case heads = "num_attention_heads"
                case blocks = "num_transformer_block"
                case types = "attention_block_types"
                case hasPositions = "temporal_position_encoding"
                case longestWindow = "temporal_position_encoding_max_len"
                case divisor = "temporal_attention_dim_div"
            }
        }

        /// The published additions, with what other ones say.
        static func published(with other: UNetAdditions?) -> UNetAdditions {
            let arguments = other?.arguments
            return UNetAdditions(
                resolutions: other?.resolutions ?? [1, 2, 4, 8], inMiddle: other?.inMiddle ?? true,
                decoderOnly: other?.decoderOnly ?? false,
                type: other?.type,
                arguments: Arguments(
                    heads: arguments?.heads ?? 8, blocks: arguments?.blocks ?? 1,
                    types: arguments?.types ?? ["Temporal_Self", "Temporal_Self"], hasPositions: arguments?.hasPositions ?? true,
                    longestWindow: arguments?.longestWindow ?? 32, divisor: arguments?.divisor ?? 1),
                guidanceChannels: other?.guidanceChannels ?? PublishedConfiguration.rain.unet.guidanceChannels)
        }
    }

    init() {}

    /// The largest settings read, in bytes.
    private static let largestFile = 1 << 16

    /// The settings of a folder, if it has any.
    static func file(in folder: String) -> String? {
        ["rain_morpher.yaml", "configs/rain_morpher.yaml"].map { "\(folder)/\($0)" }.first { FileSystem.exists($0) }
    }

    /// - Throws: `AnimationError.model` naming file, field, expected and found
    init(folder: String) throws {
        guard let file = Self.file(in: folder) else {
            self.init()
            return
        }
        let bytes = try SmallFile.read(file, atMost: Self.largestFile)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw AnimationError(.model, "\(file): expected text in UTF-8") }
        guard Self.isShallow(text) else {
            throw AnimationError(.model, "\(file): expected the settings of RAIN, found something far more nested")
        }
        do {
            self = try YAMLDecoder().decode(PublishedSettings.self, from: text)
        } catch DecodingError.dataCorrupted(let context) where context.underlyingError != nil {
            throw AnimationError(.model, "\(file): not well-formed YAML")
        } catch let error as DecodingError {
            throw AnimationError(.model, "\(file): \(error.sentence)")
        } catch let error as ModelError {
            throw AnimationError(.model, "\(file): \(error)")
        } catch {
            throw AnimationError(.model, "\(file): not well-formed YAML")
        }
        try check(file)
    }

    /// The parser's recursion follows the nesting, and a hostile file's may be any; the authors' is three deep.
    private static func isShallow(_ text: String) -> Bool {
        guard text.count(where: { "[{".contains($0) }) < 100, text.count(where: { "*&".contains($0) }) < 100 else { return false }
        return text.split(whereSeparator: \.isNewline).allSatisfy { line in
            line.prefix { " -?".contains($0) }.count < 40
        }
    }

    private func check(_ file: String) throws(AnimationError) {
        func require(_ condition: Bool, _ field: String, _ message: @autoclosure () -> String) throws(AnimationError) {
            guard condition else { throw AnimationError(.model, "\(file): \(field): \(message())") }
        }
        if let width, let height { try require(width == height, "width, height", "expected a square, found \(width) × \(height)") }
        for (field, size) in [("reference_image_height", referenceHeight), ("reference_image_width", referenceWidth)] {
            if let size, let own = height ?? width {
                try require(size == own, field, "expected \(own), the pictures' own size, found \(size)")
            }
        }
        try require(unet?.inflatedGroupNorm ?? true, "use_inflated_groupnorm", "expected true: norms look at one frame at a time")
        try require(!(unet?.crossFrameAttention ?? false), "unet_use_cross_frame_attention", "expected false")
        try require(!(unet?.temporalAttention ?? false), "unet_use_temporal_attention", "expected false")
        try require(unet?.usesMotion ?? true, "use_motion_module", "expected true")
    }

    /// Where the authors have a part, relative to their repository.
    func path(of part: PublishedConfiguration.Part) -> String? {
        switch part {
        case .referenceUNet: referenceUNet
        case .motionUNet: motionUNet
        case .poseGuider: poseGuider
        case .taesdv: taesdv
        case .autoencoder: autoencoder
        case .imageEncoder: imageEncoder
        }
    }
}
