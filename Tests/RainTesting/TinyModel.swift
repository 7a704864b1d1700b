public import RainAnimation
import RainModels
public import RainPictures
public import RainPose

/// A model that is a whole one, and no larger than it must be.
public enum TinyModel {
    public static var configuration: ModelConfiguration {
        var unet = UNetConfiguration()
        unet.inChannels = 4
        unet.outChannels = 4
        unet.blockOutChannels = [8, 16]
        unet.layersPerBlock = 1
        unet.downAttention = [true, true]
        unet.upAttention = [true, true]
        unet.normGroups = 4
        unet.attentionHeads = [2, 2]
        unet.crossAttentionChannels = nil
        unet.feedForwardMultiplier = 1
        unet.prediction = .sample
        let reference = unet
        var motion = MotionConfiguration(heads: [2, 2])
        motion.normGroups = 4
        motion.attentionBlocks = 1
        unet.motion = motion
        var autoencoder = PatchAutoencoder()
        autoencoder.latentChannels = 4
        autoencoder.encoderChannels = [8, 8]
        autoencoder.decoderChannels = [8, 8, 8]
        autoencoder.encoderBlocks = [0, 0]
        autoencoder.decoderBlocks = [0, 0, 0]
        return ModelConfiguration(
            name: "tiny", imageSize: 32, latentSize: 4, latentChannels: 4, referenceUNet: reference, denoisingUNet: unet,
            poseGuider: PoseGuider(embeddingChannels: 8, blockOutChannels: [8, 8], patchSize: 2),
            posePicture: ModelConfiguration.PosePicture(size: 16, discRadius: 1, bodyDiscRadius: 1.5), autoencoder: .patch(autoencoder),
            scheduler: NoiseSchedule.Configuration(prediction: .sample))
    }

    /// A layered one: pictures of 32 pixels, crops of 16.
    public static var layered: ModelConfiguration {
        var layered = configuration
        layered.name = "tiny-layered"
        var autoencoder = PatchAutoencoder()
        autoencoder.latentChannels = 4
        autoencoder.encoderChannels = [8]
        autoencoder.decoderChannels = [8, 8]
        autoencoder.encoderBlocks = [1]
        autoencoder.decoderBlocks = [1, 0]
        layered.autoencoder = .patch(autoencoder)
        var guide = LayeredGuide(embeddingChannels: 8)
        (guide.guideSize, guide.cropSize) = (32, 16)
        (guide.expression.hiddenChannels, guide.expression.placedChannels) = (16, 4)
        guide.layerNetwork.channels = [8, 8]
        guide.layerNetwork.maskChannels = 4
        guide.gate.channels = 4
        var network = LandmarkNetwork()
        (network.cropSize, network.channels) = (32, [8, 8])
        guide.landmarkNetwork = network
        layered.poseGuider = nil
        layered.layeredGuide = guide
        layered.posePicture = ModelConfiguration.PosePicture(size: 8, discRadius: 0.5, bodyDiscRadius: 0.7)
        layered.referencePose = false
        return layered
    }

    /// - Parameter style: what the model is shown of drivers: drawn faces, or whole persons as a published model
    public static func model(seed: UInt64 = 1, style: ModelConfiguration.PosePicture.Style = .face) throws -> AnimationModel {
        var configuration = configuration
        configuration.posePicture.style = style
        return try .random(configuration, seed: seed)
    }

    public static let reference: Picture = {
        var picture = Picture(width: 32, height: 32, red: 200, green: 120, blue: 40)
        for index in picture.bytes.indices { picture.bytes[index] &+= UInt8(truncatingIfNeeded: index &* 37) / 4 }
        return picture
    }()

    /// A face that moves.
    public static func driving(_ index: Int) -> LandmarkFrame {
        LandmarkFrame(
            points: LandmarkFrame.neutral.points.enumerated().map { at, point in
                LandmarkPoint(x: point.x + 0.01 * Float((index + at) % 7), y: point.y + 0.01 * Float((3 * index + at) % 5))
            })
    }
}
