public import RainGraph
import RainModels
public import RainPictures
public import RainPose

/// Cuts reference pictures into layers, with a model's layer network.
public final class LayerCutter {
    private let masks: ([String: [Float]]) throws -> [Float]
    private let configuration: ModelConfiguration
    private let side: Int

    /// For many pictures: the network stays prepared.
    ///
    /// - Throws: `AnimationError.usage` for a model without a layer network; what engine and parameters throw
    public convenience init(
        _ configuration: ModelConfiguration, engine: some Engine, parameters: (String, Shape) throws -> [Float]
    ) throws {
        let graph = try Self.graph(configuration)
        let executable = try engine.compile(LayeredPrograms(graph).cutter())
        try executable.load(parameters)
        self.init(configuration, graph) { inputs in
            for (name, values) in inputs { try executable.write(name, values) }
            try executable.run(.step)
            return try executable.read("masks")
        }
    }

    /// For a picture now and then: the network is in memory only while it runs.
    convenience init(
        _ configuration: ModelConfiguration, evaluate: @escaping (Program, [String: [Float]]) throws -> [String: [Float]]
    ) throws {
        let graph = try Self.graph(configuration)
        let program = try LayeredPrograms(graph).cutter()
        self.init(configuration, graph) { try evaluate(program, $0)["masks"] ?? [] }
    }

    private init(_ configuration: ModelConfiguration, _ graph: LayeredGraph, masks: @escaping ([String: [Float]]) throws -> [Float]) {
        self.configuration = configuration
        self.masks = masks
        side = graph.guide.guideSize
    }

    private static func graph(_ configuration: ModelConfiguration) throws -> LayeredGraph {
        guard let graph = LayeredGraph(configuration) else {
            throw AnimationError(.usage, "\(configuration.name): has no layer network")
        }
        return graph
    }

    /// The layers of a square picture, of its size.
    ///
    /// - Parameter landmarks: of the picture
    /// - Throws: what the engine throws
    public func cut(_ picture: Picture, landmarks: LandmarkFrame) throws -> CutLayers {
        CutLayers(picture, masks: try masks(picture, landmarks), side: side)
    }

    /// A square picture as one sheet, its eyes as another on it, and what lies before its face as a third.
    ///
    /// - Parameter landmarks: of the picture; where they say nothing, all is one sheet
    /// - Throws: what the engine throws
    public func whole(_ picture: Picture, landmarks: LandmarkFrame) throws -> CutLayers {
        guard let regions = FaceRegions(landmarks) else { return CutLayers(whole: LayerPicture(picture)) }
        let (found, count) = (try masks(picture, landmarks), CharacterLayer.allCases.count - 1)
        var masks = [Float](repeating: 0, count: side * side * 2)
        for pixel in 0..<(side * side) {
            func mask(_ layer: CharacterLayer) -> Float { found[pixel * count + layer.rawValue - 1] }
            // Landmarks know where eyes are; the network how far their lashes reach.
            let region = regions(SIMD2(Double(pixel % side) + 0.5, Double(pixel / side) + 0.5) / Double(side))
            masks[pixel * 2] = max(Float(region.eye), mask(.features) * Float(region.nearEye))
            masks[pixel * 2 + 1] = mask(.frontHair)
        }
        return CutLayers(whole: picture, masks: masks, side: side, regions: regions)
    }

    private func masks(_ picture: Picture, _ landmarks: LandmarkFrame) throws -> [Float] {
        let style = configuration.posePicture.usualStyle
        var pose = [Float](repeating: 0, count: style.count)
        style.paint(.face(landmarks), into: &pose)
        return try masks(["picture": picture.fitted(width: side, height: side).unitValues(), "pose_picture": pose])
    }
}
