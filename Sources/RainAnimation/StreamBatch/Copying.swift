// Copies between buffers that stay where they are; nothing here allocates.

func copy(_ source: [Float], _ count: Int, into target: inout MutableSpan<Float>) {
    for index in 0..<count { target[index] = source[index] }
}

func copy(_ source: [Float], _ count: Int, into target: inout MutableSpan<Float>, at offset: Int) {
    for index in 0..<count { target[offset + index] = source[index] }
}

func copy(_ source: [Float], _ count: Int, into target: inout [Float], at offset: Int) {
    for index in 0..<count { target[offset + index] = source[index] }
}

func copy(_ source: Span<Float>, into target: inout [Float]) {
    for index in 0..<source.count { target[index] = source[index] }
}

/// A stretch of `target.count` elements.
func copy(_ source: Span<Float>, from offset: Int, into target: inout [Float]) {
    for index in target.indices { target[index] = source[offset + index] }
}

/// Moves everything towards the start.
func shift(_ values: inout [Float], by count: Int) {
    for index in 0..<(values.count - count) { values[index] = values[index + count] }
}

extension Span<UInt8> {
    /// A copy of a stretch.
    func copied(_ start: Int, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        for index in 0..<count { bytes[index] = self[start + index] }
        return bytes
    }
}
