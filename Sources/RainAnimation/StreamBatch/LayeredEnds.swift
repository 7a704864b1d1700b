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
    private var geometry: GuideGeometry?
    /// The group that enters; without guide latents yet.
    private var entering = Group()

    /// A group in flight.
    private struct Group {
        var driving: [LandmarkFrame] = []
        var frames: [GuideGeometry.Frame] = []
        var guideLatents: [Float] = []
    }
    private var groups: [Group] = []

    init(
        _ graph: LayeredGraph, frames: Int, beside known: StreamExecutables?,
        prepare: (Program, CompileOptions) throws -> any Executable,
        evaluate: @escaping (Program, [String: [Float]]) throws -> [String: [Float]]
    ) throws {
        configuration = graph.configuration
        self.graph = graph
        self.evaluate = evaluate
        programs = LayeredPrograms(graph)
        guider = try prepare(programs.guider(frames: frames), CompileOptions(beside: known?.guider))
        decoder = try prepare(programs.decoder(frames: frames), CompileOptions(beside: known?.decoder))
    }

    func fuse(_ reference: CharacterArt, landmarks: LandmarkFrame?) throws -> [String: [Float]] {
        // Landmarks that say nothing are no reason to stand still.
        let isWhole = if case .picture = reference { true } else { false }
        let own = landmarks.flatMap { GuideGeometry(reference: $0, isWhole: isWhole) }
        guard let geometry = own ?? GuideGeometry(reference: .neutral, isWhole: isWhole) else {
            preconditionFailure("the neutral face has eyes and a mouth")
        }
        let cut = try self.cut(reference, landmarks: own?.reference)
        let layers = cut.resized(to: graph.guide.guideSize).layers.flatMap { $0.unitValues() }
        let still = geometry(geometry.reference)
        let banks = try evaluate(
            programs.reference(), ["layers": layers, "crop_meshes": GuideMeshes.joined([still.cropMeshes]), "bend": still.bend])
        // A reference that fails leaves the one before as it was.
        guard banks.values.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return banks }
        if programs.hasArt { try decoder.write("art", cut.layers.flatMap { $0.unitValues() }) }
        for executable in [guider, decoder] {
            try executable.write("layers", layers)
            try executable.run(.reference)
        }
        self.geometry = geometry
        // What is in flight shows the new reference from now on.
        for index in groups.indices { groups[index] = try guided(groups[index].driving, geometry) }
        return banks
    }

    /// Layers as large as the pictures to be made.
    ///
    /// - Parameter landmarks: nil where they say nothing
    private func cut(_ reference: CharacterArt, landmarks: LandmarkFrame?) throws -> CutLayers {
        let side = configuration.imageSize
        switch reference {
        case .layers(let cut): return cut.resized(to: side)
        case .picture(let picture):
            let picture = picture.fitted(width: side, height: side)
            guard let landmarks else { return CutLayers(whole: LayerPicture(picture)) }
            return try LayerCutter(configuration, evaluate: evaluate).whole(picture, landmarks: landmarks)
        case .cut(let picture):
            let cutter = try LayerCutter(configuration, evaluate: evaluate)
            return try cutter.cut(picture.fitted(width: side, height: side), landmarks: landmarks ?? .neutral)
        }
    }

    /// A group with what the guider makes of it.
    private func guided(_ driving: [LandmarkFrame], _ geometry: GuideGeometry) throws -> Group {
        var group = Group(driving: driving, frames: driving.map { geometry($0) })
        try write(group.frames)
        try guider.run(.step)
        group.guideLatents = try guider.read("guide_latents")
        return group
    }

    private func write(_ frames: [GuideGeometry.Frame]) throws {
        try writeMovement(frames, into: guider)
        try guider.write("expression", frames.flatMap(\.numbers))
    }

    private func writeMovement(_ frames: [GuideGeometry.Frame], into executable: any Executable) throws {
        try executable.write("crop_meshes", GuideMeshes.joined(frames.map(\.cropMeshes)))
        try executable.write("bend", frames.flatMap(\.bend))
    }

    func take(_ frames: [DrivingPose]) {
        guard let geometry else { return }
        let driving = frames.map(\.face)
        entering = Group(driving: driving, frames: driving.map { geometry($0) })
    }

    func write(into guider: any Executable, slot: Int) throws { try write(entering.frames) }

    func enter(from guider: any Executable, slot: Int) throws {
        entering.guideLatents = try guider.read("guide_latents")
        groups.append(entering)
    }

    func writeLeaving(into decoder: any Executable, slot: Int) throws {
        guard let group = groups.first else { return }
        try decoder.write("meshes", GuideMeshes.joined(group.frames.map(\.meshes)))
        try writeMovement(group.frames, into: decoder)
        try decoder.write("laid", group.frames.flatMap(\.laid))
        try decoder.write("guide_latents", group.guideLatents)
    }

    func leave() { groups.removeFirst() }

    func reset() { groups.removeAll() }
}
