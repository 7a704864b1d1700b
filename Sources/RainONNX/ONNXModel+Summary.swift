/// What an ONNX file says about itself, for people.
public struct ONNXSummary: Sendable, Encodable {
    /// An input or output with its dimensions: numbers, or names of what is not fixed.
    public struct Port: Sendable, Encodable {
        public let name: String
        public let dtype: String
        public let shape: [String]
    }

    /// How often an operator occurs.
    public struct Operator: Sendable, Encodable {
        public let name: String
        public let count: Int
        /// Whether Rain can run it.
        public let supported: Bool
    }

    /// A weight.
    public struct Initializer: Sendable, Encodable {
        public let name: String
        public let dtype: String
        public let shape: [Int]
    }

    public let irVersion: Int
    public let producer: String
    /// Versions by domain; the standard one is called `ai.onnx`.
    public let operatorSets: [String: Int]
    public let inputs: [Port]
    public let outputs: [Port]
    /// By name.
    public let operators: [Operator]
    /// In the file's order.
    public let initializers: [Initializer]

    enum CodingKeys: String, CodingKey {
        case producer, inputs, outputs, operators, initializers
        case irVersion = "ir_version"
        case operatorSets = "operator_sets"
    }
}

extension ONNXModel {
    /// Inputs, outputs, operators with counts, weights and operator sets.
    public var summary: ONNXSummary {
        let graph = proto.graph
        let initialized = Set(graph.initializer.map(\.name))
        let counts = Dictionary(grouping: graph.node, by: Importer.qualifiedName).mapValues(\.count)
        return ONNXSummary(
            irVersion: Int(proto.irVersion), producer: "\(proto.producerName) \(proto.producerVersion)",
            operatorSets: Dictionary(uniqueKeysWithValues: operatorSets.map { ($0.key.isEmpty ? "ai.onnx" : $0.key, $0.value) }),
            inputs: graph.input.filter { !initialized.contains($0.name) }.map(Self.port), outputs: graph.output.map(Self.port),
            operators: counts.sorted { $0.key < $1.key }.map {
                ONNXSummary.Operator(name: $0.key, count: $0.value, supported: Importer.operators[$0.key] != nil)
            },
            initializers: graph.initializer.map {
                ONNXSummary.Initializer(name: $0.name, dtype: TensorElement.name($0.dataType), shape: $0.dims.map { Int($0) })
            })
    }

    private static func port(_ info: Onnx_ValueInfoProto) -> ONNXSummary.Port {
        let type = info.type.tensorType
        let shape = type.shape.dim.map { $0.hasDimValue ? "\($0.dimValue)" : $0.hasDimParam ? $0.dimParam : "?" }
        return ONNXSummary.Port(name: info.name, dtype: TensorElement.name(type.elemType), shape: shape)
    }
}
