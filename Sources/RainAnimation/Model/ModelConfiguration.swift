public import RainModels
public import RainPose

/// Everything a model is besides its weights: sizes, networks, noise schedule and the window it is meant to be streamed with.
///
/// Kept as `model.json` (snake case, `"format": "rain-model", "version": 1`) beside `<name>.safetensors`; `Docs/ModelFormat.md`
/// describes both. Reading is strict: unknown keys, missing keys and values that do not belong together are errors.
public struct ModelConfiguration: Hashable, Sendable {
    /// What a file calls itself.
    public static let format = "rain-model"
    /// The version written, and the only one read.
    public static let version = 1
    /// Prefixes of the parameters of the networks in the weights file, each followed by a dot.
    public enum Network: String, Sendable, CaseIterable {
        case referenceUNet = "reference_unet"
        case denoisingUNet = "denoising_unet"
        case poseGuider = "pose_guider"
        case autoencoder
        /// Of a layered guide.
        case expressionGuider = "expression_guider"
        case layerNetwork = "layer_network"
        case landmarkNetwork = "landmark_network"
        case faceGate = "face_gate"
        /// Of the latents of the crop's residual: `residual_std`.
        case residual
        /// Stable Diffusion's auto-encoder, which reads the reference picture.
        case vae
        /// Decodes the stream beside `vae`.
        case taesdv
        case imageEncoder = "image_encoder"
    }

    /// Letters, digits, `-`, `_` and `.`; the weights file is `<name>.safetensors`.
    public var name: String
    /// Width and height of the pictures in pixels.
    public var imageSize: Int
    /// Width and height of the latents.
    public var latentSize: Int
    /// Channels of the latents.
    public var latentChannels: Int
    public var referenceUNet: UNetConfiguration
    public var denoisingUNet: UNetConfiguration
    /// Reads the driving landmarks as a picture; `nil` for a model with a layered guide.
    public var poseGuider: PoseGuider?
    /// Moves the reference as layers and diffuses its face alone, in a crop; `nil` for a model that makes whole pictures. The
    /// auto-encoder is then the crop's.
    public var layeredGuide: LayeredGuide?
    /// Whether references are cut into layers; such models know characters of many drawing styles, others the classic one.
    public var isLayered: Bool { layeredGuide != nil }
    public var posePicture: PosePicture
    public var autoencoder: Autoencoder
    /// What turns the reference picture into the cross-attention token of both UNets; `nil` for networks without cross-attention.
    public var imageEncoder: CLIPVisionEncoder?
    public var scheduler: NoiseSchedule.Configuration
    /// The window the model was trained for.
    public var window: Window
    /// How strongly a model with a guidance embedding follows its reference, unless the user says otherwise; `nil` for
    /// `StreamBatch.usualGuidance`.
    public var guidanceScale: Float?
    /// Whether the reference network is given the reference's own landmarks: the pose guider's features of their picture are added
    /// after its `conv_in`.
    public var referencePose: Bool

    /// Whether there is a scale of how strongly the model follows its reference.
    public var hasGuidance: Bool { denoisingUNet.guidanceChannels != nil }
    /// That scale, unless the user says otherwise; `nil` for a model without.
    public var usualGuidance: Float? { hasGuidance ? guidanceScale ?? StreamBatch.usualGuidance : nil }

    /// The pictures the pose guider reads.
    public struct PosePicture: Hashable, Sendable, Codable {
        /// Width and height in pixels.
        public var size: Int
        /// Of the discs of the face, in pixels of the pose picture.
        public var discRadius: Float
        /// Of the discs of neck and shoulders.
        public var bodyDiscRadius: Float
        /// How they are drawn; the radii are for the discs of `.face` alone.
        public var style: Style

        /// The two ways of drawing them.
        public enum Style: String, Hashable, Sendable, Codable {
            /// Soft discs at 29 points of a drawn face.
            case face
            /// What the authors of RAIN draw of a person's 134 points.
            case person
        }

        enum CodingKeys: String, CodingKey, CaseIterable {
            case size, style
            case discRadius = "disc_radius"
            case bodyDiscRadius = "body_disc_radius"
        }

        public init(size: Int, discRadius: Float, bodyDiscRadius: Float, style: Style = .face) {
            self.size = size
            self.style = style
            self.discRadius = discRadius
            self.bodyDiscRadius = bodyDiscRadius
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.strictContainer(CodingKeys.self)
            size = try values.decode(Int.self, forKey: .size)
            discRadius = try values.decode(Float.self, forKey: .discRadius)
            bodyDiscRadius = try values.decode(Float.self, forKey: .bodyDiscRadius)
            style = try values.decodeIfPresent(Style.self, forKey: .style) ?? .face
        }

        /// The way of drawing with its usual settings.
        public var usualStyle: PoseStyle {
            switch style {
            case .face: .face(PosePainter(width: size, height: size, radius: discRadius, bodyRadius: bodyDiscRadius))
            case .person: .person(WholeBodyPainter(width: size, height: size))
            }
        }
    }

    /// What turns pictures into latents and back.
    public enum Autoencoder: Hashable, Sendable {
        /// Patches with convolutional residuals, `autoencoder.…` with `latent_mean` and `latent_std`.
        case patch(PatchAutoencoder)
        /// Stable Diffusion's for the reference picture, `vae.…`, and TAESDV for the stream, `taesdv.…`.
        case stableDiffusion(AutoencoderKL, TAESDV)
    }

    /// Frames per group and noise levels of the stream.
    public struct Window: Hashable, Sendable, Codable {
        public var framesPerGroup: Int
        public var levels: Int
        /// Denoising steps of each frame; `nil` for one per level.
        public var steps: Int?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case framesPerGroup = "frames_per_group"
            case levels, steps
        }

        public init(framesPerGroup: Int = 4, levels: Int = 4, steps: Int? = nil) {
            self.framesPerGroup = framesPerGroup
            self.levels = levels
            self.steps = steps
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.strictContainer(CodingKeys.self)
            framesPerGroup = try values.decode(Int.self, forKey: .framesPerGroup)
            levels = try values.decode(Int.self, forKey: .levels)
            steps = try values.decodeIfPresent(Int.self, forKey: .steps)
        }
    }

    public init(
        name: String, imageSize: Int, latentSize: Int, latentChannels: Int, referenceUNet: UNetConfiguration,
        denoisingUNet: UNetConfiguration, poseGuider: PoseGuider?, layeredGuide: LayeredGuide? = nil, posePicture: PosePicture,
        autoencoder: Autoencoder,
        imageEncoder: CLIPVisionEncoder? = nil, scheduler: NoiseSchedule.Configuration, window: Window = Window(),
        guidanceScale: Float? = nil, referencePose: Bool = true
    ) {
        self.name = name
        self.imageSize = imageSize
        self.latentSize = latentSize
        self.latentChannels = latentChannels
        self.referenceUNet = referenceUNet
        self.denoisingUNet = denoisingUNet
        self.poseGuider = poseGuider
        self.layeredGuide = layeredGuide
        self.posePicture = posePicture
        self.autoencoder = autoencoder
        self.imageEncoder = imageEncoder
        self.scheduler = scheduler
        self.window = window
        self.guidanceScale = guidanceScale
        self.referencePose = referencePose
    }
}
