public import RainAnimation
import RainModels

extension ModelConfiguration {
    /// The configuration `rain train` makes rain-mini of: RAIN in miniature, 128×128 pixels, 16×16 latent positions, three levels,
    /// predicting the clean latents.
    public static var rainMini: ModelConfiguration {
        let latentChannels = 12
        var unet = UNetConfiguration()
        unet.inChannels = latentChannels
        unet.outChannels = latentChannels
        unet.blockOutChannels = [64, 96, 128]
        unet.layersPerBlock = 1
        unet.downAttention = [true, true, true]
        unet.upAttention = [true, true, true]
        unet.normGroups = 8
        unet.positions = [16, 16]
        unet.attentionHeads = [2, 3, 4]
        unet.crossAttentionChannels = nil
        unet.feedForwardMultiplier = 2
        unet.prediction = .sample
        var denoising = unet
        var motion = MotionConfiguration(heads: [2, 3, 4])
        motion.attentionBlocks = 1
        motion.normGroups = 8
        denoising.motion = motion
        var patch = PatchAutoencoder()
        patch.latentChannels = latentChannels
        return ModelConfiguration(
            name: "rain-mini", imageSize: 128, latentSize: 16, latentChannels: latentChannels, referenceUNet: unet,
            denoisingUNet: denoising,
            poseGuider: PoseGuider(embeddingChannels: 64, blockOutChannels: [32, 64], patchSize: 2),
            posePicture: PosePicture(size: 64, discRadius: 1.4, bodyDiscRadius: 2.2), autoencoder: .patch(patch),
            scheduler: NoiseSchedule.Configuration(prediction: .sample),
            // A reference is then any picture, with no landmarks of its own to be found first.
            referencePose: false)
    }
}
