/// How a picture is made to fill another shape.
public enum FitMode: String, Sendable, CaseIterable {
    /// Fill the whole target and lose what hangs over, equally on both sides.
    case crop
    /// Keep the whole picture, centred, with bars of one colour.
    case pad
}

extension Picture {
    /// The picture at another size, computed to the last bit as Pillow computes it: first along the rows, then along the columns,
    /// rounded to bytes after either. The same size gives the same bytes.
    ///
    /// - Parameter filter: Lanczos, as the authors use it for reference pictures, unless said otherwise
    public func resized(width newWidth: Int, height newHeight: Int, filter: ResamplingFilter = .lanczos) -> Picture {
        resampled(
            columns: ResampledAxis(source: width, target: newWidth, filter: filter),
            rows: ResampledAxis(source: height, target: newHeight, filter: filter))
    }

    /// A part of the picture, pixel for pixel; it must lie within.
    public func part(left: Int, top: Int, width partWidth: Int, height partHeight: Int) -> Picture {
        precondition(left >= 0 && top >= 0 && left + partWidth <= width && top + partHeight <= height, "a part lies within")
        var cut: [UInt8] = []
        cut.reserveCapacity(partWidth * partHeight * 3)
        for row in top..<top + partHeight {
            let start = (row * width + left) * 3
            cut += bytes[start..<start + partWidth * 3]
        }
        return Picture(width: partWidth, height: partHeight, bytes: cut)
    }

    /// A part of the picture, pixel for pixel; where it reaches outside, one colour.
    ///
    /// - Parameters:
    ///   - left: the part's first column in pixels; may lie outside, like all else
    ///   - top: its first row
    ///   - outside: the colour of what the picture does not cover
    public func part(left: Int, top: Int, width partWidth: Int, height partHeight: Int, outside: Color) -> Picture {
        let columns = max(left, 0)..<max(0, left, min(left + partWidth, width))
        let rows = max(top, 0)..<max(0, top, min(top + partHeight, height))
        if columns.count == partWidth, rows.count == partHeight {
            return part(left: left, top: top, width: partWidth, height: partHeight)
        }
        let color = outside.byte
        var cut = Picture(width: partWidth, height: partHeight, red: color.red, green: color.green, blue: color.blue)
        guard !columns.isEmpty else { return cut }
        for row in rows {
            let to = ((row - top) * partWidth + columns.lowerBound - left) * 3
            let from = (row * width + columns.lowerBound) * 3
            cut.bytes.replaceSubrange(to..<to + columns.count * 3, with: bytes[from..<from + columns.count * 3])
        }
        return cut
    }

    /// A square of the picture, pixel for pixel; where it reaches outside, the pixels of the nearest edge.
    ///
    /// - Parameters:
    ///   - left: the square's first column in pixels; may lie outside
    ///   - top: its first row
    public func partBeyondEdges(left: Int, top: Int, side: Int) -> Picture {
        let columns = (left..<(left + side)).map { min(max($0, 0), width - 1) * 3 }
        var cut: [UInt8] = []
        cut.reserveCapacity(side * side * 3)
        for row in top..<(top + side) {
            let start = min(max(row, 0), height - 1) * width * 3
            for column in columns { cut += bytes[(start + column)..<(start + column + 3)] }
        }
        return Picture(width: side, height: side, bytes: cut)
    }

    /// The picture fitted to exactly `width` × `height` without changing its proportions.
    ///
    /// - Parameters:
    ///   - mode: what gives way when the proportions differ
    ///   - background: the colour of the bars of `.pad`
    public func fitted(
        width newWidth: Int, height newHeight: Int, mode: FitMode = .crop, background: Color = .black, filter: ResamplingFilter = .lanczos
    ) -> Picture {
        precondition(newWidth > 0 && newHeight > 0, "a picture has at least one pixel")
        switch mode {
        case .crop:
            // The kept part may begin between pixels, so it is cut by the filter and not beforehand.
            let keptWidth = min(Double(width), Double(height) * Double(newWidth) / Double(newHeight))
            let keptHeight = min(Double(height), Double(width) * Double(newHeight) / Double(newWidth))
            let (left, top) = ((Double(width) - keptWidth) / 2, (Double(height) - keptHeight) / 2)
            return resampled(
                columns: ResampledAxis(source: width, kept: left..<left + keptWidth, target: newWidth, filter: filter),
                rows: ResampledAxis(source: height, kept: top..<top + keptHeight, target: newHeight, filter: filter))
        case .pad:
            let scale = min(Double(newWidth) / Double(width), Double(newHeight) / Double(height))
            let inner = resized(
                width: min(newWidth, max(1, Int((Double(width) * scale).rounded()))),
                height: min(newHeight, max(1, Int((Double(height) * scale).rounded()))), filter: filter)
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

    private func resampled(columns: ResampledAxis, rows: ResampledAxis) -> Picture {
        var wide = self
        if !columns.isIdentity {
            let newWidth = columns.count
            var bytes = [UInt8](repeating: 0, count: newWidth * height * 3)
            columns.apply(self.bytes, into: &bytes, lines: height * 3, step: 3) { line in
                let (row, channel) = (line / 3, line % 3)
                return (row * width * 3 + channel, row * newWidth * 3 + channel)
            }
            wide = Picture(width: newWidth, height: height, bytes: bytes)
        }
        if rows.isIdentity { return wide }
        var result = Picture(width: wide.width, height: rows.count)
        rows.apply(wide.bytes, into: &result.bytes, lines: wide.width * 3, step: wide.width * 3) { ($0, $0) }
        return result
    }
}

extension Color {
    /// The nearest 8-bit colour.
    var byte: (red: UInt8, green: UInt8, blue: UInt8) {
        (UInt8((red * 255).rounded()), UInt8((green * 255).rounded()), UInt8((blue * 255).rounded()))
    }
}
