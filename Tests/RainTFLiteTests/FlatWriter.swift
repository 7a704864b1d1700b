import Foundation

/// Part of a FlatBuffers file to be written. Every field takes four bytes, which is more than it needs and easy to find.
indirect enum Flat: Sendable {
    case byte(Int8)
    case number(Int32)
    /// Fields by their number in the schema.
    case table([Int: Flat])
    case list([Flat])
    /// A list whose elements are all the same one.
    case repeated(Flat, Int)
    case integers([Int32])
    /// A list of bytes, or a string.
    case bytes([UInt8])
    /// What an offset leads to, as it stands.
    case raw([UInt8])

    static func string(_ text: String) -> Flat { .bytes(Array(text.utf8)) }

    /// The file that begins with this table.
    var file: Data {
        var data = Data(count: 4) + Data("TFL3".utf8)
        data.patch(append(to: &data), at: 0)
        return data
    }

    /// Appends what an offset leads to.
    ///
    /// - Returns: where it lies
    private func append(to data: inout Data) -> Int {
        let place = data.count
        switch self {
        case .byte, .number: break
        case .raw(let bytes): data += bytes
        case .bytes(let bytes): data += little(bytes.count) + bytes
        case .integers(let integers): data += little(integers.count) + integers.flatMap { little(Int($0)) }
        case .list(let elements):
            data += little(elements.count) + Data(count: 4 * elements.count)
            for (index, element) in elements.enumerated() { element.link(from: place + 4 + 4 * index, in: &data) }
        case .repeated(let element, let count):
            data += little(count) + Data(count: 4 * count)
            let target = element.append(to: &data)
            for from in stride(from: place + 4, to: place + 4 + 4 * count, by: 4) { data.patch(target - from, at: from) }
        case .table(let fields):
            let count = 1 + (fields.keys.max() ?? -1)
            // The layout: its size, the table's size, where each field is.
            data += little(4 + 2 * count, 2) + little(4 + 4 * count, 2)
            for field in 0..<count { data += little(fields[field] == nil ? 0 : 4 + 4 * field, 2) }
            let table = data.count
            data += little(table - place) + Data(count: 4 * count)
            for (field, value) in fields.sorted(by: { $0.key < $1.key }) { value.link(from: table + 4 + 4 * field, in: &data) }
            return table
        }
        return place
    }

    /// Puts a scalar at a place, or appends something else and puts the offset that leads there.
    private func link(from place: Int, in data: inout Data) {
        switch self {
        case .byte(let value): data.patch(Int(value), at: place, 1)
        case .number(let value): data.patch(Int(value), at: place)
        default: data.patch(append(to: &data) - place, at: place)
        }
    }
}

/// The bytes of a number.
func little(_ value: Int, _ size: Int = 4) -> [UInt8] { (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

extension Data {
    /// Overwrites a number.
    mutating func patch(_ value: Int, at place: Int, _ size: Int = 4) { replaceSubrange(place..<place + size, with: little(value, size)) }
}

/// Kinds of operators by their number in the schema, with the number of their options.
struct Kind: Equatable {
    let number: Int32
    let options: Int8

    private init(_ number: Int32, options: Int8 = 0) {
        self.number = number
        self.options = options
    }

    static let add = Kind(0, options: 11)
    static let averagePool = Kind(1)
    static let concatenation = Kind(2, options: 10)
    static let convolution = Kind(3, options: 1)
    static let depthwise = Kind(4, options: 2)
    static let dequantize = Kind(6)
    static let logistic = Kind(14)
    static let maxPool = Kind(17, options: 5)
    static let multiply = Kind(18, options: 21)
    static let relu = Kind(19)
    static let relu6 = Kind(21)
    static let reshape = Kind(22, options: 17)
    static let softmax = Kind(25)
    static let custom = Kind(32)
    static let pad = Kind(34)
    static let slice = Kind(45, options: 32)
    static let split = Kind(49)
    static let prelu = Kind(54)
    static let gelu = Kind(150)
}

/// Networks written by hand. Tensor 0 is the input 'x'; the result of the last operator is the output.
struct NetworkMaker {
    var version: Int32 = 3
    var codes: [[Int: Flat]] = []
    var tensors: [[Int: Flat]] = []
    var operators: [[Int: Flat]] = []
    /// The result of the last operator.
    private(set) var result: Int32 = 0
    /// The first is empty: that of tensors that are no constants.
    var buffers: [[Int: Flat]] = [[:]]
    var outputs: [Int32]?
    /// Fields of the model and of its graph, which replace what the rest makes.
    var model: [Int: Flat] = [:]
    var graph: [Int: Flat] = [:]

    init(input: [Int32] = [1, 4, 6, 2], type: Int8 = 0) { _ = tensor("x", input, type: type) }

    /// - Returns: the tensor's place
    @discardableResult mutating func tensor(_ name: String, _ shape: [Int32], type: Int8 = 0, bytes: [UInt8]? = nil) -> Int32 {
        if let bytes { buffers.append([0: .bytes(bytes)]) }
        let buffer = bytes == nil ? 0 : buffers.count - 1
        tensors.append([0: .integers(shape), 1: .byte(type), 2: .number(Int32(buffer)), 3: .string(name)])
        return Int32(tensors.count - 1)
    }

    /// A constant of 32-bit floats, all the same.
    @discardableResult mutating func floats(_ shape: [Int32], _ value: Float = 0.5) -> Int32 {
        let count = shape.reduce(1) { $0 * Int($1) }
        return tensor("w\(tensors.count)", shape, bytes: (0..<count).flatMap { _ in little(Int(value.bitPattern)) })
    }

    /// A constant of 32-bit whole numbers.
    @discardableResult mutating func integers(_ values: Int32..., shape: [Int32]? = nil) -> Int32 {
        tensor("w\(tensors.count)", shape ?? [Int32(values.count)], type: 2, bytes: values.flatMap { little(Int($0)) })
    }

    /// Appends an operator.
    ///
    /// - Parameters:
    ///   - shape: as declared for the result; left open by default
    ///   - options: `nil` for none
    /// - Returns: the place of its result
    @discardableResult mutating func node(
        _ kind: Kind, _ inputs: [Int32], shape: [Int32] = [-1], _ options: [Int: Flat]? = [:]
    ) -> Int32 {
        result = tensor("y\(operators.count)", shape)
        codes.append([0: .byte(Int8(clamping: kind.number)), 3: .number(kind.number)])
        operators.append([0: .number(Int32(codes.count - 1)), 1: .integers(inputs), 2: .integers([result])])
        if let options {
            operators[operators.count - 1][3] = .byte(kind.options)
            operators[operators.count - 1][4] = .table(options)
        }
        return result
    }

    /// Padding (0 is SAME) and stride of a window, and more options.
    static func window(_ padding: Int8 = 0, _ stride: Int32 = 1, _ more: [Int: Flat] = [:]) -> [Int: Flat] {
        [0: .byte(padding), 1: .number(stride), 2: .number(stride)].merging(more) { $1 }
    }

    var file: Data {
        func list(_ tables: [[Int: Flat]]) -> Flat { .list(tables.map { .table($0) }) }
        let graph: [Int: Flat] = [
            0: list(tensors), 1: .integers([0]), 2: .integers(outputs ?? [result]), 3: list(operators),
        ]
        let model: [Int: Flat] = [
            0: .number(version), 1: list(codes), 2: .list([.table(graph.merging(self.graph) { $1 })]), 4: list(buffers),
        ]
        return Flat.table(model.merging(self.model) { $1 }).file
    }
}
