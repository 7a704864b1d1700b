public import Foundation
public import RainNetworks

/// A TFLite file in memory: its first subgraph's tensors and operators, every offset checked. Weights are read when a network is made.
///
/// Nothing in it is executed or followed: no metadata, no signatures, no custom operators.
/// - Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3
public struct TFLiteModel: Sendable {
    /// The file as the caller named it.
    public let file: String
    /// Size in bytes.
    public let byteCount: Int
    /// Names of the inputs and the outputs.
    public let inputs: [String]
    public let outputs: [String]

    struct Tensor: Sendable {
        var name: String
        /// As declared; checked against what operators make.
        var shape: [Int]
        var type: TensorType
        /// Where its bytes are in the file, for constants; empty for all others.
        var bytes: Range<Int>
        var isSparse: Bool
    }

    struct Operator: Sendable {
        var kind: OperatorKind
        var inputs: [Int]
        var outputs: [Int]
        /// What kind of options there are; 0 for none.
        var optionsType: UInt8
        var options: FlatTable?
    }

    let buffer: FlatBuffer
    let tensors: [Tensor]
    /// In an order in which they can run.
    let operators: [Operator]

    /// The largest file that is read: twice the largest network of its kind.
    public static let maximumByteCount = 64 << 20
    /// Tensors, buffers, kinds of operators.
    private static let mostItems = 1 << 16
    /// Five times those of the largest network of its kind; each costs a while in every rewrite of the graph.
    private static let mostOperators = 1 << 12

    /// Reads a file.
    ///
    /// - Throws: `NetworkError` for a file that is missing, unreadable, too large or no TFLite model
    public init(path: String) throws(NetworkError) {
        try self.init(NetworkFile.bytes(path, kind: "a TFLite model", limit: Self.maximumByteCount), name: path)
    }

    /// Reads the bytes of a file.
    ///
    /// - Parameter name: stands for the path in errors
    public init(_ data: Data, name: String) throws(NetworkError) {
        try NetworkFile.check(data.count, of: name, limit: Self.maximumByteCount)
        let buffer = FlatBuffer(bytes: data.startIndex == 0 ? data : Data(data), file: name)
        guard data.count >= 8, buffer.bytes[4..<8].elementsEqual("TFL3".utf8) else {
            throw buffer.malformed("a TFLite model, which has TFL3 at byte 4", "\(data.count) bytes of something else")
        }
        let root = try buffer.root()
        let version: UInt32 = try root.number(0)
        guard version == 3 else { throw buffer.malformed("version 3 of the format", "\(version)") }
        // Tables, names and lists may be shared: a small file can name much, so what is named altogether is bounded.
        var nameByteCount = 0
        func bounded(_ name: String) throws(NetworkError) -> String {
            nameByteCount += name.utf8.count
            guard nameByteCount <= 1 << 22 else { throw buffer.malformed("at most \(1 << 22) bytes of names", "more") }
            return name
        }
        let kinds = try root.tables(1, most: Self.mostItems).map { code throws(NetworkError) in
            let kind = try OperatorKind(code)
            _ = try bounded(kind.name)
            return kind
        }
        let graphs = try root.tables(2, most: 64)
        guard let graph = graphs.first else { throw buffer.malformed("a graph", "none") }
        let buffers = try root.tables(4, most: Self.mostItems).map { table throws(NetworkError) in try table.bytes(0) }
        let tensors = try graph.tables(0, most: Self.mostItems).map { table throws(NetworkError) in
            let index = Int(try table.number(2) as UInt32)
            guard buffers.indices.contains(index) else { throw buffer.malformed("one of \(buffers.count) buffers", "buffer \(index)") }
            let type: UInt8 = try table.number(1)
            return Tensor(
                name: try bounded(table.string(3)), shape: try table.integers(0, most: 8), type: TensorType(rawValue: type) ?? .other,
                bytes: buffers[index], isSparse: try table.table(6) != nil)
        }
        func places(_ table: FlatTable, _ field: Int, allowsNone: Bool = false) throws(NetworkError) -> [Int] {
            let places = try table.integers(field, most: 4096)
            guard places.allSatisfy({ tensors.indices.contains($0) || allowsNone && $0 == -1 }) else {
                throw buffer.malformed("tensors 0 to \(tensors.count - 1)", "\(places.prefix(8))")
            }
            return places
        }
        var named = 0
        operators = try graph.tables(3, most: Self.mostOperators).map { table throws(NetworkError) in
            let index = Int(try table.number(0) as UInt32)
            guard kinds.indices.contains(index) else { throw buffer.malformed("one of \(kinds.count) operators", "operator \(index)") }
            let result = Operator(
                kind: kinds[index], inputs: try places(table, 1, allowsNone: true), outputs: try places(table, 2),
                optionsType: try table.number(3), options: try table.table(4))
            named += result.inputs.count + result.outputs.count
            guard named <= 1 << 20 else { throw buffer.malformed("at most \(1 << 20) operands", "more") }
            return result
        }
        inputs = try places(graph, 1).map { tensors[$0].name }
        outputs = try places(graph, 2).map { tensors[$0].name }
        self.tensors = tensors
        self.buffer = buffer
        file = name
        byteCount = data.count
    }

    /// Names, element types and extents of tensors, for people.
    ///
    /// - Parameter names: of the inputs or outputs
    public func describe(_ names: [String]) -> [(name: String, type: String, shape: [Int])] {
        let known = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        return names.compactMap { name in known[name].map { (name, "\($0.type)", $0.shape) } }
    }

    /// Every operator with how often it occurs and whether Rain can run it, by name.
    public var operatorCounts: [(name: String, count: Int, isSupported: Bool)] {
        Dictionary(grouping: operators, by: \.kind.name).map { ($0.key, $0.value.count, $0.value[0].kind.isSupported) }
            .sorted { $0.name < $1.name }
    }
}

/// Element types, by their number.
enum TensorType: UInt8, Sendable {
    case float32 = 0
    case float16 = 1
    case int32 = 2
    case uint8 = 3
    case int64 = 4
    case int8 = 9
    case other = 255
}

/// What an operator does.
enum OperatorKind: Hashable, Sendable {
    case builtin(Int)
    /// One that is part of some program and not of TFLite.
    case custom(String)

    init(_ code: FlatTable) throws(NetworkError) {
        // Old files have the first field only, which holds numbers below 128.
        let (old, new) = (Int(try code.number(0) as Int8), Int(try code.number(3) as Int32))
        let number = max(old, new)
        self = number == 32 ? .custom(try code.string(1)) : .builtin(number)
    }

    /// Those that occur in small networks; others are called by their number.
    private static let names: [Int: String] = [
        0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 5: "DEPTH_TO_SPACE", 6: "DEQUANTIZE",
        9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 21: "RELU6", 22: "RESHAPE",
        23: "RESIZE_BILINEAR", 25: "SOFTMAX", 28: "TANH", 34: "PAD", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB", 42: "DIV", 43: "SQUEEZE",
        45: "STRIDED_SLICE", 49: "SPLIT", 54: "PRELU", 60: "PADV2", 65: "SLICE", 67: "TRANSPOSE_CONV", 97: "RESIZE_NEAREST_NEIGHBOR",
        114: "QUANTIZE", 117: "HARD_SWISH", 124: "DENSIFY",
    ]

    var name: String {
        switch self {
        case .builtin(let number): Self.names[number] ?? "operator \(number)"
        case .custom(let name): "custom operator \(name)"
        }
    }

    var isSupported: Bool { Importer.operators[self] != nil }
}
