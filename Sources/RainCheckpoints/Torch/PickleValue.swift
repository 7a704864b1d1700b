/// What a pickle may build: plain values, containers of them, and tensors over storages that are not read yet.
///
/// Containers are indices into the unpickler's heap rather than values of their own, so that neither cycles nor deep nesting,
/// which a hostile pickle makes with a byte each, can exhaust memory or the stack.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// Little-endian two's complement of more than eight bytes.
    case longInteger([UInt8])
    case float(Double)
    case text(String)
    case list(Int)
    case tuple(Int)
    /// Keys and values in turn.
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)
    /// Something plain that says nothing about tensors, such as bytes or a device.
    case opaque

    /// For error messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a Boolean"
        case .integer, .longInteger: "an integer"
        case .float: "a number"
        case .text: "a text"
        case .list: "a list"
        case .tuple: "a tuple"
        case .dictionary: "a dictionary"
        case .global: "a function or class"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .opaque: "bytes or a device"
        }
    }
}

/// The functions and classes a pickle may name. None of them is ever called: each stands for what the unpickler does itself.
enum PickleGlobal: Equatable {
    case orderedDictionary
    /// `set` and `frozenset`, which become lists.
    case collection
    case size
    case device
    /// How Python 3 writes bytes in protocol 2.
    case encode
    case rebuildTensor
    /// With an element type of its own, over an untyped storage.
    case rebuildTypedTensor
    case rebuildParameter
    /// A storage of elements; nil for one of bytes.
    case storage(ElementType?)
    case elementType(ElementType)
    /// A type of element that torch has and Rain does not read.
    case unsupportedType

    /// By module and name. The older names of the `builtins` module are those of Python 2.
    static func named(_ module: String, _ name: String) -> PickleGlobal? {
        switch module {
        case "collections": return name == "OrderedDict" ? .orderedDictionary : nil
        case "builtins", "__builtin__": return name == "set" || name == "frozenset" ? .collection : nil
        case "_codecs": return name == "encode" ? .encode : nil
        case "torch._utils":
            return switch name {
            case "_rebuild_tensor", "_rebuild_tensor_v2": .rebuildTensor
            case "_rebuild_tensor_v3": .rebuildTypedTensor
            case "_rebuild_parameter", "_rebuild_parameter_with_state": .rebuildParameter
            default: nil
            }
        case "torch", "torch.storage":
            if name.hasSuffix("Storage") {
                let type = name.dropLast("Storage".count)
                if type == "Untyped" { return .storage(nil) }
                if let known = storageTypes[String(type)] { return .storage(known) }
                return unsupportedStorages.contains(String(type)) ? .unsupportedType : nil
            }
            guard module == "torch" else { return nil }
            if name == "Size" { return .size }
            if name == "device" { return .device }
            if let type = elementTypes[name] { return .elementType(type) }
            return unsupportedTypes.contains(name) ? .unsupportedType : nil
        default: return nil
        }
    }

    private static let storageTypes: [String: ElementType] = [
        "Double": .float64, "Float": .float32, "Half": .float16, "BFloat16": .bfloat16, "Long": .int64, "Int": .int32,
        "Short": .int16, "Char": .int8, "Byte": .uint8, "Bool": .bool,
    ]

    /// The name of the storage of elements of a type; nil if PyTorch has none but an untyped one.
    static func storageName(of type: ElementType) -> String? {
        storageTypes.first { $0.value == type }.map { $0.key + "Storage" }
    }

    private static let elementTypes: [String: ElementType] = [
        "float64": .float64, "float32": .float32, "float16": .float16, "bfloat16": .bfloat16, "float8_e4m3fn": .float8E4M3,
        "float8_e5m2": .float8E5M2, "int64": .int64, "int32": .int32, "int16": .int16, "int8": .int8, "uint64": .uint64,
        "uint32": .uint32, "uint16": .uint16, "uint8": .uint8, "bool": .bool,
    ]

    private static let unsupportedStorages: Set<String> = [
        "ComplexDouble", "ComplexFloat", "QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4",
    ]

    private static let unsupportedTypes: Set<String> = [
        "complex32", "complex64", "complex128", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "qint8", "quint8", "qint32",
    ]
}

/// A storage as a pickle names it; its bytes are elsewhere in the file.
struct PickledStorage {
    var key: String
    /// Nil for one of bytes.
    var dtype: ElementType?
    /// Elements, or bytes.
    var count: Int
}

/// A tensor as a pickle describes it; not yet checked against its storage.
struct PickledTensor {
    var storage: Int
    var dtype: ElementType
    var offset: Int
    var shape: [Int]
    var strides: [Int]
}
