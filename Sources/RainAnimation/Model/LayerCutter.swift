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
        let executable = try engine.prepare(LayeredPrograms(graph).cutter())
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
        let style = configuration.posePicture.usualStyle
        var pose = [Float](repeating: 0, count: style.count)
        style.paint(.face(landmarks), into: &pose)
        let seen = picture.fitted(width: side, height: side).unitValues()
        return CutLayers(picture, masks: try masks(["picture": seen, "pose_picture": pose]), side: side)
    }
}
