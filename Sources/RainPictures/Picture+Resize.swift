/// How a picture is made to fill another shape.
public enum FitMode: String, Sendable, CaseIterable {
    /// Fill the whole target and lose what hangs over, equally on both sides.
    case crop
    /// Keep the whole picture, centred, with bars of one colour.
    case pad
}

extension Picture {
    /// The picture at another size.
    ///
    /// Each axis is treated on its own: smaller by averaging the covered area exactly, larger by linear interpolation
    /// between pixel centres. Sums are kept in Float32 and rounded once, to nearest. The same size gives the same bytes.
    public func resized(width newWidth: Int, height newHeight: Int) -> Picture {
        resized(
            columns: ResampledAxis(source: width, target: newWidth), rows: ResampledAxis(source: height, target: newHeight))
    }

    /// The picture fitted to exactly `width` × `height` without changing its proportions.
    ///
    /// - Parameters:
    ///   - mode: what gives way when the proportions differ
    ///   - background: the colour of the bars of `.pad`
    public func fitted(width newWidth: Int, height newHeight: Int, mode: FitMode = .crop, background: Color = .black) -> Picture {
        precondition(newWidth > 0 && newHeight > 0, "a picture has at least one pixel")
        switch mode {
        case .crop:
            // The kept part may begin between pixels, so it is cut by the resampler and not beforehand.
            let keptWidth = min(Double(width), Double(height) * Double(newWidth) / Double(newHeight))
            let keptHeight = min(Double(height), Double(width) * Double(newHeight) / Double(newWidth))
            return resized(
                columns: ResampledAxis(source: width, from: (Double(width) - keptWidth) / 2, length: keptWidth, target: newWidth),
                rows: ResampledAxis(source: height, from: (Double(height) - keptHeight) / 2, length: keptHeight, target: newHeight))
        case .pad:
            let scale = min(Double(newWidth) / Double(width), Double(newHeight) / Double(height))
            let inner = resized(
                width: min(newWidth, max(1, Int((Double(width) * scale).rounded()))),
                height: min(newHeight, max(1, Int((Double(height) * scale).rounded()))))
            var padded = Picture(
                width: newWidth, height: newHeight, red: background.byte.red, green: background.byte.green, blue: background.byte.blue)
            let (left, top) = ((newWidth - inner.width) / 2, (newHeight - inner.height) / 2)
            for row in 0..<inner.height {
                let to = ((top + row) * newWidth + left) * 3
                let from = row * inner.width * 3
                padded.bytes.replaceSubrange(to..<(to + inner.width * 3), with: inner.bytes[from..<(from + inner.width * 3)])
            }
            return padded
        }
    }

    private func resized(columns: ResampledAxis, rows: ResampledAxis) -> Picture {
        if columns.isIdentity && rows.isIdentity { return self }
        let (newWidth, newHeight) = (columns.taps.count, rows.taps.count)
        var wide = [Float](repeating: 0, count: height * newWidth * 3)
        for row in 0..<height {
            for (column, tap) in columns.taps.enumerated() {
                var (red, green, blue): (Float, Float, Float) = (0, 0, 0)
                for (offset, weight) in tap.weights.enumerated() {
                    let from = (row * width + tap.first + offset) * 3
                    red += weight * Float(bytes[from])
                    green += weight * Float(bytes[from + 1])
                    blue += weight * Float(bytes[from + 2])
                }
                let to = (row * newWidth + column) * 3
                (wide[to], wide[to + 1], wide[to + 2]) = (red, green, blue)
            }
        }
        var result = [UInt8](repeating: 0, count: newWidth * newHeight * 3)
        var sums = [Float](repeating: 0, count: newWidth * 3)
        for (row, tap) in rows.taps.enumerated() {
            for index in sums.indices { sums[index] = 0 }
            for (offset, weight) in tap.weights.enumerated() {
                let from = (tap.first + offset) * newWidth * 3
                for index in sums.indices { sums[index] += weight * wide[from + index] }
            }
            for index in sums.indices { result[row * newWidth * 3 + index] = UInt8(min(max(sums[index].rounded(), 0), 255)) }
        }
        return Picture(width: newWidth, height: newHeight, bytes: result)
    }
}

/// Which source pixels, with which weights, make each target pixel of one axis.
private struct ResampledAxis {
    struct Tap {
        var first: Int
        var weights: [Float]
    }

    var taps: [Tap] = []
    var isIdentity = false

    /// Maps the stretch `from ..< from + length` of `source` pixels onto `target` pixels.
    init(source: Int, from: Double = 0, length: Double? = nil, target: Int) {
        precondition(target > 0, "a picture has at least one pixel")
        let length = length ?? Double(source)
        let step = length / Double(target)
        if step == 1 && from == from.rounded() && length == Double(source) {
            isIdentity = true
        }
        taps.reserveCapacity(target)
        for index in 0..<target {
            taps.append(
                step >= 1
                    ? Self.area(from + Double(index) * step, from + Double(index + 1) * step, source)
                    : Self.linear(from + (Double(index) + 0.5) * step - 0.5, source))
        }
    }

    private static func area(_ start: Double, _ end: Double, _ source: Int) -> Tap {
        let first = min(source - 1, max(0, Int(start)))
        let last = min(source - 1, max(first, Int(end.rounded(.up)) - 1))
        let cover = (first...last).map { max(0, min(end, Double($0 + 1)) - max(start, Double($0))) }
        let total = cover.reduce(0, +)
        return Tap(first: first, weights: cover.map { Float($0 / total) })
    }

    private static func linear(_ center: Double, _ source: Int) -> Tap {
        let clamped = min(max(center, 0), Double(source - 1))
        let first = min(Int(clamped), max(0, source - 2))
        let fraction = Float(clamped - Double(first))
        return source == 1 || fraction == 0
            ? Tap(first: first, weights: [1]) : Tap(first: first, weights: [1 - fraction, fraction])
    }
}

extension Color {
    /// The nearest 8-bit colour.
    var byte: (red: UInt8, green: UInt8, blue: UInt8) {
        (UInt8((red * 255).rounded()), UInt8((green * 255).rounded()), UInt8((blue * 255).rounded()))
    }
}
