import Glibc

/// Little-endian numbers of any alignment out of raw bytes, the only place where bytes become elements.
///
/// Every loop runs over `byteCount / size` elements, so no load passes the end of the span.
extension RawSpan {
    /// One number at a byte offset, which must lie inside the span.
    func load<Element: BitwiseCopyable>(_ type: Element.Type, at offset: Int) -> Element {
        precondition(offset >= 0 && offset <= byteCount - MemoryLayout<Element>.size, "a checked offset")
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    /// All elements, copied.
    package func array<Element: BitwiseCopyable>(of type: Element.Type) -> [Element] {
        let count = byteCount / MemoryLayout<Element>.stride
        return withUnsafeBytes { bytes in
            [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
                if count > 0 { memcpy(buffer.baseAddress!, bytes.baseAddress!, count * MemoryLayout<Element>.stride) }
                initialized = count
            }
        }
    }

    /// All elements, each passed through `transform`.
    @inline(__always)
    package func mapArray<Element: BitwiseCopyable, Result: BitwiseCopyable>(
        of type: Element.Type, _ transform: (Element) -> Result
    ) -> [Result] {
        let count = byteCount / MemoryLayout<Element>.stride
        return withUnsafeBytes { bytes in
            [Result](unsafeUninitializedCapacity: count) { buffer, initialized in
                for index in 0..<count {
                    buffer[index] = transform(bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Element>.stride, as: type))
                }
                initialized = count
            }
        }
    }

    /// Copies elements out of their places in a strided tensor, row by row.
    ///
    /// - Parameters:
    ///   - count: the product of all extents
    ///   - axes: extents and strides in elements, outermost first; no place they lead to lies outside the span
    func gathered<Element: BitwiseCopyable>(_ type: Element.Type, count: Int, _ axes: [(extent: Int, stride: Int)]) -> [UInt8] {
        let size = MemoryLayout<Element>.size
        let inner = axes.last ?? (1, 1)
        var index = [Int](repeating: 0, count: max(0, axes.count - 1))
        var start = 0
        return withUnsafeBytes { bytes in
            [UInt8](unsafeUninitializedCapacity: count * size) { buffer, initialized in
                let target = UnsafeMutableRawBufferPointer(buffer)
                while initialized < count * size {
                    for element in 0..<inner.extent {
                        let offset = (start + element * inner.stride) * size
                        precondition(offset <= bytes.count - size, "a checked place")
                        target.storeBytes(of: bytes.loadUnaligned(fromByteOffset: offset, as: type), toByteOffset: initialized, as: type)
                        initialized += size
                    }
                    // The next row, innermost axis first, as an odometer turns.
                    var axis = index.count - 1
                    while axis >= 0 {
                        index[axis] += 1
                        start += axes[axis].stride
                        if index[axis] < axes[axis].extent { break }
                        start -= axes[axis].stride * axes[axis].extent
                        index[axis] = 0
                        axis -= 1
                    }
                }
            }
        }
    }

    /// The index of the first element for which `predicate` holds.
    @inline(__always)
    func firstIndex<Element: BitwiseCopyable>(of type: Element.Type, where predicate: (Element) -> Bool) -> Int? {
        let count = byteCount / MemoryLayout<Element>.stride
        return withUnsafeBytes { bytes in
            (0..<count).first { predicate(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: type)) }
        }
    }
}
