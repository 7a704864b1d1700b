import Foundation
import RainCheckpoints
import RainGraph
public import RainNetworks

/// What stands for a tensor.
enum Imported {
    /// Known already.
    case host(HostTensor)
    /// Known when the network runs.
    case graph(Value)
}

/// Translates the operators that lie between some tensors, in the file's order. TFLite's layout, channels last, is Rain's own.
final class Importer {
    typealias Translation = @Sendable (Importer, OperatorReader) throws -> Imported

    /// Every operator that is known.
    static let operators: [OperatorKind: Translation] = [
        .builtin(0): { try $0.binary(.add, $1, options: 11) },
        .builtin(2): { try $0.concatenated($1) },
        .builtin(3): { try $0.convolved($1) },
        .builtin(4): { try $0.convolvedByChannel($1) },
        .builtin(6): { try $0.widened($1) },
        .builtin(14): { .graph(try $0.value($1, 0).unary(.sigmoid)) },
        .builtin(17): { try $0.maxPooled($1) },
        .builtin(18): { try $0.binary(.multiply, $1, options: 21) },
        .builtin(19): { .graph(try $0.value($1, 0).unary(.relu)) },
        .builtin(21): { importer, reader in .graph(try importer.activated(importer.value(reader, 0), 3, reader)) },
        .builtin(22): { try $0.reshaped($1) },
        .builtin(34): { try $0.padded($1) },
        .builtin(45): { try $0.sliced($1) },
        .builtin(54): { importer, reader in .graph(try importer.value(reader, 0).prelu(slope: importer.value(reader, 1))) },
    ]

    /// Elements of all values together.
    private static let mostElements = 1 << 28

    let model: TFLiteModel
    private let network = NetworkBuilder()
    private var values: [Int: Imported] = [:]
    private var weights: [String: Value] = [:]
    private var elementCount = 0
    private var constantByteCount = 0

    init(_ model: TFLiteModel) { self.model = model }

    /// - Parameters:
    ///   - inputs: names of the tensors that are given
    ///   - outputs: names of the tensors that are wanted
    func network(inputs: [String], outputs: [String]) throws(NetworkError) -> ImportedNetwork {
        let places = Dictionary(grouping: model.tensors.indices, by: { model.tensors[$0].name })
        func place(_ name: String) throws(NetworkError) -> Int {
            guard let found = places[name] else { throw fault(.inconsistent, "", "a tensor '\(name)'", "none of that name") }
            guard found.count == 1 else { throw fault(.inconsistent, "", "one tensor '\(name)'", "\(found.count) of that name") }
            return found[0]
        }
        let given = try inputs.map { name throws(NetworkError) in try place(name) }
        let wanted = try outputs.map { name throws(NetworkError) in try place(name) }
        for place in given where values[place] == nil { values[place] = .graph(try input(place)) }
        let needed = try needed(from: Set(given), to: wanted)
        try check(needed)
        for index in needed { try translate(index) }
        for place in wanted {
            let name = model.tensors[place].name
            guard let made = values[place] else { throw fault(.inconsistent, "output '\(name)'", "an operator that makes it", "none") }
            do throws(GraphError) {
                network.graph.output(name, try value(made))
            } catch {
                throw fault(.inconsistent, "output '\(name)'", "a result", error.description)
            }
        }
        do throws(GraphError) {
            return try network.network()
        } catch {
            throw fault(.inconsistent, error.place, "a sound graph", error.message)
        }
    }

    /// The operators on the way to some tensors, in the file's order.
    private func needed(from given: Set<Int>, to wanted: [Int]) throws(NetworkError) -> [Int] {
        var makers: [Int: Int] = [:]
        for (index, operation) in model.operators.enumerated() {
            for output in operation.outputs {
                guard let other = makers.updateValue(index, forKey: output) else { continue }
                let name = printable(model.tensors[output].name, limit: 60)
                throw fault(.inconsistent, "", "one operator that makes '\(name)'", "operators \(other) and \(index)")
            }
        }
        var needed: Set<Int> = []
        var open = wanted
        while let place = open.popLast() {
            guard !given.contains(place), let maker = makers[place], needed.insert(maker).inserted else { continue }
            open += model.operators[maker].inputs.filter { $0 >= 0 }
        }
        return needed.sorted()
    }

