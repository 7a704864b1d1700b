/// Counts what a file would become before it is decoded: two bytes of an empty message turn into hundreds in memory.
///
/// Walks the wire format of protocol buffers along the fields that repeat, and no others.
/// Source: https://protobuf.dev/programming-guides/encoding
struct MessageCensus {
    /// Messages and names, and bytes of packed integers (each may become eight).
    private(set) var records = 0
    private(set) var packedBytes = 0

    /// What a length-delimited field holds.
    private enum Field {
        case message([Int: Field])
        case record
        case packed
    }

    private static let tensor: [Int: Field] = [5: .packed, 7: .packed, 13: .record]
    private static let information: [Int: Field] = [2: .message([1: .message([2: .message([1: .record])])])]
    private static let node: [Int: Field] = [1: .record, 2: .record, 5: .message([5: .message(tensor)])]
    private static let graph: [Int: Field] = [
        1: .message(node), 5: .message(tensor), 11: .message(information), 12: .message(information),
    ]
    private static let model: [Int: Field] = [7: .message(graph), 8: .record]

    /// Messages and names a network may have: some hundred times what the largest detectors do.
    static let mostRecords = 1 << 20
    static let mostPackedBytes = 1 << 26

    /// - Returns: `nil` if the bytes are no such message.
    init?(_ bytes: Span<UInt8>) {
        guard walk(bytes, 0..<bytes.count, Self.model) else { return nil }
    }

    var isReasonable: Bool { records <= Self.mostRecords && packedBytes <= Self.mostPackedBytes }

    /// The depth is that of the table of fields.
    private mutating func walk(_ bytes: Span<UInt8>, _ range: Range<Int>, _ fields: [Int: Field]) -> Bool {
        var at = range.lowerBound
        func number() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard at < range.upperBound else { return nil }
                let byte = bytes[at]
                at += 1
                value |= UInt64(byte & 127) << shift
                if byte < 128 { return value }
            }
            return nil
        }
        while at < range.upperBound {
            guard let key = number() else { return false }
            switch key & 7 {
            case 0: guard number() != nil else { return false }
            case 1: at += 8
            case 5: at += 4
            case 2:
                guard let length = number(), length <= UInt64(range.upperBound - at) else { return false }
                let end = at + Int(length)
                switch Int(exactly: key >> 3).flatMap({ fields[$0] }) {
                case .message(let inner):
                    records += 1
                    guard walk(bytes, at..<end, inner) else { return false }
                case .record: records += 1
                case .packed: packedBytes += Int(length)
                case nil: break
                }
                // Enough is known.
                guard isReasonable else { return true }
                at = end
            default: return false
            }
        }
        return at == range.upperBound
    }
}
