public import RainModels
import RainPose

extension ModelConfiguration {
    /// What a published model is, with its own size and window.
    ///
    /// - Throws: what `validate` throws
    public init(_ published: PublishedConfiguration) throws {
        let pose = PosePainter(width: published.size, height: published.size)
        self.init(
            name: "published", imageSize: published.size, latentSize: published.size / TAESDV.upscale,
            latentChannels: published.autoencoder.latentChannels, referenceUNet: published.referenceUNet, denoisingUNet: published.unet,
            poseGuider: published.poseGuider,
            posePicture: PosePicture(size: published.size, discRadius: pose.radius, bodyDiscRadius: pose.bodyRadius, style: .person),
            autoencoder: .stableDiffusion(published.autoencoder, published.taesdv), imageEncoder: published.imageEncoder,
            scheduler: published.scheduler,
            window: Window(framesPerGroup: published.framesPerGroup, levels: published.levels, steps: published.steps),
            guidanceScale: published.guidanceScale, referencePose: false)
        try validate()
    }

    /// The same networks for pictures of another size.
    ///
    /// - Parameter size: width and height in pixels; `nil` for the same
    /// - Throws: `AnimationError.usage` if the model works at one size only, or not at this one
    public func resized(to size: Int?) throws(AnimationError) -> ModelConfiguration {
        guard let size, size != imageSize else { return self }
        if layeredGuide != nil {
            guard size >= 64, size <= 2048, size % 16 == 0 else {
                throw AnimationError(.usage, "size: expected a multiple of 16 from 64 to 2048, found \(size)")
            }
            var resized = self
            resized.imageSize = size
            return resized
        }
        guard case .stableDiffusion = autoencoder, referenceUNet.positions == nil, denoisingUNet.positions == nil else {
            throw AnimationError(.usage, "size: \(name) works at \(imageSize) pixels only, found \(size)")
        }
        let step = TAESDV.upscale << (max(referenceUNet.levels, denoisingUNet.levels) - 1)
        guard size > 0, size <= 2048, size % step == 0 else {
            throw AnimationError(.usage, "size: expected a multiple of \(step) up to 2048, found \(size)")
        }
        var resized = self
        let factor = Float(size) / Float(imageSize)
        resized.imageSize = size
        resized.latentSize = size / TAESDV.upscale
        resized.posePicture.size = resized.latentSize * (poseGuider?.downscale ?? 1)
        resized.posePicture.discRadius *= factor
        resized.posePicture.bodyDiscRadius *= factor
        return resized
    }
}
