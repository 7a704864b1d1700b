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

    /// Masks and fills of pictures `[n, s, s, 3]`.
    public func cut(_ g: GraphBuilder, _ pictures: Value, poses: Value) throws -> LayerNetwork.Output {
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

    /// Pictures of about 0…1.
    public func painted(_ g: GraphBuilder, _ composed: Composed) throws -> Value {
        let repaint = try g.scoped(Network.repainter.rawValue) {
            try guide.repainter(g, warped: composed.warped, seen: composed.seen, face: composed.face, plain: composed.plain)
        }
        return try guide.repainter.paint(repaint, warped: composed.warped, face: composed.face, plain: composed.plain)
    }
}

extension ModelPrograms {
    /// Sizes of a layered model's networks, for people.
    public static func layeredCounts(_ configuration: ModelConfiguration) throws -> [String] {
        guard let graph = LayeredGraph(configuration) else { return [] }
        let g = GraphBuilder()
        let (n, side) = (1, graph.guide.guideSize)
        let layers = try g.input("layers", graph.layerShape(1, side: side))
        let composed = try graph.composed(
            g, residual: g.input("residual", graph.latentShape(n)), guideLatents: g.input("guide_latents", graph.latentShape(n)),
            layers: layers, meshes: g.input("meshes", GuideMeshes.shape(frames: n)), laid: g.input("laid", [n, 2, 2, 2]))
        g.output("pictures", try graph.painted(g, composed))
        let pose = configuration.posePicture.size
        let cut = try graph.cut(g, g.input("picture", [1, side, side, 3]), poses: g.input("pose", [1, pose, pose, 3]))
        g.output("masks", cut.masks)
        g.output("fills", cut.fills)
        let latents = try graph.encoded(g, graph.crops(layers, cropMeshes: g.input("crop_meshes", GuideMeshes.shape(frames: n))))
        g.output("features", try graph.features(g, expression: g.input("expression", [n, 120]), guideLatents: latents))
        let banks = try g.scoped(LayeredGraph.Network.referenceUNet.rawValue) {
            try ReferenceUNet(configuration.referenceUNet)(g, latents: latents)
        }
        for bank in banks { g.output("bank_" + bank.name, bank.tokens) }
        let graphs = try [g.graph(), ModelPrograms(configuration).denoisingStep.graph(frames: 1, passes: 1)]
        var counts: [String: Int] = [:]
        for graph in graphs {
            for (name, shape) in graph.parameters { counts[String(name.prefix { $0 != "." }), default: 0] += shape.count }
            let motion = graph.parameters.filter { $0.name.contains("motion_modules") }.reduce(0) { $0 + $1.shape.count }
            if motion > 0 { counts["(motion modules)"] = motion }
        }
        let work = try graphs.map { try Double(2 * Program($0).multiplyAdds(in: .step)) / 1e9 }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value) parameters" } + ["GFLOP: \(work)"]
    }
}
