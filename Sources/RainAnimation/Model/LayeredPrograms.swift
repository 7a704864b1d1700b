import RainGraph
import RainModels

/// The programs that stream a layered model, each over fixed shapes. Layers are inputs of lifetime `.reference`: as large as the networks
/// see them, and to the decoder also as large as its pictures, if that is another size.
struct LayeredPrograms {
    private let graph: LayeredGraph

    init(_ graph: LayeredGraph) { self.graph = graph }

    private var side: Int { graph.configuration.imageSize }

    /// Whether the decoder has layers of the pictures' size, `art`, besides those that networks see.
    var hasArt: Bool { side != graph.guide.guideSize }

    private func layers(_ g: GraphBuilder) throws -> Value {
        try g.input("layers", graph.layerShape(1, side: graph.guide.guideSize), .reference)
    }

    /// Layers, `crop_meshes` and `bend` of the reference itself → `bank_<name>` `[1, tokens, channels]`.
    func reference() throws -> Program { try Program(referenceGraph()) }

    private func referenceGraph() throws -> Graph {
        let g = GraphBuilder()
        let crops = try graph.crops(g, layers(g), .init(g, frames: 1))
        let latents = try graph.encoded(g, crops)
        let banks = try g.scoped(LayeredGraph.Network.referenceUNet.rawValue) {
            try ReferenceUNet(graph.configuration.referenceUNet)(g, latents: latents)
        }
        for bank in banks { g.output("bank_" + bank.name, bank.tokens) }
        return try g.graph()
    }

    /// Layers, `crop_meshes`, `bend` and `expression` `[frames, numbers]` → `features` for the denoiser and `guide_latents`, which the decoder
    /// wants again.
    func guider(frames: Int) throws -> Program { try Program(guiderGraph(frames: frames)) }

    private func guiderGraph(frames: Int) throws -> Graph {
        let g = GraphBuilder()
        let crops = try graph.crops(g, layers(g), .init(g, frames: frames))
        let latents = try graph.encoded(g, crops)
        g.output("guide_latents", latents)
        let expression = try g.input("expression", [frames, graph.guide.expression.numbers])
        g.output("features", try graph.features(g, expression: expression, guideLatents: latents))
        return try g.graph()
    }

    /// Layers, `latents` and `guide_latents` of frames, `crop_meshes`, `bend`, `meshes` and `laid` → `pictures` and
    /// `finite` as of `ModelPrograms.decoder`.
    func decoder(frames: Int) throws -> Program { try Program(decoderGraph(frames: frames)) }

    private func decoderGraph(frames: Int) throws -> Graph {
        let g = GraphBuilder()
        let (layers, meshes) = (try layers(g), try g.input("meshes", GuideMeshes.shape(frames: frames)))
        let movement = try LayeredGraph.Movement(g, frames: frames)
        let laid = try g.input("laid", [frames, 2, 2, 2])
        let composed = try graph.composed(
            g, residual: g.input("latents", graph.latentShape(frames)), guideLatents: g.input("guide_latents", graph.latentShape(frames)),
            layers: layers, movement: movement, meshes: meshes, laid: laid)
        guard hasArt else {
            try ModelPrograms.output(composed.drawn, g)
            return try g.graph()
        }
        let art = try g.input("art", graph.layerShape(1, side: side), .reference)
        try ModelPrograms.output(
            graph.drawn(g, composed, layers: art, movement: movement, meshes: meshes, laid: laid, size: side), g)
        return try g.graph()
    }

    /// `picture` `[1, s, s, 3]` in 0…1, as large as the networks see it, and `pose_picture` → `masks` `[1, s, s, layers - 1]` in 0…1.
    func cutter() throws -> Program { try Program(cutterGraph()) }

    private func cutterGraph() throws -> Graph {
        let g = GraphBuilder()
        let (side, pose) = (graph.guide.guideSize, graph.configuration.posePicture.size)
        let masks = try graph.cut(g, g.input("picture", [1, side, side, 3]), poses: g.input("pose_picture", [1, pose, pose, 3]))
        g.output("masks", try masks.unary(.sigmoid))
        return try g.graph()
    }

    /// All graphs, before any rewriting, which may find that a parameter has no influence.
    func graphs() throws -> [Graph] {
        let finder = try graph.guide.landmarkNetwork.map { try LandmarkFinder.graph($0) }
        return try [referenceGraph(), guiderGraph(frames: 1), decoderGraph(frames: 1), cutterGraph()] + (finder.map { [$0] } ?? [])
    }
}
