/// How the elements of a tensor are stored.
///
/// Operations compute in float32; the other types are those of what goes into and comes out of a program, and of stored weights.
/// `Operation.convert` goes from one to the other.
public enum Element: String, Hashable, Sendable, CaseIterable {
    case float32, float16, bfloat16, int32, uint8

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float32, .int32: 4
        case .float16, .bfloat16: 2
        case .uint8: 1
        }
    }

    /// The nearest number that an element of this type can hold: ties go to even for floats and away from zero for integers, whose
    /// range is kept, and which have 0 for NaN.
    public func nearest(_ value: Float) -> Float {
        switch self {
        case .float32: value
        case .float16: Half.float(Half.bits(value))
        case .bfloat16: BrainFloat.float(BrainFloat.bits(value))
        // The largest float below 2³¹.
        case .int32: value.isNaN ? 0 : min(max(value.rounded(), -0x1p31), 0x1.fffffep30)
        case .uint8: value.isNaN ? 0 : min(max(value.rounded(), 0), 255)
        }
    }
}

/// Shape and stored elements of a tensor.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
    public var shape: Shape
    public var element: Element

    public init(_ shape: Shape, _ element: Element = .float32) {
        self.shape = shape
        self.element = element
    }

    public var byteCount: Int { shape.count * element.byteCount }

    /// `[1, 8, 8, 3]`, or `uint8 [1, 8, 8, 3]` for what is not float32.
    public var description: String { element == .float32 ? "\(shape)" : "\(element) \(shape)" }
}

/// A number of Swift that is how an element is stored.
public protocol TensorScalar: BitwiseCopyable, Sendable {
    static var element: Element { get }
    /// The number as a float, rounded if it must be.
    var float: Float { get }
    /// The nearest one to a float, by the rule of `Element.nearest`.
    init(nearest value: Float)
}

extension Float: TensorScalar {
    public static var element: Element { .float32 }
    public var float: Float { self }
    public init(nearest value: Float) { self = value }
}

extension UInt8: TensorScalar {
    public static var element: Element { .uint8 }
    public var float: Float { Float(self) }
    public init(nearest value: Float) { self = UInt8(Element.uint8.nearest(value)) }
}

extension Int32: TensorScalar {
    public static var element: Element { .int32 }
    public var float: Float { Float(self) }
    public init(nearest value: Float) { self = Int32(Element.int32.nearest(value)) }
}

/// A number of 16 bits with 5 bits of exponent (IEEE 754's binary16), as its bits: not every platform of Swift has a type for it.
public struct Half: TensorScalar, Hashable {
    public var bits: UInt16

    public init(bits: UInt16) { self.bits = bits }
    public static var element: Element { .float16 }
    public var float: Float { Self.float(bits) }
    public init(nearest value: Float) { bits = Self.bits(value) }

    static func float(_ bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let (exponent, fraction) = (Int(bits >> 10 & 31), Float(bits & 1023))
        return switch exponent {
        case 0: sign * fraction * 0x1p-24
        case 31: fraction == 0 ? sign * .infinity : .nan
        default: sign * (1 + fraction * 0x1p-10) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }

    static func bits(_ value: Float) -> UInt16 {
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16 & 0x8000)
        if value.isNaN { return sign | 0x7E00 }
        let size = value.magnitude
        if size >= 65520 { return sign | 0x7C00 }
        // Below 2⁻¹⁴ steps are even.
        let exponent = size < 0x1p-14 ? -14 : Int(size.exponent)
        let step = Float(sign: .plus, exponent: exponent - 10, significand: 1)
        let steps = UInt16((size / step).rounded(.toNearestOrEven))
        // As many steps as the next exponent has carry into it.
        return sign | (exponent == -14 ? steps : UInt16(exponent + 14) << 10 + steps)
    }
}

/// A float32's upper 16 bits, as its bits.
public struct BrainFloat: TensorScalar, Hashable {
    public var bits: UInt16

    public init(bits: UInt16) { self.bits = bits }
    public static var element: Element { .bfloat16 }
    public var float: Float { Self.float(bits) }
    public init(nearest value: Float) { bits = Self.bits(value) }

    static func float(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    static func bits(_ value: Float) -> UInt16 {
        let pattern = value.bitPattern
        if value.isNaN { return UInt16(pattern >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (pattern + 0x7FFF + (pattern >> 16 & 1)) >> 16)
    }
}
