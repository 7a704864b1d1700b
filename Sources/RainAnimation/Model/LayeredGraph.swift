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

    /// How a face moves in the crop.
    public struct Movement {
        /// `[layers, n, m, m, 2]`: the head's turn.
        public let cropMeshes: Value
        /// `[n, m, m, 4]`: lids, pupils, brows and lips.
        public let bend: Value

        /// Where pixels come from, `[n, m, m, 2]`.
        fileprivate var places: Value { get throws { try bend.sliced(axis: 3, start: 0, count: 2) } }
        /// How far lips part that the reference has closed, `[n, m, m, 1]`.
        fileprivate var parting: Value { get throws { try bend.sliced(axis: 3, start: 2, count: 1) } }
        /// How far lids have come down, `[n, m, m, 1]`.
        fileprivate var lids: Value { get throws { try bend.sliced(axis: 3, start: 3, count: 1) } }

        /// Inputs `crop_meshes` and `bend`.
        public init(_ g: GraphBuilder, frames: Int) throws {
            cropMeshes = try g.input("crop_meshes", GuideMeshes.shape(frames: frames))
            bend = try g.input("bend", [frames, GuideGeometry.bendSide, GuideGeometry.bendSide, 4])
        }
    }

    /// Crops of the layers under the front one, moved: `[n, cropSize, cropSize, 3]`.
    public func crops(_ g: GraphBuilder, _ layers: Value, _ movement: Movement) throws -> Value {
        try crops(g, layers, movement, size: guide.cropSize).sliced(axis: 3, start: 0, count: 3)
    }

    private func crops(_ g: GraphBuilder, _ layers: Value, _ movement: Movement, size: Int) throws -> Value {
        try uncovered(g, layers, movement, size: size).over(bent(layers, movement, size: size))
    }

    private func bent(_ layers: Value, _ movement: Movement, size: Int) throws -> Value {
        try guide.warped(layers, meshes: movement.cropMeshes, size: size).under.sampled(movement.places, height: size, width: size)
    }

    /// Of a mouth that the reference has closed, and that opens: what is diffused begins with it.
    private static let mouthColor: [Float] = [0.5, 0.2, 0.2, 1]

    /// What is seen where lips part and lids have come down, as a layer: a plain red, and skin without features.
    private func uncovered(_ g: GraphBuilder, _ layers: Value, _ movement: Movement, size: Int) throws -> Value {
        let mouth = try enlarged(g, movement.parting, size: size).multiplied(by: g.constant(Self.mouthColor, [1, 1, 1, 4]))
        // Skin without features is smooth.
        let skin = try guide.skin(layers, meshes: movement.cropMeshes, size: guide.cropSize)
            .multiplied(by: enlarged(g, movement.lids, size: guide.cropSize))
        return try mouth.over(enlarged(g, skin, size: size))
    }

    /// The crop as a layer, `[n, size, size, 4]`, there where something has moved in the face: elsewhere the picture has sharper pixels.
    private func moved(_ g: GraphBuilder, _ layers: Value, _ movement: Movement, size: Int) throws -> Value {
        let side = GuideGeometry.bendSide
        let nodes = (0..<side).map { Float($0) * 2 / Float(side - 1) - 1 }
        let still = try g.constant(nodes.flatMap { y in nodes.flatMap { x in [x, y] } }, [1, side, side, 2])
        let way = try movement.places.subtracting(still).scaled(by: Float(guide.cropSize) / 2)
        // Half a pixel of the crop is a movement.
        let share = try way.unary(.square).summed(axes: [3]).scaled(by: -4, plus: 1).unary(.relu).scaled(by: -1, plus: 1)
        let bent = try bent(layers, movement, size: size).multiplied(by: enlarged(g, share, size: size))
        return try uncovered(g, layers, movement, size: size).over(bent)
    }

    private func enlarged(_ g: GraphBuilder, _ value: Value, size: Int) throws -> Value {
        guard value.shape[1] != size else { return value }
        let corners = try g.constant([-1, -1, 1, -1, -1, 1, 1, 1], [1, 2, 2, 2]).broadcasted(to: [value.shape[0], 2, 2, 2])
        return try value.sampled(corners, height: size, width: size)
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

    /// What a picture is composed of.
    public struct Composed {
        /// The driven layers.
        public let warped: LayeredGuide.Warped
        /// What was diffused, as a layer of the crop, `[n, cropSize, cropSize, 4]`.
        public let diffused: Value
        /// The driven layers with the face laid in, `[n, s, s, 4]`.
        public let drawn: Value
    }

    /// - Parameters:
    ///   - residual: of frames, diffused
    ///   - guideLatents: of the same frames
    ///   - layers: of their references
    ///   - movement: of the face
    ///   - meshes: `[layers, n, m, m, 2]`
    ///   - laid: `[n, 2, 2, 2]`, from the picture into the crop
    public func composed(
        _ g: GraphBuilder, residual: Value, guideLatents: Value, layers: Value, movement: Movement, meshes: Value, laid: Value
    ) throws -> Composed {
        let crops = try facesAndPlain(g, residual: residual, guideLatents: guideLatents)
        let warped = try guide.warped(layers, meshes: meshes, size: guide.guideSize)
        let diffused = try gated(g, crops.face, plain: crops.plain, movement)
        let face = try diffused.over(moved(g, layers, movement, size: guide.cropSize))
        return try Composed(warped: warped, diffused: diffused, drawn: drawn(g, warped, face, laid: laid, size: guide.guideSize))
    }

    /// Crops as they were diffused, and as the reference alone would have them, `[n, cropSize, cropSize, 3]`.
    private func facesAndPlain(_ g: GraphBuilder, residual: Value, guideLatents: Value) throws -> (face: Value, plain: Value) {
        let latents = try residual.multiplied(by: residualDeviation(g)).adding(guideLatents)
        let crops = try decoded(g, latents.concatenated(with: [guideLatents], axis: 0))
        let count = latents.shape[0]
        return (try crops.sliced(axis: 0, start: 0, count: count), try crops.sliced(axis: 0, start: count, count: count))
    }

    /// Crops of residuals, `[n, cropSize, cropSize, 3]`.
    public func decoded(_ g: GraphBuilder, residual: Value, guideLatents: Value) throws -> Value {
        try decoded(g, residual.multiplied(by: residualDeviation(g)).adding(guideLatents))
    }

    private func decoded(_ g: GraphBuilder, _ latents: Value) throws -> Value {
        try g.frozen { try g.scoped(Network.autoencoder.rawValue) { try autoencoder.decode(g, latents) } }
    }

    /// The face is laid only where the reference has one: what is diffused beside it, of hair and background, is not shown.
    private func drawn(_ g: GraphBuilder, _ warped: LayeredGuide.Warped, _ face: Value, laid: Value, size: Int) throws -> Value {
        func open(_ layer: CharacterLayer) throws -> Value {
            try warped.alphas.sliced(axis: 3, start: layer.rawValue, count: 1).scaled(by: -1, plus: 1)
        }
        let shown = try open(.face).multiplied(by: open(.features)).scaled(by: -1, plus: 1)
        return try warped.covered(guide.laid(g, face, meshes: laid, size: size).multiplied(by: shown).over(warped.under))
    }

    /// What was diffused, as a layer of the crop; there where no movement of pixels shows what is to be seen: between lips that part. Elsewhere
    /// moved pixels are sharper than what a denoiser of a few hours makes.
    private func gated(_ g: GraphBuilder, _ face: Value, plain: Value, _ movement: Movement) throws -> Value {
        let layer = try g.scoped(Network.faceGate.rawValue) { try guide.gate(g, face, plain: plain) }
        return try layer.multiplied(by: enlarged(g, movement.parting, size: guide.cropSize))
    }

    /// The crop itself with what was diffused, `[n, cropSize, cropSize, 4]`; what the gate is trained on.
    public func crop(_ g: GraphBuilder, residual: Value, guideLatents: Value, layers: Value, movement: Movement) throws -> Value {
        let crops = try facesAndPlain(g, residual: residual, guideLatents: guideLatents)
        return try gated(g, crops.face, plain: crops.plain, movement).over(self.crops(g, layers, movement, size: guide.cropSize))
    }

    /// The same pictures at any size: layers are driven at that size, and what was diffused is enlarged.
    ///
    /// - Parameter layers: as large as the result
    func drawn(
        _ g: GraphBuilder, _ composed: Composed, layers: Value, movement: Movement, meshes: Value, laid: Value, size: Int
    ) throws -> Value {
        let crop = max(guide.cropSize, guide.cropSize * size / guide.guideSize)
        let face = try enlarged(g, composed.diffused, size: crop).over(moved(g, layers, movement, size: crop))
        return try drawn(g, guide.warped(layers, meshes: meshes, size: size), face, laid: laid, size: size)
    }
}
