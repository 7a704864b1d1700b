public import RainGraph
public import RainModels
import RainPose

/// The parts of a layered model's programs; what streams, and what trains, is built of them.
///
/// Latents are the crop's, normalised. What is diffused is the *residual*: what a frame's latents have more than those of the warped
/// reference, in deviations of every channel and position.
public struct LayeredGraph {
    public typealias Network = ModelConfiguration.Network

    public let configuration: ModelConfiguration
    public let guide: LayeredGuide
    public let autoencoder: PatchAutoencoder

    /// - Returns: nil for a model of another kind
    public init?(_ configuration: ModelConfiguration) {
        guard let guide = configuration.layeredGuide, case .patch(let autoencoder) = configuration.autoencoder else { return nil }
        self.configuration = configuration
        self.guide = guide
        self.autoencoder = autoencoder
    }

    /// `[n, h, w, c]` of frames' latents.
    public func latentShape(_ count: Int) -> Shape {
        [count, configuration.latentSize, configuration.latentSize, configuration.latentChannels]
    }

    /// Layers of `count` references.
    public func layerShape(_ count: Int, side: Int) -> Shape { [guide.layerNetwork.layers, count, side, side, 4] }

    /// Masks of pictures `[n, s, s, 3]`, before a sigmoid.
    public func cut(_ g: GraphBuilder, _ pictures: Value, poses: Value) throws -> Value {
        try g.scoped(Network.layerNetwork.rawValue) { try guide.layerNetwork(g, pictures, poses: poses) }
    }

    /// Crops of the layers under the front one, `[n, cropSize, cropSize, 3]`.
    public func crops(_ layers: Value, cropMeshes: Value) throws -> Value {
        try guide.warped(layers, meshes: cropMeshes, size: guide.cropSize).under.sliced(axis: 3, start: 0, count: 3)
    }

    /// Latents of crops.
    public func encoded(_ g: GraphBuilder, _ crops: Value) throws -> Value {
        try g.scoped(Network.autoencoder.rawValue) { try autoencoder.encode(g, crops) }
    }

    /// What the denoiser is told of frames.
    public func features(_ g: GraphBuilder, expression: Value, guideLatents: Value) throws -> Value {
        try g.scoped(Network.expressionGuider.rawValue) { try guide.expression(g, expression: expression, guide: guideLatents) }
    }

    /// Deviations of the residual.
    public func residualDeviation(_ g: GraphBuilder) throws -> Value {
        try g.scoped(Network.residual.rawValue) {
            try g.frozen {
                try g.parameter("std", [configuration.latentSize, configuration.latentSize, configuration.latentChannels])
            }
        }
    }

    /// What a picture is composed of, before it is repainted.
    public struct Composed {
        /// The driven layers.
        public let warped: LayeredGuide.Warped
        /// The diffused face as a layer of the crop, `[n, cropSize, cropSize, 4]`.
        public let face: Value
        /// The driven layers with the face laid in, `[n, s, s, 4]`.
        public let drawn: Value
    }

    /// - Parameters:
    ///   - residual: of frames, diffused
    ///   - guideLatents: of the same frames
    ///   - layers: of their references
    ///   - meshes: `[layers, n, m, m, 2]`
    ///   - laid: `[n, 2, 2, 2]`, from the picture into the crop
    public func composed(
        _ g: GraphBuilder, residual: Value, guideLatents: Value, layers: Value, meshes: Value, laid: Value
    ) throws -> Composed {
        let crops = try facesAndPlain(g, residual: residual, guideLatents: guideLatents)
        let warped = try guide.warped(layers, meshes: meshes, size: guide.guideSize)
        let face = try repainting(g) { try guide.repainter.face(g, crops.face, plain: crops.plain) }
        return try Composed(warped: warped, face: face, drawn: drawn(g, warped, face, laid: laid, size: guide.guideSize))
    }

    /// Crops as they were diffused, and as the reference alone would have them, `[n, cropSize, cropSize, 3]`.
    private func facesAndPlain(_ g: GraphBuilder, residual: Value, guideLatents: Value) throws -> (face: Value, plain: Value) {
        let latents = try residual.multiplied(by: residualDeviation(g)).adding(guideLatents)
        let crops = try decoded(g, latents.concatenated(with: [guideLatents], axis: 0))
        let count = latents.shape[0]
        return (try crops.sliced(axis: 0, start: 0, count: count), try crops.sliced(axis: 0, start: count, count: count))
    }

    /// The face is laid only where the reference has one: what is diffused beside it, of hair and background, is not shown.
    /// Crops of residuals, `[n, cropSize, cropSize, 3]`.
    public func decoded(_ g: GraphBuilder, residual: Value, guideLatents: Value) throws -> Value {
        try decoded(g, residual.multiplied(by: residualDeviation(g)).adding(guideLatents))
    }

    private func decoded(_ g: GraphBuilder, _ latents: Value) throws -> Value {
        try g.frozen { try g.scoped(Network.autoencoder.rawValue) { try autoencoder.decode(g, latents) } }
    }

    private func drawn(_ g: GraphBuilder, _ warped: LayeredGuide.Warped, _ face: Value, laid: Value, size: Int) throws -> Value {
        func open(_ layer: CharacterLayer) throws -> Value {
            try warped.alphas.sliced(axis: 3, start: layer.rawValue, count: 1).scaled(by: -1, plus: 1)
        }
        let shown = try open(.face).multiplied(by: open(.features)).scaled(by: -1, plus: 1)
        return try warped.covered(guide.laid(g, face, meshes: laid, size: size).multiplied(by: shown).over(warped.under))
    }

    /// Pictures of about 0…1, as large as those that the networks see, `[n, s, s, 4]`, opaque.
    public func painted(_ g: GraphBuilder, _ composed: Composed) throws -> Value { try repaint(g, composed).over(composed.drawn) }

    /// Pictures of about 0…1 of any size: layers are driven at that size, and what is diffused and repainted is enlarged.
    ///
    /// - Parameter layers: as large as the result
    func painted(_ g: GraphBuilder, _ composed: Composed, layers: Value, meshes: Value, laid: Value, size: Int) throws -> Value {
        let corners = try g.constant([-1, -1, 1, -1, -1, 1, 1, 1], [1, 2, 2, 2]).broadcasted(to: [meshes.shape[1], 2, 2, 2])
        let repaint = try repaint(g, composed).sampled(corners, height: size, width: size)
        let warped = try guide.warped(layers, meshes: meshes, size: size)
        return try repaint.over(drawn(g, warped, composed.face, laid: laid, size: size))
    }

    private func repaint(_ g: GraphBuilder, _ composed: Composed) throws -> Value {
        try repainting(g) {
            try guide.repainter(
                g, drawn: composed.drawn, warped: composed.warped.covered(composed.warped.under), seen: composed.warped.seen)
        }
    }

    private func repainting<T>(_ g: GraphBuilder, _ body: () throws -> T) rethrows -> T {
        try g.scoped(Network.repainter.rawValue, body)
    }
}
