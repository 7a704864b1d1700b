public import RainGraph
import RainModels
public import RainPictures
public import RainPose

/// Cuts reference pictures into layers, with a model's layer network.
public final class LayerCutter {
    private let executable: any Executable
    private let configuration: ModelConfiguration
    private let side: Int
    private let count: Int

    /// - Throws: `AnimationError.usage` for a model without a layer network; what engine and parameters throw
    public init(_ configuration: ModelConfiguration, engine: some Engine, parameters: (String, Shape) throws -> [Float]) throws {
        guard let graph = LayeredGraph(configuration) else {
            throw AnimationError(.usage, "\(configuration.name): has no layer network")
        }
        self.configuration = configuration
        side = graph.guide.guideSize
        count = graph.guide.layerNetwork.layers
        executable = try engine.prepare(LayeredPrograms(graph).cutter())
        try executable.load(parameters)
    }

    /// The layers of a square picture, of its size.
    ///
    /// - Parameter landmarks: of the picture
    /// - Throws: what the engine throws
    public func cut(_ picture: Picture, landmarks: LandmarkFrame) throws -> CutLayers {
        let seen = picture.fitted(width: side, height: side)
        let style = configuration.posePicture.usualStyle
        var pose = [Float](repeating: 0, count: style.count)
        style.paint(.face(landmarks), into: &pose)
        try executable.write("picture", seen.unitValues())
        try executable.write("pose_picture", pose)
        try executable.run(.step)
        return CutLayers(picture, masks: try executable.read("masks"), side: side, count: count)
    }
}
