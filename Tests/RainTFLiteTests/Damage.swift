import Foundation
import RainTesting

@testable import RainTFLite

/// What is damaged.
enum Victim: String, CaseIterable {
    /// The network of the reference case.
    case operators
    /// One of each kind of operator and nothing that hides them.
    case small
    /// The same without the results' shapes, which contradict nothing.
    case open

    func file() throws -> Data {
        if self == .operators { return try operatorsFile() }
        var maker = NetworkMaker()
        @discardableResult func node(_ kind: Kind, _ inputs: [Int32], _ shape: [Int32], _ options: [Int: Flat]? = nil) -> Int32 {
            maker.node(kind, inputs, shape: self == .open && kind != .reshape ? [-1] : shape, options)
        }
        let halves = maker.tensor("halves", [4, 3, 3, 2], type: 1, bytes: Array(repeating: 0x34, count: 144))
        let weights = node(.dequantize, [halves], [4, 3, 3, 2])
        let first = node(.convolution, [0, weights, maker.floats([4])], [1, 2, 3, 4], NetworkMaker.window(0, 2, [3: .byte(1)]))
        let inner = node(.depthwise, [first, maker.floats([1, 2, 2, 4])], [1, 2, 3, 4], NetworkMaker.window(0, 1, [4: .byte(3)]))
        let sum = node(.add, [inner, first], [1, 2, 3, 4], [0: .byte(1)])
        node(.prelu, [sum, maker.floats([1, 1, 4])], [1, 2, 3, 4])
        node(.pad, [maker.result, maker.integers(0, 0, 1, 1, 0, 1, 0, 2, shape: [4, 2])], [1, 4, 4, 6])
        node(.maxPool, [maker.result], [1, 2, 2, 6], NetworkMaker.window(1, 2, [3: .number(2), 4: .number(2)]))
        let (begin, end, steps) = (maker.integers(0, -1, 0, 1), maker.integers(1, 2, 0, 5), maker.integers(1, 1, 1, 1))
        node(.slice, [maker.result, begin, end, steps], [1, 1, 2, 4], [0: .number(1), 1: .number(4)])
        node(.reshape, [maker.result, maker.integers(2, 4)], [2, 4], [0: .integers([2, 4])])
        node(.relu6, [maker.result], [2, 4])
        node(.multiply, [maker.result, maker.floats([4])], [2, 4], [0: .byte(3)])
        node(.concatenation, [maker.result, maker.result, maker.floats([2, 1])], [2, 9], [0: .number(-1)])
        node(.logistic, [maker.result], [2, 9])
        return maker.file
    }
}

/// Damages a TFLite file at random, always in the same way for the same seed.
struct Damage {
    private let whole: Data
    /// Where the 32-bit offsets are.
    private var offsets: [Int] = []
    /// Where counts and the layouts of tables are.
    private var structure: [(place: Int, size: Int)] = []
    /// Where the numbers are that say what the network is: extents, operands, options, constants of whole numbers.
    private var content: [(place: Int, size: Int)] = []

    /// - Parameter whole: a sound file
    init(_ whole: Data) throws {
        self.whole = whole
        offsets.append(0)
        walk(number(0, 4), Self.model)
        for tensor in try TFLiteModel(whole, name: "whole.tflite").tensors {
            let size = tensor.type == .int32 ? 4 : tensor.type == .int64 ? 8 : 0
            if size > 0 { content += stride(from: tensor.bytes.lowerBound, to: tensor.bytes.upperBound, by: size).map { ($0, size) } }
        }
    }

    // MARK: Bytes

    /// The file with bytes changed, half of them beside numbers; in every second one also cut out, inserted, or left out at the end.
    func bytes(seed: UInt64) -> Data {
        var numbers = SeededNumbers(seed: seed)
        var data = whole
        func below(_ count: Int) -> Int { Int(numbers.next() % UInt64(count)) }
        let kinds = below(2) == 0 ? 3 : 6
        for _ in 0...below(6) where data.count > 16 {
            let places = [structure, content][below(2)]
            let at = below(2) == 0 ? below(data.count) : min(places[below(places.count)].place + below(4), data.count - 1)
            let length = min(1 + below(64), data.count - at)
            switch below(kinds) {
            case 0: data[at] ^= 1 << below(8)
            case 1: data[at] = UInt8(below(256))
            case 2: data.replaceSubrange(at..<at + length, with: Data(repeating: [0, 127, 128, 255][below(4)], count: length))
            case 3: data = data.prefix(at)
            case 4: data.replaceSubrange(at..<at + length, with: Data())
            default: data.insert(contentsOf: Data(data[at..<at + length]), at: below(data.count))
            }
        }
        return data
    }

