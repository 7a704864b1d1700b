import Foundation
import RainGraph
import RainNetworks
import RainTFLite

/// A part of a TFLite network with one input, planned and loaded. Belongs to one task at a time.
final class SmallNetwork {
    private let input: String
    private let outputs: [String]
    private let executable: any Executable

    /// - Parameters:
    ///   - input: a tensor's name, and the shape that it must have
    ///   - outputs: tensors' names, and how many elements they must have
    /// - Throws: `NetworkError` for a file that cannot be run, `DetectionError` for another network, and what the engine throws
    init(
        _ model: TFLiteModel, input: (name: String, shape: Shape), outputs: [(name: String, count: Int)], engine: any Engine
    ) throws {
        func wrong(_ found: String) -> DetectionError {
            let names = outputs.map { "\($0.name) of \($0.count)" }.joined(separator: ", ")
            return DetectionError(
                .wrongNetwork, file: model.file, expected: "a network from \(input.name) \(input.shape) to \(names) numbers", found: found,
                advice: "run 'rain tracker install'")
        }
        let network: ImportedNetwork
        do throws(NetworkError) {
            network = try model.network(inputs: [input.name], outputs: outputs.map(\.name))
        } catch {
            throw error.code == .inconsistent ? wrong(error.found) : error
        }
        let graph = network.graph
        let shape = graph.inputs.first { $0.name == input.name }?.type.shape
        guard shape == input.shape else { throw wrong("an input \(shape.map { "\($0)" } ?? "that leads nowhere")") }
        for (output, wanted) in zip(graph.outputs, outputs) where graph.shape(output.value).count != wanted.count {
            throw wrong("\(output.name) \(graph.shape(output.value))")
        }
        executable = try network.prepared(on: engine)
        self.input = input.name
        self.outputs = outputs.map(\.name)
    }

    /// The elements of all outputs.
    ///
    /// - Parameter fill: writes the input, row-major
    func callAsFunction(_ fill: (inout MutableSpan<Float>) -> Void) throws -> [[Float]] {
        try executable.write(input, fill)
        try executable.run(.step)
        return try outputs.map { try executable.read($0) }
    }
}

/// 1 / (1 + e⁻ˣ); of what is not finite, 0.
func sigmoid(_ x: Float) -> Double { x.isFinite ? 1 / (1 + exp(-Double(x))) : 0 }
