import RainAnimation
import RainGraph
import RainModels
import RainPictures
import RainPose

/// Makes crops and their latents of drawn characters, on the engine: what the warped reference shows, and the truth.
final class CropMaker {
    /// Frames at once; scenes of other lengths are filled up.
    private static let batch = 3

    private let executable: any Executable
    private let graph: LayeredGraph
    private let hasLatents: Bool

    /// - Parameter autoencoder: its parameters, for latents; nil for crops alone
    init(_ graph: LayeredGraph, engine: some Engine, autoencoder: [String: [Float]]?) throws {
        self.graph = graph
        hasLatents = autoencoder != nil
        let (g, n, side) = (GraphBuilder(), Self.batch, graph.guide.guideSize)
        let layers = try g.input("layers", graph.layerShape(1, side: side))
        let guide = try graph.crops(g, layers, .init(g, frames: n))
        let truth = try graph.guide.cropped(g.input("truth", [n, side, side, 3]), meshes: g.input("crops", [n, 2, 2, 2]))
        if hasLatents {
            let latents = try graph.encoded(g, guide.concatenated(with: [truth], axis: 0))
            g.output("latents", latents)
        } else {
            g.output("latents", try guide.concatenated(with: [truth], axis: 0))
        }
        executable = try engine.compile(Program(g.graph()))
        try executable.load { name, _ in
            guard let values = autoencoder?[name] else { throw TrainingError("\(name): not in the auto-encoder's checkpoint") }
            return values
        }
    }

    /// Of one character: for the reference itself and every frame, what the warped layers show, and the truth; the reference is its own
    /// truth. Latents, or crops of 0…1.
    func callAsFunction(_ scene: LayeredScene) throws -> (guides: [[Float]], truths: [[Float]]) {
        let side = graph.guide.guideSize
        try executable.write("layers", scene.layers.flatMap { $0.unitValues() })
        var result: (guides: [[Float]], truths: [[Float]]) = ([], [])
        let reference = LayerPicture.composite(scene.layers.dropLast())
        for start in stride(from: 0, to: scene.moves.count, by: Self.batch) {
            let frames = (start..<(start + Self.batch)).map { min($0, scene.moves.count - 1) }
            try executable.write("crop_meshes", GuideMeshes.joined(frames.map { scene.moves[$0].cropMeshes }))
            try executable.write("bend", frames.flatMap { scene.moves[$0].bend })
            try executable.write("crops", frames.flatMap { scene.moves[$0].crop })
            var truth: [Float] = []
            truth.reserveCapacity(frames.count * side * side * 3)
            for frame in frames { truth += (frame == 0 ? reference : scene.truths[frame - 1].under).unitValues() }
            try executable.write("truth", truth)
            try executable.run(.reference)
            try executable.run(.step)
            let latents = try executable.read("latents")
            let count = latents.count / (2 * Self.batch)
            for index in 0..<min(Self.batch, scene.moves.count - start) {
                result.guides.append(Array(latents[(index * count)..<((index + 1) * count)]))
                let truth = index + Self.batch
                result.truths.append(Array(latents[(truth * count)..<((truth + 1) * count)]))
            }
        }
        return result
    }
}
