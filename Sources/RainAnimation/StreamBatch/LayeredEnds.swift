import RainGraph
import RainModels
import RainPictures
import RainPose

/// Of layered models: the reference is cut into layers once; every frame's landmarks become meshes and numbers.
final class LayeredEnds: StreamEnds {
    let guider: any Executable
    let decoder: any Executable
    private let configuration: ModelConfiguration
    private let graph: LayeredGraph
    private let programs: LayeredPrograms
    private let evaluate: (Program, [String: [Float]]) throws -> [String: [Float]]
    private let parameters: AnimationModel.Parameters
    private let engine: any Engine
    private let framesPerGroup: Int
    private var geometry: GuideGeometry?
    /// Of the group that enters.
    private var entering: [GuideGeometry.Frame] = []
    private var guideLatents: [Float]

    /// A group in flight.
    private struct Group {
        let frames: [GuideGeometry.Frame]
        let guideLatents: [Float]
    }
    private var groups: [Group] = []

    init(
        _ model: AnimationModel, graph: LayeredGraph, engine: some Engine, frames: Int, beside known: StreamExecutables?,
        prepare: (Program, (any Executable)?) throws -> any Executable,
        evaluate: @escaping (Program, [String: [Float]]) throws -> [String: [Float]]
    ) throws {
        configuration = model.configuration
        self.graph = graph
        self.engine = engine
        self.evaluate = evaluate
        parameters = model.parameters
        programs = LayeredPrograms(graph)
        framesPerGroup = frames
        guider = try prepare(programs.guider(frames: frames), known?.guider)
        decoder = try prepare(programs.decoder(frames: frames), known?.decoder)
        guideLatents = [Float](repeating: 0, count: graph.latentShape(frames).count)
    }

    func fuse(_ reference: Picture, landmarks: LandmarkFrame?) throws -> [String: [Float]] {
        let picture = reference.fitted(width: configuration.imageSize, height: configuration.imageSize)
        // Landmarks that say nothing are no reason to stand still.
        guard let geometry = landmarks.flatMap(GuideGeometry.init(reference:)) ?? GuideGeometry(reference: .neutral) else {
            preconditionFailure("the neutral face has eyes and a mouth")
        }
        let cutter = try LayerCutter(configuration, engine: engine, parameters: parameters)
        let cut = try cutter.cut(picture, landmarks: geometry.reference)
        let layers = cut.layers.flatMap { $0.bytes.map { Float($0) * (1 / 255) } }
        for executable in [guider, decoder] {
            try executable.write("layers", layers)
            try executable.run(.reference)
        }
        self.geometry = geometry
        let still = geometry(geometry.reference)
        return try evaluate(programs.reference(), ["layers": layers, "crop_meshes": GuideMeshes.joined([still.cropMeshes])])
    }

    func take(_ frames: [DrivingPose]) {
        guard let geometry else { return }
        entering = frames.map { geometry($0.face) }
    }

    func write(into guider: any Executable, slot: Int) throws {
        try guider.write("crop_meshes", GuideMeshes.joined(entering.map(\.cropMeshes)))
        try guider.write("expression", entering.flatMap(\.numbers))
    }

    func enter(from guider: any Executable, slot: Int) throws {
        try guider.read("guide_latents") { copy($0, into: &guideLatents) }
        groups.append(Group(frames: entering, guideLatents: guideLatents))
    }

    func writeLeaving(into decoder: any Executable, slot: Int) throws {
        guard let group = groups.first else { return }
        try decoder.write("meshes", GuideMeshes.joined(group.frames.map(\.meshes)))
        try decoder.write("laid", group.frames.flatMap(\.laid))
        try decoder.write("guide_latents", group.guideLatents)
    }

    func leave() { groups.removeFirst() }

    func reset() { groups.removeAll() }
}
