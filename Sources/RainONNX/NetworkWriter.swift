import Foundation
import RainFiles
import SwiftProtobuf

/// Writes a network as an ONNX file, node by node: for networks that are made rather than downloaded.
///
/// What is written is not checked; `ONNXModel` reads it like any other file.
public struct NetworkWriter {
    /// The value of a node's attribute.
    public enum Attribute: Sendable, Equatable {
        case integer(Int)
        case integers([Int])
        case number(Float)
        case text(String)
    }

    private var model = Onnx_ModelProto()
    private var count = 0

    /// - Parameters:
    ///   - name: of the graph
    ///   - operatorSet: the version of the standard operators
    public init(name: String, operatorSet: Int) {
        // The version that goes with these operator sets.
        model.irVersion = 6
        model.producerName = "rain"
        model.opsetImport = [.with { $0.version = Int64(operatorSet) }]
        model.graph.name = name
    }

    /// Declares an input of 32-bit floats.
    public mutating func input(_ name: String, _ shape: [Int]) { model.graph.input.append(Self.port(name, shape)) }

    /// Declares a value to be an output.
    public mutating func output(_ name: String, _ shape: [Int]) { model.graph.output.append(Self.port(name, shape)) }

    private static func port(_ name: String, _ shape: [Int]) -> Onnx_ValueInfoProto {
        .with {
            $0.name = name
            $0.type.tensorType.elemType = TensorElement.float.rawValue
            $0.type.tensorType.shape.dim = shape.map { extent in .with { $0.dimValue = Int64(extent) } }
        }
    }

    /// Adds a weight of 32-bit floats, row-major.
    ///
    /// - Returns: its name
    @discardableResult
    public mutating func weight(_ name: String, _ shape: [Int], _ values: [Float]) -> String {
        precondition(values.count == shape.reduce(1, *), "a weight has all of its elements")
        add(name, shape, .float, values.map(\.bitPattern).flatMap { bits in (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) } })
        return name
    }

    /// Adds a list of integers that a node takes as an input.
    ///
    /// - Returns: its name
    public mutating func constant(_ values: [Int]) -> String {
        count += 1
        let name = "constant_\(count)"
        add(name, [values.count], .int64, values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } })
        return name
    }

    private mutating func add(_ name: String, _ shape: [Int], _ type: TensorElement, _ bytes: [UInt8]) {
        model.graph.initializer.append(
            .with {
                $0.name = name
                $0.dims = shape.map(Int64.init)
                $0.dataType = type.rawValue
                $0.rawData = Data(bytes)
            })
    }

    /// Adds a node.
    ///
    /// - Parameters:
    ///   - inputs: names of inputs, weights and earlier results; an empty one is left out
    ///   - outputs: how its results are called; by default one with a name of its own
    /// - Returns: the names of its results
    @discardableResult
    public mutating func node(_ kind: String, _ inputs: [String], _ attributes: [String: Attribute] = [:], outputs: [String]? = nil)
        -> [String]
    {
        count += 1
        let name = "\(kind)_\(count)"
        let results = outputs ?? [name + "_output"]
        model.graph.node.append(
            .with {
                $0.opType = kind
                $0.name = name
                $0.input = inputs
                $0.output = results
                $0.attribute = attributes.sorted { $0.key < $1.key }.map(Self.attribute)
            })
        return results
    }

    private static func attribute(_ name: String, _ value: Attribute) -> Onnx_AttributeProto {
        let type: UInt8 =
            switch value {
            case .number: 1
            case .integer: 2
            case .text: 3
            case .integers: 7
            }
        // The type, field 20, which other readers insist on and ours does not know: what is unknown is kept and written again.
        var attribute = (try? Onnx_AttributeProto(serializedBytes: [0xA0, 0x01, type])) ?? Onnx_AttributeProto()
        attribute.name = name
        switch value {
        case .integer(let number): attribute.i = Int64(number)
        case .integers(let numbers): attribute.ints = numbers.map(Int64.init)
        case .number(let number): attribute.f = number
        case .text(let text): attribute.s = Data(text.utf8)
        }
        return attribute
    }

    /// Writes the file, replacing what is there only once everything is on disk.
    ///
    /// - Throws: `FileError`
    public func write(to path: String) throws {
        let bytes: [UInt8] = try model.serializedBytes()
        try ReplacementFile.write(bytes, to: path)
    }
}
