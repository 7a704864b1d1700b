import Foundation
import RainCheckpoints
import RainGraph
import RainNetworks

/// Element types of ONNX tensors, by their number.
enum TensorElement: Int32 {
    case float = 1
    case uint8 = 2
    case int8 = 3
    case uint16 = 4
    case int16 = 5
    case int32 = 6
    case int64 = 7
    case string = 8
    case bool = 9
    case float16 = 10
    case double = 11
    case uint32 = 12
    case uint64 = 13
    case bfloat16 = 16

    static func name(_ number: Int32) -> String { TensorElement(rawValue: number).map { "\($0)" } ?? "type \(number)" }

    var byteCount: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .float, .int32, .uint32: 4
        case .int64, .double, .uint64: 8
        case .string: nil
        }
    }
}

extension HostTensor {
    /// Reads the elements of a stored tensor.
    init(_ proto: Onnx_TensorProto, file: String) throws(NetworkError) {
        func wrong(_ code: NetworkError.Code, _ expected: String, _ found: String) -> NetworkError {
            NetworkError(
                code, file: file, place: "tensor '\(proto.name)'", expected: expected, found: found,
                advice: "the file is damaged or of an unknown kind; export or download it again")
        }
        let dims = proto.dims.map { Int($0) }
        guard let count = Self.count(dims) else { throw wrong(.tooLarge, "a possible shape of at most 8 axes", "\(proto.dims.prefix(12))") }
        guard proto.externalData.isEmpty, proto.dataLocation == 0 else {
            throw wrong(.externalData, "all weights inside the file", "external data, which is not supported")
        }
        guard let type = TensorElement(rawValue: proto.dataType), let size = type.byteCount else {
            throw wrong(.unsupported, "numbers", "elements of \(TensorElement.name(proto.dataType))")
        }
        let elements: Elements
        if proto.hasRawData {
            guard proto.rawData.count == count * size else {
                throw wrong(.malformed, "\(count * size) bytes for \(count) elements of \(type)", "\(proto.rawData.count) bytes")
            }
            elements = Self.decoded(proto.rawData.bytes, type)
        } else {
            elements = Self.listed(proto, type)
        }
        self.init(dims, elements, name: proto.name)
        guard self.count == count else { throw wrong(.malformed, "\(count) elements of \(type)", "\(self.count)") }
    }

    private static func decoded(_ bytes: RawSpan, _ type: TensorElement) -> Elements {
        switch type {
        case .float: .floats(bytes.array(of: Float.self))
        case .double: .floats(bytes.mapArray(of: Double.self) { Float($0) })
        case .float16: .floats(bytes.mapArray(of: UInt16.self) { HalfPrecision.float(fromFloat16: $0) })
        case .bfloat16: .floats(bytes.mapArray(of: UInt16.self) { HalfPrecision.float(fromBFloat16: $0) })
        case .uint8, .bool: .integers(bytes.mapArray(of: UInt8.self) { Int64($0) })
        case .int8: .integers(bytes.mapArray(of: Int8.self) { Int64($0) })
        case .uint16: .integers(bytes.mapArray(of: UInt16.self) { Int64($0) })
        case .int16: .integers(bytes.mapArray(of: Int16.self) { Int64($0) })
        case .uint32: .integers(bytes.mapArray(of: UInt32.self) { Int64($0) })
        case .int32: .integers(bytes.mapArray(of: Int32.self) { Int64($0) })
        case .int64: .integers(bytes.array(of: Int64.self))
        case .uint64: .integers(bytes.mapArray(of: UInt64.self) { Int64(clamping: $0) })
        case .string: .integers([])
        }
    }

    /// Elements in the field of their type, one by one.
    private static func listed(_ proto: Onnx_TensorProto, _ type: TensorElement) -> Elements {
        switch type {
        case .float: .floats(proto.floatData)
        case .double: .floats(proto.doubleData.map { Float($0) })
        case .float16: .floats(proto.int32Data.map { HalfPrecision.float(fromFloat16: UInt16(truncatingIfNeeded: $0)) })
        case .bfloat16: .floats(proto.int32Data.map { HalfPrecision.float(fromBFloat16: UInt16(truncatingIfNeeded: $0)) })
        case .int64: .integers(proto.int64Data)
        // Kept in a field of their own, which no exporter of networks uses.
        case .uint32, .uint64: .integers([])
        default: .integers(proto.int32Data.map { Int64($0) })
        }
    }
}
