import RainCheckpoints
import RainGraph
import RainNetworks

/// What stands for an ONNX value.
enum Imported {
    /// Known already.
    case host(HostTensor)
    /// Known when the network runs.
    case graph(Carried)

    /// Extents in ONNX's order.
    var shape: [Int] {
        switch self {
        case .host(let tensor): tensor.shape
        case .graph(let carried): carried.shape
        }
    }
}

/// Translates the nodes of one ONNX graph, in order.
final class Importer {
    /// Translates a node into its results.
    typealias Translation = @Sendable (Importer, NodeReader) throws -> [Imported]

    /// Every operator that is known, by name; of other domains with the domain in front.
    static let operators: [String: Translation] = elementwise.merging(structure) { a, _ in a }.merging(contractions) { a, _ in a }
        .merging(rows) { a, _ in a }.merging(constants) { a, _ in a }

    static func qualifiedName(_ node: Onnx_NodeProto) -> String {
        node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : "\(node.domain).\(node.opType)"
    }

    /// The versions of the standard operators whose meaning is implemented.
    static let operatorSets = 11...17
    /// Elements of all values together: 8 GiB, some twenty times the largest detector's.
    private static let mostElements = 1 << 31
    /// Elements computed here, for shapes and the like.
    private static let mostFolded = 1 << 24

    let model: ONNXModel
    private let network = NetworkBuilder()
    var builder: GraphBuilder { network.graph }
    /// The version of the standard operators.
    let version: Int
    private var values: [String: Imported] = [:]
    private var elementCount = 0
    private var foldedCount = 0

    init(_ model: ONNXModel) throws(NetworkError) {
        self.model = model
        version = model.operatorSets[""] ?? 0
        try checkOperators()
    }

    /// Names everything that is not supported at once.
    private func checkOperators() throws(NetworkError) {
        func unsupported(_ expected: String, _ found: String) -> NetworkError {
            NetworkError(
                .unsupported, file: model.file, expected: expected, found: found,
                advice: "use the published detector files, or export with operator set 11 to 17 and no custom operators")
        }
        guard Self.operatorSets.contains(version) else {
            throw unsupported("operator set 11 to 17", version == 0 ? "none of the domain ai.onnx" : "\(version)")
        }
        var unknown: [String] = []
        for (index, node) in model.proto.graph.node.enumerated() where Self.operators[Self.qualifiedName(node)] == nil {
            let domain = node.domain.isEmpty ? "ai.onnx" : node.domain
            let version = model.operatorSets[domain == "ai.onnx" ? "" : domain]
            let place = node.name.isEmpty ? "number \(index)" : "'\(printable(node.name, limit: 60))'"
            unknown.append("\(printable(node.opType, limit: 40)) (node \(place), \(domain) \(version.map(String.init) ?? "of no version"))")
        }
        guard unknown.isEmpty else {
            let more = unknown.count > 12 ? " and \(unknown.count - 12) more" : ""
            throw unsupported("operators Rain knows", "\(unknown.count) others: " + unknown.prefix(12).joined(separator: ", ") + more)
        }
    }

    func network(_ inputShapes: [String: [Int]]) throws(NetworkError) -> ImportedNetwork {
        let graph = model.proto.graph
        for tensor in graph.initializer { values[tensor.name] = .host(try HostTensor(tensor, file: model.file)) }
        try declareInputs(inputShapes)
        for (index, node) in graph.node.enumerated() {
            let reader = NodeReader(node, index: index, file: model.file, version: version)
            try wrapped(reader) { try translate(node, reader) }
        }
        for output in graph.output {
            guard let value = values[output.name] else {
                throw fault(.inconsistent, "output '\(output.name)'", "a node that makes it", "none")
            }
            do throws(GraphError) {
                builder.output(output.name, try carried(value).plain())
            } catch {
                throw fault(.inconsistent, "output '\(output.name)'", "a result", error.description)
            }
        }
        do throws(GraphError) {
            return try network.network()
        } catch {
            throw fault(.inconsistent, error.place, "a sound graph", error.message)
        }
    }

