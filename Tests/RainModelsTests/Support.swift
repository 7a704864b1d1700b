import Foundation
import RainCheckpoints
import RainGraph
import RainModels
import RainTesting

/// Where the reference cases lie.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")
    .path

/// A folder of its own for one test, removed afterwards.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-models-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

extension UNetConfiguration {
    /// Three levels, attention and motion everywhere, no cross-attention, no guidance.
    static var mini: UNetConfiguration {
        var mini = UNetConfiguration()
        mini.blockOutChannels = [16, 24, 32]
        mini.layersPerBlock = 1
        mini.downAttention = [true, true, true]
        mini.upAttention = [true, true, true]
        mini.normGroups = 8
        mini.attentionHeads = [2, 3, 4]
        mini.crossAttentionChannels = nil
        mini.feedForwardMultiplier = 2
        mini.prediction = .sample
        var motion = MotionConfiguration(heads: [2, 3, 4])
        motion.normGroups = 8
        mini.motion = motion
        return mini
    }
}

/// Runs a graph on the interpreter with small random parameters, the same for the same name.
func run(_ graph: Graph, _ inputs: [String: [Float]]) throws -> any Executable {
    let executable = try Interpreter().compile(Program(graph))
    try executable.load { name, shape in
        // FNV-1a, since hashes of the standard library differ from run to run.
        var numbers = SeededNumbers(seed: name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 })
        return numbers.numbers(shape.count, in: -0.3...0.3)
    }
    for (name, values) in inputs { try executable.write(name, values) }
    try executable.run(.reference)
    try executable.run(.step)
    return executable
}

func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var numbers = SeededNumbers(seed: seed)
    return numbers.numbers(count, in: -1...1)
}

/// Largest difference relative to the largest expected magnitude.
func error(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count, values.allSatisfy(\.isFinite) else { return .infinity }
    let difference = zip(values, expected).map { abs($0 - $1) }.max() ?? 0
    return difference / max(expected.map(abs).max() ?? 0, .leastNormalMagnitude)
}