    /// Names everything that is not supported at once.
    private func check(_ needed: [Int]) throws(NetworkError) {
        let unknown = Set(needed.map { model.operators[$0].kind }.filter { !$0.isSupported }.map { printable($0.name, limit: 60) }).sorted()
        guard unknown.isEmpty else {
            throw NetworkError(
                .unsupported, file: model.file, expected: "operators Rain knows",
                found: "\(unknown.count) others: " + unknown.prefix(12).joined(separator: ", "),
                advice: "use the published files of MediaPipe's face, pose and hand networks")
        }
    }

    private func input(_ place: Int) throws(NetworkError) -> Value {
        let tensor = model.tensors[place]
        let what = "input '\(tensor.name)'"
        guard tensor.type == .float32 else { throw fault(.unsupported, what, "32-bit floats", "\(tensor.type)") }
        try account(tensor.shape, what)
        do throws(GraphError) {
            return try network.graph.input(tensor.name, Shape(tensor.shape))
        } catch {
            throw fault(.inconsistent, what, "an input", error.message)
        }
    }

    private func translate(_ index: Int) throws(NetworkError) {
        let operation = model.operators[index]
        let reader = OperatorReader(operation, index: index, importer: self)
        guard let translation = Self.operators[operation.kind] else { return }
        do {
            guard operation.outputs.count == 1, let output = operation.outputs.first else {
                throw reader.fault(.unsupported, "one output", "\(operation.outputs.count)")
            }
            guard values[output] == nil else { throw reader.fault(.inconsistent, "an output of its own", "one defined before") }
            let result = try network.graph.scoped("operator \(index)") { try translation(self, reader) }
            let shape: [Int] =
                switch result {
                case .host(let tensor): tensor.shape
                case .graph(let value): value.shape.dimensions
                }
            // A dimension of 0 or below stands for what the file leaves open.
            let declared = model.tensors[output].shape
            guard shape == declared || declared.contains(where: { $0 < 1 }) else {
                throw reader.fault(.inconsistent, "a result \(declared)", "\(shape)")
            }
            if case .graph = result { try account(shape, reader.place) }
            values[output] = result
        } catch let error as NetworkError {
            throw error
        } catch let error as GraphError {
            throw reader.fault(.inconsistent, "operands that fit", error.message)
        } catch {
            throw reader.fault(.inconsistent, "operands that fit", "\(error)")
        }
    }

    /// Bounds what a small file can ask for.
    private func account(_ shape: [Int], _ place: String) throws(NetworkError) {
        guard let count = HostTensor.count(shape, limit: Self.mostElements), count > 0 else {
            throw fault(.tooLarge, place, "a possible shape of at most \(Self.mostElements) elements", "\(shape.prefix(12))")
        }
        elementCount += count
        guard elementCount <= Self.mostElements else {
            throw fault(.tooLarge, place, "at most \(Self.mostElements) elements in all values together", "more")
        }
    }

    func fault(_ code: NetworkError.Code, _ place: String, _ expected: String, _ found: String) -> NetworkError {
        NetworkError(code, file: model.file, place: place, expected: expected, found: found, advice: "use the published file")
    }

    // MARK: Operands

    /// What a tensor of the file stands for: made by an earlier operator, or a constant.
    func imported(_ place: Int, _ reader: OperatorReader) throws -> Imported {
        if let value = values[place] { return value }
        let constant = Imported.host(try constant(place, reader))
        values[place] = constant
        return constant
    }