    private func translate(_ node: Onnx_NodeProto, _ reader: NodeReader) throws {
        reader.inputs = try node.input.map { name in
            if name.isEmpty { return nil }
            guard let value = values[name] else {
                throw reader.fault(.inconsistent, "input '\(name)' from an earlier node", "none of that name")
            }
            return value
        }
        guard let translation = Self.operators[Self.qualifiedName(node)] else { return }
        let results = try builder.scoped(reader.name) { try translation(self, reader) }
        try reader.finish()
        guard node.output.count <= results.count else {
            throw reader.fault(.unsupported, "at most \(results.count) outputs", "\(node.output.count)")
        }
        for (name, result) in zip(node.output, results) where !name.isEmpty {
            guard values[name] == nil else { throw reader.fault(.inconsistent, "an output of its own", "'\(name)', defined before") }
            try account(result, reader)
            values[name] = result
        }
    }

    private func account(_ result: Imported, _ reader: NodeReader) throws {
        let limit = HostTensor.mostElements
        guard let count = HostTensor.count(result.shape) else {
            throw reader.fault(.tooLarge, "values of at most \(limit) elements and 8 axes", "\(result.shape)")
        }
        elementCount += count
        guard elementCount <= Self.mostElements else {
            throw reader.fault(.tooLarge, "at most \(Self.mostElements) elements in all values together", "more")
        }
    }

    /// Makes every error name its node.
    private func wrapped(_ reader: NodeReader, _ body: () throws -> Void) throws(NetworkError) {
        do {
            try body()
        } catch let error as NetworkError {
            throw error
        } catch let error as GraphError {
            throw reader.fault(.inconsistent, "operands that fit", "\(error.message)")
        } catch {
            throw reader.fault(.inconsistent, "operands that fit", "\(error)")
        }
    }

    func fault(_ code: NetworkError.Code, _ place: String, _ expected: String, _ found: String) -> NetworkError {
        NetworkError(
            code, file: model.file, place: place, expected: expected, found: found, advice: "export the network again or use another")
    }

    // MARK: Inputs and weights

    private func declareInputs(_ given: [String: [Int]]) throws(NetworkError) {
        for info in model.proto.graph.input where values[info.name] == nil {
            let place = "input '\(info.name)'"
            let type = info.type.tensorType
            guard type.elemType == TensorElement.float.rawValue else {
                throw fault(.unsupported, place, "32-bit floats", TensorElement.name(type.elemType))
            }
            let declared = type.shape.dim.map { $0.hasDimValue && $0.dimValue > 0 ? Int($0.dimValue) : nil }
            let shape: [Int]
            if let wanted = given[info.name] {
                guard wanted.count == declared.count, zip(wanted, declared).allSatisfy({ $1 == nil || $0 == $1 }) else {
                    throw fault(.inconsistent, place, "a shape like \(declared.map { $0.map(String.init) ?? "?" })", "\(wanted)")
                }
                shape = wanted
            } else {
                let open = declared.dropFirst().contains(nil)
                guard !open else { throw fault(.unsupported, place, "fixed extents but for the batch", "a height or width left open") }
                shape = declared.map { $0 ?? 1 }
            }
            guard let count = HostTensor.count(shape), count > 0 else {
                throw fault(.tooLarge, place, "at most \(HostTensor.mostElements) elements", "\(shape)")
            }
            elementCount += count
            do throws(GraphError) {
                values[info.name] = .graph(Carried(try builder.input(info.name, Shape(shape))))
            } catch {
                throw fault(.inconsistent, place, "an input", error.message)
            }
        }
    }

    /// A weight of the graph; the same for the same tensor, made with the axes in `order`.
    func weight(_ tensor: HostTensor, order: [Int]? = nil) throws(GraphError) -> Value {
        try network.weight(tensor, order: order)
    }

    /// A value of the graph, whatever it was.
    func carried(_ value: Imported) throws(GraphError) -> Carried {
        switch value {
        case .graph(let carried): carried
        case .host(let tensor): Carried(try weight(tensor))
        }
    }

    /// Counts elements computed here, so that a small file cannot ask for much.
    func fold(_ count: Int, _ reader: NodeReader) throws {
        let (sum, overflow) = foldedCount.addingReportingOverflow(count)
        guard !overflow, sum <= Self.mostFolded else {
            throw reader.fault(.tooLarge, "at most \(Self.mostFolded) elements computed on import", "more")
        }
        foldedCount = sum
    }
}
