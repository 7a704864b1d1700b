import RainAnimation
import RainGraph
import RainModels

/// First values of a patch auto-encoder: the linear encoder and decoder whose product projects on the principal components of patches.
///
/// Latents are divided by deviation^0.75, so that weak components neither drown nor dominate.
struct LinearPart {
    private let autoencoder: PatchAutoencoder
    private let components: PrincipalComponents

    /// - Parameter patches: in -1…1, each in the order of a convolution's weight: channel, row, column
    init(_ autoencoder: PatchAutoencoder, patches: [Float]) {
        self.autoencoder = autoencoder
        components = PrincipalComponents(
            vectors: patches, width: autoencoder.patchSize * autoencoder.patchSize * 3, count: autoencoder.latentChannels)
    }

    /// Where the decoder's outputs (row, column, channel) stand in a patch (channel, row, column).
    private var decoderOrder: [Int] {
        let area = autoencoder.patchSize * autoencoder.patchSize
        return (0..<(3 * area)).map { ($0 % 3) * area + $0 / 3 }
    }

    /// Values of a parameter; nil for those that begin like any other network's.
    func values(_ name: String, _ shape: Shape) -> [Float]? {
        let prefix = ModelConfiguration.Network.autoencoder.rawValue + "."
        let scales = components.deviations.map { exponential(0.75 * logarithm(max($0, 1e-9))) }
        switch name {
        case prefix + "patch_encoder.weight":
            return zip(components.components, scales).flatMap { vector, scale in vector.map { Float($0 / scale) } }
        case prefix + "patch_encoder.bias":
            return zip(components.components, scales).map { vector, scale in
                Float(-zip(vector, components.mean).reduce(0) { $0 + $1.0 * $1.1 } / scale)
            }
        case prefix + "patch_decoder.weight":
            return decoderOrder.flatMap { pixel in
                zip(components.components, scales).map { vector, scale in Float(vector[pixel] * scale) }
            }
        case prefix + "patch_decoder.bias":
            return decoderOrder.map { Float(components.mean[$0]) }
        case prefix + "encoder.out.weight", prefix + "decoder.out.weight":
            return [Float](repeating: 0, count: shape.count)
        default:
            return name.hasSuffix("conv2.weight") ? [Float](repeating: 0, count: shape.count) : nil
        }
    }
}