    private func constant(_ place: Int, _ reader: OperatorReader) throws -> HostTensor {
        let tensor = model.tensors[place]
        let what = "the constant '\(printable(tensor.name, limit: 60))'"
        guard !tensor.bytes.isEmpty else {
            throw reader.fault(.inconsistent, "an input that is a constant or made before", "'\(printable(tensor.name, limit: 60))'")
        }
        guard !tensor.isSparse else { throw reader.fault(.unsupported, "dense constants", "\(what), which is sparse") }
        try account(tensor.shape.isEmpty ? [1] : tensor.shape, reader.place)
        let size =
            switch tensor.type {
            case .float32, .int32: 4
            case .float16: 2
            case .int64: 8
            default: 0
            }
        guard size > 0 else { throw reader.fault(.unsupported, "constants of floats or whole numbers", "\(what) of \(tensor.type)") }
        let count = tensor.shape.reduce(1, *)
        guard tensor.bytes.count == count * size else {
            throw reader.fault(.malformed, "\(count * size) bytes for \(what) \(tensor.shape)", "\(tensor.bytes.count)")
        }
        // Many tensors may share the same bytes, and then ask for far more memory than the file's size.
        constantByteCount += tensor.bytes.count
        guard constantByteCount <= 2 * model.byteCount else {
            throw reader.fault(.tooLarge, "constants of at most twice the file's \(model.byteCount) bytes", "more")
        }
        let data = model.buffer.bytes[tensor.bytes]
        let bytes = data.bytes
        let elements: HostTensor.Elements =
            switch tensor.type {
            case .float16: .floats(bytes.mapArray(of: UInt16.self) { HalfPrecision.float(fromFloat16: $0) })
            case .int32: .integers(bytes.mapArray(of: Int32.self) { Int64($0) })
            case .int64: .integers(bytes.array(of: Int64.self))
            default: .floats(bytes.array(of: Float.self))
            }
        // Names are the file's own and may occur twice: the place makes them unique.
        return HostTensor(tensor.shape, elements, name: "\(place) \(printable(tensor.name, limit: 100))")
    }

    func value(_ imported: Imported) throws(GraphError) -> Value {
        switch imported {
        case .graph(let value): value
        case .host(let tensor): try weight(tensor)
        }
    }

    /// An operand as a value of the graph.
    func value(_ reader: OperatorReader, _ index: Int) throws -> Value { try value(reader.input(index)) }

    /// A weight with its axes in another order; made once, however many operators ask for it.
    func weight(_ tensor: HostTensor, order: [Int]? = nil) throws(GraphError) -> Value {
        let key = "\(tensor.name ?? "") \(order ?? [])"
        if let known = weights[key] { return known }
        let weight = try network.weight(tensor, order: order)
        weights[key] = weight
        return weight
    }
}

/// One operator as its translation sees it.
struct OperatorReader {
    let operation: TFLiteModel.Operator
    let index: Int
    let importer: Importer

    init(_ operation: TFLiteModel.Operator, index: Int, importer: Importer) {
        self.operation = operation
        self.index = index
        self.importer = importer
    }

    var place: String { "operator \(index) (\(printable(operation.kind.name, limit: 60)))" }

    func fault(_ code: NetworkError.Code, _ expected: String, _ found: String) -> NetworkError {
        importer.fault(code, place, expected, found)
    }

    /// The options, which must be of a kind by its number in the schema; `nil` where there are none and all have their standard values.
    func options(_ type: UInt8) throws -> FlatTable? {
        guard let options = operation.options else { return nil }
        guard operation.optionsType == type else { throw fault(.malformed, "options of kind \(type)", "kind \(operation.optionsType)") }
        return options
    }

    func isGiven(_ index: Int) -> Bool { operation.inputs.indices.contains(index) && operation.inputs[index] >= 0 }

    func input(_ index: Int) throws -> Imported {
        guard isGiven(index) else { throw fault(.inconsistent, "input \(index)", "none") }
        return try importer.imported(operation.inputs[index], self)
    }

    /// An operand that must be known before the network runs.
    func host(_ index: Int) throws -> HostTensor {
        guard case .host(let tensor) = try input(index) else {
            throw fault(.unsupported, "input \(index) known before the network runs", "a computed one")
        }
        return tensor
    }

    /// Whole numbers that must be known before the network runs, of ±2³¹.
    func integers(_ index: Int) throws -> [Int] {
        guard case .integers(let values) = try host(index).elements, values.count <= 64 else {
            throw fault(.inconsistent, "input \(index): a short list of whole numbers", "others")
        }
        return values.map { Int(min(max($0, -1 << 31), 1 << 31)) }
    }
}

extension TFLiteModel {
    /// The part of the network between some tensors as a graph: every operator translated, weights in halves widened.
    ///
    /// - Parameters:
    ///   - inputs: names of tensors that are given; by default the file's inputs
    ///   - outputs: names of tensors that are wanted; by default the file's outputs. Operators that do not lead there are left out.
    /// - Throws: `NetworkError`, naming every operator on the way that is not supported, or the one that contradicts itself
    public func network(inputs: [String]? = nil, outputs: [String]? = nil) throws(NetworkError) -> ImportedNetwork {
        try Importer(self).network(inputs: inputs ?? self.inputs, outputs: outputs ?? self.outputs)
    }
}
