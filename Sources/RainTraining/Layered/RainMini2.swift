public import RainAnimation
import RainModels
import RainPose

extension ModelConfiguration {
    /// The layered model that `rain train` makes: references of any size cut into layers, the face diffused in a crop of 128×128 pixels
    /// with 8×8 latent positions, for pictures of 256×256 and larger.
    public static var rainMini2: ModelConfiguration {
        let latentChannels = 32
        var unet = UNetConfiguration()
        unet.inChannels = latentChannels
        unet.outChannels = latentChannels
        unet.blockOutChannels = [80, 112]
        unet.layersPerBlock = 1
        unet.downAttention = [true, true]
        unet.upAttention = [true, true]
        unet.normGroups = 8
        unet.positions = [8, 8]
        unet.attentionHeads = [2, 4]
        unet.crossAttentionChannels = nil
        unet.feedForwardMultiplier = 2
        unet.prediction = .sample
        var denoising = unet
        var motion = MotionConfiguration(heads: [2, 4])
        motion.attentionBlocks = 1
        motion.normGroups = 8
        denoising.motion = motion
        var patch = PatchAutoencoder()
        patch.latentChannels = latentChannels
        patch.encoderChannels = [48, 64, 96]
        patch.encoderBlocks = [1, 1, 1]
        patch.decoderChannels = [128, 96, 48, 24]
        patch.decoderBlocks = [2, 2, 1, 1]
        var guide = LayeredGuide(embeddingChannels: unet.blockOutChannels[0])
        guide.landmarkNetwork = LandmarkNetwork()
        return ModelConfiguration(
            name: "rain-mini", imageSize: guide.guideSize, latentSize: 8, latentChannels: latentChannels, referenceUNet: unet,
            denoisingUNet: denoising, poseGuider: nil, layeredGuide: guide,
            posePicture: PosePicture(size: guide.guideSize / 4, discRadius: 1.4, bodyDiscRadius: 2.2), autoencoder: .patch(patch),
            scheduler: NoiseSchedule.Configuration(prediction: .sample), referencePose: false)
    }
}
