package import Foundation
import RainFiles
public import RainGraph

/// The network of a file as a graph of Rain, with its weights.
public struct ImportedNetwork: Sendable {
    /// Inputs and outputs have the names, shapes and axis orders of the file.
    public let graph: Graph
    private let weights: [String: [Float]]

    package init(graph: Graph, weights: [String: [Float]]) {
        self.graph = graph
        self.weights = weights
    }

    /// The elements of a parameter of the graph; what `Executable.load` asks for.
    ///
    /// - Throws: `GraphError.name` for any other.
    public func parameter(_ name: String, _ shape: Shape) throws(GraphError) -> [Float] {
        guard let values = weights[name] else { throw GraphError(.name, at: "parameter '\(name)'", "the network has no such weight") }
        return values
    }

    /// Plans the network, rewritten to be fast, and loads its weights.
    ///
    /// - Throws: what the engine throws.
    public func prepared(on engine: any Engine) throws -> any Executable {
        let executable = try engine.compile(Program(graph))
        try executable.load { try parameter($0, $1) }
        return executable
    }
}

/// A graph under construction whose weights come from a file.
package final class NetworkBuilder {
    package let graph = GraphBuilder()
    private var weights: [String: [Float]] = [:]
    private var namelessCount = 0

    package init() {}

    /// A weight of the graph; the same for the same tensor, made with the axes in `order`.
    package func weight(_ tensor: HostTensor, order: [Int]? = nil) throws(GraphError) -> Value {
        let moved = order.map { tensor.transposed($0) } ?? tensor
        let elements = moved.floats
        if elements.count <= 16, !elements.contains(where: \.isNaN) { return try graph.constant(elements, Shape(moved.shape)) }
        namelessCount += tensor.name == nil ? 1 : 0
        var name = tensor.name ?? "computed \(namelessCount)"
        if let order, order != Array(order.indices) { name += " \(order)" }
        weights[name] = elements
        return try graph.add(.parameter(name, Shape(moved.shape)))[0]
    }

    /// The finished, verified network.
    package func network() throws(GraphError) -> ImportedNetwork { ImportedNetwork(graph: try graph.graph(), weights: weights) }
}

/// The bytes of a network's file.
package enum NetworkFile {
    /// - Parameters:
    ///   - kind: what the file should be, for errors: "an ONNX file"
    ///   - limit: the largest size in bytes
    /// - Throws: `NetworkError` for a file that is missing, no regular file, unreadable or too large
    package static func bytes(_ path: String, kind: String, limit: Int) throws(NetworkError) -> Data {
        func unreadable(_ found: String, _ advice: String) -> NetworkError {
            NetworkError(.unreadable, file: path, expected: "a readable file: \(kind)", found: found, advice: advice)
        }
        if let size = FileSystem.size(path) { try check(size, of: path, limit: limit) }
        do {
            return try FileSystem.mapped(path)
        } catch {
            throw unreadable(error.found, "check that the file exists and may be read, and name the file itself")
        }
    }

    /// - Throws: `NetworkError` for more bytes than the limit
    package static func check(_ byteCount: Int, of file: String, limit: Int) throws(NetworkError) {
        guard byteCount <= limit else {
            throw NetworkError(
                .tooLarge, file: file, expected: "a network of at most \(limit) bytes", found: "\(byteCount) bytes",
                advice: "use the published files")
        }
    }
}
