/// What a checkpoint says about one tensor: its type, its shape and where its elements lie.
public struct TensorInfo: Sendable, Equatable {
    /// Element type.
    public let dtype: ElementType
    /// Extents, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Elements between neighbours along each axis, as stored; zero where one element stands for all.
    public let strides: [Int]
    /// Index of the first element in its storage, which other tensors may share.
    public let storageOffset: Int
    /// Number of elements: the product of `shape`.
    public let elementCount: Int
    /// Whether the elements stand in the file row by row, without holes.
    public let isContiguous: Bool

    /// The bytes of the file from the first to the last element.
    let range: Range<Int>

    /// Bytes of the tensor, row-major: the number of elements times the element's size.
    public var byteCount: Int { elementCount * dtype.byteCount }

    /// A row-major tensor that fills `range`, whose size has been checked.
    init(dtype: ElementType, shape: [Int], range: Range<Int>) {
        self.dtype = dtype
        self.shape = shape
        self.range = range
        strides = Self.rowMajorStrides(shape)
        storageOffset = 0
        elementCount = range.count / dtype.byteCount
        isContiguous = true
    }

    /// A view of a storage.
    ///
    /// - Parameters:
    ///   - storage: the bytes of the whole storage in the file
    ///   - storageOffset: in elements
    /// - Returns: nil if an element would lie outside the storage, or a number is negative or beyond what can be counted
    init?(dtype: ElementType, shape: [Int], strides: [Int], storageOffset: Int, storage: Range<Int>) {
        guard shape.count == strides.count, storageOffset >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }),
            let elementCount = Self.product(shape), elementCount <= Int.max / dtype.byteCount
        else { return nil }
        let capacity = storage.count / dtype.byteCount
        guard storageOffset <= capacity else { return nil }
        // The last element's index, as far as it can lie: overflow means that it lies outside.
        var last = storageOffset
        if elementCount > 0 {
            for (extent, stride) in zip(shape, strides) {
                let (distance, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
                let (sum, overflow) = last.addingReportingOverflow(distance)
                guard !tooFar, !overflow else { return nil }
                last = sum
            }
            guard last < capacity else { return nil }
        }
        self.dtype = dtype
        self.shape = shape
        self.strides = strides
        self.storageOffset = storageOffset
        self.elementCount = elementCount
        let start = storage.lowerBound + storageOffset * dtype.byteCount
        range = start..<(elementCount > 0 ? storage.lowerBound + (last + 1) * dtype.byteCount : start)
        let rowMajor = Self.rowMajorStrides(shape)
        // The stride of an axis of one element is never used.
        isContiguous = elementCount == 0 || zip(shape, zip(strides, rowMajor)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
    }

    /// The product of `extents`, or nil beyond `Int.max`; zero if any extent is zero, whatever the others.
    static func product(_ extents: [Int], times factor: Int = 1) -> Int? {
        if extents.contains(0) { return 0 }
        var product = factor
        for extent in extents {
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }

    /// Strides of a tensor without holes. An axis beyond one of no elements has whatever is harmless.
    static func rowMajorStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1].multipliedReportingOverflow(by: max(1, shape[axis + 1])).partialValue
        }
        return strides
    }
}

extension TensorInfo {
    /// The elements of a strided tensor, row by row.
    ///
    /// - Parameter bytes: those of `range`
    func gathered(_ bytes: RawSpan) -> [UInt8] {
        precondition(bytes.byteCount == range.count, "the tensor's own bytes")
        // An axis of one element is never stepped along, whatever its stride, which nobody has checked then.
        let axes = zip(shape, strides).filter { $0.0 != 1 }.map { (extent: $0.0, stride: $0.1) }
        switch dtype.byteCount {
        case 1: return bytes.gathered(UInt8.self, count: elementCount, axes)
        case 2: return bytes.gathered(UInt16.self, count: elementCount, axes)
        case 4: return bytes.gathered(UInt32.self, count: elementCount, axes)
        default: return bytes.gathered(UInt64.self, count: elementCount, axes)
        }
    }
}
