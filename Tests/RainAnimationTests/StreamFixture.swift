import Foundation
import RainCheckpoints
import RainGraph
import RainModels

@testable import RainAnimation

/// A case computed with the authors' implementation, and the network whose weights it uses.
struct StreamFixture {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    let tensors: Checkpoint
    let network: UNetConfiguration

    init(_ name: String) throws {
        tensors = try Self.file(name)
        network = try Self.configuration("denoising_unet", as: UNetConfiguration.self)
    }

    static func file(_ name: String) throws -> Checkpoint {
        try Checkpoint(path: folder.appendingPathComponent(name + ".safetensors").path)
    }

    static func configuration<T: Decodable>(_ name: String, as: T.Type) throws -> T {
        let data = try Data(contentsOf: folder.appendingPathComponent(name + ".json"))
        return try JSONDecoder().decode(Case<T>.self, from: data).config
    }

    /// Frames in our layout: `b c f h w` → `[f, h, w, c]`.
    func frames(_ name: String) throws -> [Float] {
        let shape = try tensors.info(name).shape
        let values = try tensors.floats(name)
        let (c, f, h, w) = (shape[1], shape[2], shape[3], shape[4])
        var result = [Float](repeating: 0, count: values.count)
        for channel in 0..<c {
            for frame in 0..<f {
                for position in 0..<(h * w) {
                    result[(frame * h * w + position) * c + channel] = values[(channel * f + frame) * h * w + position]
                }
            }
        }
        return result
    }

    /// What the denoiser is told about the reference.
    func reference() throws -> [String: [Float]] {
        var inputs: [String: [Float]] = [:]
        for bank in network.banks(height: 16, width: 8) { inputs["bank_" + bank.name] = try tensors.floats("inputs/ref_" + bank.name) }
        inputs["context"] = try tensors.floats("inputs/encoder_hidden_states")
        inputs["guidance"] = try tensors.floats("inputs/timestep_cond")
        return inputs
    }

    func stream(_ engine: any Engine, _ schedule: StreamSchedule, noise: @escaping LatentStream.Noise, keepsAll: Bool = true) throws
        -> LatentStream
    {
        let weights = try ParameterSource([Self.file("denoising_unet")], prefix: "weights/")
        let stream = try LatentStream(
            step: DenoisingStep(network: network, latentHeight: 16, latentWidth: 8), noiseSchedule: NoiseSchedule(), schedule: schedule,
            noise: noise, keepsAll: keepsAll
        ) { program, other in
            let executable = try engine.compile(program, beside: other)
            try executable.load { try weights($0, $1) }
            return executable
        }
        stream.setReference(try reference())
        return stream
    }

    /// Pose features of the pictures that each call gets.
    func poseFeatures(_ engine: any Engine) throws -> (_ call: Int) throws -> [Float] {
        let guider = try Self.configuration("pose_guider", as: PoseGuider.self)
        let g = GraphBuilder()
        g.output("features", try guider(g, g.input("pictures", [4, 128, 64, 3])))
        let executable = try engine.compile(Program(g.graph()))
        let weights = try ParameterSource([Self.file("pose_guider")], prefix: "weights/")
        try executable.load { try weights($0, $1) }
        let pictures = try tensors.integers("inputs/pose_images_u8").map { Float($0) / 255 }
        let index = try tensors.integers("inputs/pose_index")
        let size = 128 * 64 * 3
        return { call in
            let chosen = index[(call * 4)..<(call * 4 + 4)].flatMap { pictures[(Int($0) * size)..<((Int($0) + 1) * size)] }
            try executable.write("pictures", Array(chosen))
            try executable.run(.step)
            return try executable.read("features")
        }
    }
}

private struct Case<T: Decodable>: Decodable { let config: T }

/// The largest difference, relative to the largest expected value.
func relativeError(_ found: [Float], _ expected: [Float]) -> Float {
    guard found.count == expected.count else { return .infinity }
    let largest = expected.map(abs).max() ?? 0
    var worst: Float = 0
    for (a, b) in zip(found, expected) {
        let difference = abs(a - b)
        if !(difference <= worst) { worst = difference.isNaN ? .infinity : difference }
    }
    return worst / largest
}

/// What a stream of frames gets as noise, from tables: draw 0 of a frame, and what is added in each call.
final class TabledNoise {
    let latentCount: Int
    /// `[frames, …]` from the first frame on.
    var fresh: [Float] = []
    /// Number of the frame that `fresh` begins with.
    var freshFrom = 0
    /// Of each pass of the call: `[frames in flight, …]`.
    var added: [[Float]] = []
    /// The oldest frame in flight.
    var oldest = 0

    init(latentCount: Int) { self.latentCount = latentCount }

    func fill(_ buffer: inout [Float], _ range: Range<Int>, _ frame: Int, _ draw: Int) {
        let source = draw == 0 ? fresh : added[(draw - 1) % added.count]
        let start = (frame - (draw == 0 ? freshFrom : oldest)) * latentCount
        for offset in 0..<range.count { buffer[range.lowerBound + offset] = source[start + offset] }
    }
}