    // MARK: Numbers

    private static let extremes = [
        0, 1, -1, 2, 3, 4, 7, 127, 128, 255, 513, 32767, 65535, 1 << 20, Int(Int32.max), Int(Int32.min), Int.max, Int.min, -2, 5000,
    ]

    /// The file with numbers changed that say where something is, how much there is, or what the network is. It is sound, or nearly so,
    /// and gets further than one of damaged bytes.
    func numbers(seed: UInt64) -> Data {
        var numbers = SeededNumbers(seed: seed)
        var data = whole
        func pick<Element>(_ elements: [Element]) -> Element { elements[Int(numbers.next() % UInt64(elements.count))] }
        for _ in 0...numbers.next() % 3 {
            let (place, size) = pick(numbers.next() % 8 == 0 ? structure : content)
            switch numbers.next() % 8 {
            case 0:
                // To where another offset leads.
                let (from, other) = (pick(offsets), pick(offsets))
                data.patch(other + number(other, 4) - from, at: from)
            case 1: data.patch(pick(Self.extremes), at: place, size)
            case 2: data.patch(number(place, size) + Int(numbers.next() % 9) - 4, at: place, size)
            case 3, 4: data.patch(Int(numbers.next() % 8), at: place, size)
            default:
                let other = pick(content)
                data.patch(number(other.place, other.size), at: place, size)
            }
        }
        return data
    }

    /// What a field of a table is. Numbers stand for all scalars.
    private indirect enum Layout {
        case number, integers, bytes
        case table([Int: Layout])
        case tables([Int: Layout])
    }

    private static let model: [Int: Layout] = [
        0: .number, 1: .tables([0: .number, 1: .bytes, 3: .number]), 4: .tables([0: .bytes]),
        2: .tables([
            0: .tables([0: .integers, 1: .number, 2: .number, 3: .bytes]), 1: .integers, 2: .integers,
            3: .tables([
                0: .number, 1: .integers, 2: .integers, 3: .number,
                4: .table(Dictionary(uniqueKeysWithValues: (0..<8).map { ($0, .number) })),
            ]),
        ]),
    ]

    private func number(_ place: Int, _ size: Int) -> Int {
        let value = whole[place..<place + size].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        return Int(Int64(truncatingIfNeeded: value << (64 - 8 * size)) >> (64 - 8 * size))
    }

    /// Notes the numbers of a table and of all that it leads to.
    private mutating func walk(_ table: Int, _ fields: [Int: Layout]) {
        let layout = table - number(table, 4)
        structure += [(table, 4), (layout, 2), (layout + 2, 2)]
        let entries = (0..<(number(layout, 2) - 4) / 2).map { number(layout + 4 + 2 * $0, 2) }
        for (field, offset) in entries.enumerated() where offset > 0 {
            structure.append((layout + 4 + 2 * field, 2))
            let place = table + offset
            guard let kind = fields[field] else { continue }
            guard case .number = kind else {
                offsets.append(place)
                follow(place + number(place, 4), kind)
                continue
            }
            let next = entries.filter { $0 > offset }.min() ?? number(layout + 2, 2)
            content.append((place, offset % 4 == 0 && next - offset >= 4 ? 4 : 1))
        }
    }

    private mutating func follow(_ place: Int, _ kind: Layout) {
        if case .table(let fields) = kind { return walk(place, fields) }
        structure.append((place, 4))
        let elements = stride(from: place + 4, to: place + 4 + 4 * number(place, 4), by: 4)
        switch kind {
        case .integers: content += elements.map { ($0, 4) }
        case .tables(let fields):
            offsets += elements
            for element in elements { walk(element + number(element, 4), fields) }
        default: break
        }
    }
}
