public import RainGraph
public import RainModels

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

    /// What the repainter joins.
    public struct Composed {
        public let warped: Value
        public let seen: Value
        public let face: Value
        public let plain: Value
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
        let warped = try guide.warped(layers, meshes: meshes, size: guide.guideSize)
        let latents = try residual.multiplied(by: residualDeviation(g)).adding(guideLatents)
        let crops = try g.scoped(Network.autoencoder.rawValue) {
            try autoencoder.decode(g, latents.concatenated(with: [guideLatents], axis: 0))
        }
        let count = latents.shape[0]
        func laidPicture(_ start: Int) throws -> Value {
            let crop = try crops.sliced(axis: 0, start: start, count: count)
            return try warped.covered(guide.laid(g, crop, into: warped.under, meshes: laid))
        }
        return try Composed(
            warped: warped.covered(warped.under), seen: warped.seen, face: laidPicture(0), plain: laidPicture(count))
    }

    /// Pictures of about 0…1, as large as those that the networks see.
    public func painted(_ g: GraphBuilder, _ composed: Composed) throws -> Value {
        try guide.repainter.paint(repaint(g, composed), warped: composed.warped, face: composed.face, plain: composed.plain)
    }

    /// Pictures of about 0…1 of any size: layers are driven at that size, and what is diffused and repainted is enlarged.
    ///
    /// - Parameter layers: as large as the result
    func painted(_ g: GraphBuilder, _ composed: Composed, layers: Value, meshes: Value, size: Int) throws -> Value {
        guard size != guide.guideSize else { return try painted(g, composed) }
        let corners = try g.constant([-1, -1, 1, -1, -1, 1, 1, 1], [1, 2, 2, 2]).broadcasted(to: [meshes.shape[1], 2, 2, 2])
        func enlarged(_ value: Value) throws -> Value { try value.sampled(corners, height: size, width: size) }
        let moved = try guide.warped(layers, meshes: meshes, size: size)
        return try guide.repainter.paint(
            enlarged(repaint(g, composed)), warped: moved.covered(moved.under), face: enlarged(composed.face),
            plain: enlarged(composed.plain))
    }

    private func repaint(_ g: GraphBuilder, _ composed: Composed) throws -> Value {
        try g.scoped(Network.repainter.rawValue) {
            try guide.repainter(g, warped: composed.warped, seen: composed.seen, face: composed.face, plain: composed.plain)
        }
    }
}
