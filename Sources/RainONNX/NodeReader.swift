import RainGraph
import RainNetworks

/// One node as its translation sees it: inputs, attributes, and the way to complain.
///
/// Attributes that no one asks for are an error: they mean something that is not implemented.
final class NodeReader {
    let name: String
    let operatorName: String
    let version: Int
    let outputCount: Int
    /// In the node's order; `nil` where one is left out.
    var inputs: [Imported?] = []

    private let file: String
    private let attributes: [String: Onnx_AttributeProto]
    private var asked: Set<String> = []

    init(_ node: Onnx_NodeProto, index: Int, file: String, version: Int) {
        name = node.name.isEmpty ? "\(node.opType) \(index)" : node.name
        operatorName = node.opType
        outputCount = node.output.count
        self.file = file
        self.version = version
        attributes = Dictionary(node.attribute.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    func fault(_ code: NetworkError.Code, _ expected: String, _ found: String) -> NetworkError {
        NetworkError(
            code, file: file, place: "node '\(name)' (\(operatorName), operator set \(version))", expected: expected, found: found,
            advice: "export the network again or use another")
    }

    func unsupported(_ expected: String, _ found: String) -> NetworkError { fault(.unsupported, expected, found) }

    func finish() throws {
        let unread = attributes.keys.filter { !asked.contains($0) }.sorted()
        guard unread.isEmpty else { throw unsupported("attributes Rain knows", "'\(unread.prefix(8).joined(separator: "', '"))'") }
    }

    // MARK: Attributes

    private func attribute(_ name: String) -> Onnx_AttributeProto? {
        asked.insert(name)
        return attributes[name]
    }

    func has(_ name: String) -> Bool { attribute(name) != nil }
    func float(_ name: String, _ standard: Float) -> Float { attribute(name).map { $0.hasF ? $0.f : standard } ?? standard }
    func floats(_ name: String) -> [Float]? { attribute(name)?.floats }
    func tensor(_ name: String) throws -> HostTensor? {
        guard let attribute = attribute(name), attribute.hasT else { return nil }
        var tensor = try HostTensor(attribute.t, file: file)
        tensor.name = nil
        return tensor
    }

    func string(_ name: String, _ standard: String) -> String {
        attribute(name).map { String(decoding: $0.s.prefix(64), as: UTF8.self) } ?? standard
    }

    func integer(_ name: String, _ standard: Int) throws -> Int {
        guard let attribute = attribute(name), attribute.hasI else { return standard }
        return try small(attribute.i, "attribute '\(name)'")
    }

    func integers(_ name: String) throws -> [Int]? {
        guard let attribute = attribute(name) else { return nil }
        guard attribute.ints.count <= 1 << 16 else { throw fault(.tooLarge, "a short list '\(name)'", "\(attribute.ints.count) numbers") }
        return try attribute.ints.map { try small($0, "attribute '\(name)'") }
    }

    /// Numbers of ±2³¹: whatever is computed from a few of them fits 64 bits. Larger ones mean "to the end".
    private func small(_ value: Int64, _ what: String) throws -> Int { Int(min(max(value, -1 << 31), 1 << 31)) }

    // MARK: Inputs

    func isGiven(_ index: Int) -> Bool { inputs.indices.contains(index) && inputs[index] != nil }

    func input(_ index: Int) throws -> Imported {
        guard inputs.indices.contains(index), let input = inputs[index] else { throw fault(.inconsistent, "input \(index)", "none") }
        return input
    }

    /// An input that must be known on import.
    func host(_ index: Int, _ what: String) throws -> HostTensor {
        guard case .host(let tensor) = try input(index) else {
            throw unsupported("\(what) that are known before the network runs", "computed ones")
        }
        return tensor
    }

    /// Whole numbers that must be known on import.
    func integers(_ index: Int, _ what: String) throws -> [Int] {
        let tensor = try host(index, what)
        guard case .integers(let values) = tensor.elements else { throw fault(.inconsistent, "\(what) of whole numbers", "others") }
        guard values.count <= 1 << 16 else { throw fault(.tooLarge, "a short list of \(what)", "\(values.count) numbers") }
        return try values.map { try small($0, what) }
    }

    /// One number that must be known on import.
    func number(_ index: Int, _ what: String) throws -> Float {
        let tensor = try host(index, what)
        guard tensor.count == 1, let value = tensor.floats.first else { throw fault(.inconsistent, "one \(what)", "\(tensor.count)") }
        return value
    }

    /// An axis counted from either end.
    func axis(_ axis: Int, rank: Int) throws -> Int {
        let counted = axis < 0 ? axis + rank : axis
        guard counted >= 0, counted < rank else { throw fault(.inconsistent, "an axis of \(rank)", "\(axis)") }
        return counted
    }

    func axes(_ axes: [Int], rank: Int) throws -> [Int] {
        let counted = try axes.map { try axis($0, rank: rank) }.sorted()
        guard Set(counted).count == counted.count else { throw fault(.inconsistent, "different axes", "\(axes)") }
        return counted
    }

    /// Axes given as an attribute or, since operator set 13 for some, as an input.
    func axes(attribute: String = "axes", input: Int, rank: Int) throws -> [Int]? {
        let listed = try integers(attribute)
        guard let listed = try listed ?? (isGiven(input) ? integers(input, "axes") : nil) else { return nil }
        return try axes(listed, rank: rank)
    }
}
