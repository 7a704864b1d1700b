import Foundation
package import RainPictures

/// An 8-bit RGB colour.
public struct ByteColor: Sendable, Equatable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }
}

/// A place on the pixel grid.
package struct GridPoint: Sendable, Equatable {
    package var x: Int
    package var y: Int

    package init(_ x: Int, _ y: Int) {
        self.x = x
        self.y = y
    }
}

/// Shapes on the pixel grid, without soft edges, pixel for pixel as OpenCV draws them: what the published networks have seen.
///
/// Shapes may reach beyond the picture; work is bounded by the picture's size, not the shape's.
///
/// - Source: OpenCV 4, `circle`, `line`, `ellipse2Poly` and `fillConvexPoly`; found again by comparing pictures.
extension Picture {
    /// Colours the pixels of a row from one column to another, both included.
    private mutating func fillRow(_ y: Int, _ first: Int, _ last: Int, _ color: ByteColor) {
        guard y >= 0, y < height, first < width, last >= 0, first <= last else { return }
        for x in max(first, 0)...min(last, width - 1) { set(x, y, color) }
    }

    private mutating func set(_ x: Int, _ y: Int, _ color: ByteColor) {
        guard x >= 0, x < width, y >= 0, y < height else { return }
        let at = (y * width + x) * 3
        bytes[at] = color.red
        bytes[at + 1] = color.green
        bytes[at + 2] = color.blue
    }

    /// A filled disc by the midpoint rule: one walks an eighth of the circle downwards and steps inwards whenever that leaves it.
    package mutating func fillDisc(_ center: GridPoint, radius: Int, _ color: ByteColor) {
        guard radius >= 0, radius <= Self.largestRadius, abs(center.x) <= Self.farthest, abs(center.y) <= Self.farthest else { return }
        guard center.x + radius >= 0, center.x - radius < width, center.y + radius >= 0, center.y - radius < height else { return }
        var (across, down) = (radius, 0)
        while across >= down {
            fillRow(center.y - down, center.x - across, center.x + across, color)
            fillRow(center.y + down, center.x - across, center.x + across, color)
            fillRow(center.y - across, center.x - down, center.x + down, color)
            fillRow(center.y + across, center.x - down, center.x + down, color)
            down += 1
            if across * across + down * down > radius * radius { across -= 1 }
        }
    }

    /// A line two pixels wide with round ends.
    package mutating func drawLine(_ start: GridPoint, _ end: GridPoint, _ color: ByteColor) {
        let (dx, dy) = (Double(end.x - start.x), Double(end.y - start.y))
        let length = (dx * dx + dy * dy).squareRoot()
        if length > 0 {
            // A rectangle that reaches one pixel to both sides of the line.
            let side = FixedPoint(
                x: Int((-dy / length * Double(FixedPoint.one)).rounded(.toNearestOrEven)),
                y: Int((dx / length * Double(FixedPoint.one)).rounded(.toNearestOrEven)))
            let (a, b) = (FixedPoint(start), FixedPoint(end))
            let corners = [a - side, a + side, b + side, b - side]
            for index in 0..<4 { drawEdge(corners[index], corners[(index + 1) % 4], color) }
            fillConvex(corners, color)
        }
        fillDisc(start, radius: 1, color)
        fillDisc(end, radius: 1, color)
    }

    /// A filled ellipse, as a polygon with a corner for each degree.
    ///
    /// - Parameters:
    ///   - halfLength: of the axis that `degrees` turns away from the x-axis
    ///   - halfWidth: of the other axis
    package mutating func fillEllipse(_ center: GridPoint, halfLength: Int, halfWidth: Int, degrees: Int, _ color: ByteColor) {
        let corners = Self.ellipse(center, halfLength: halfLength, halfWidth: halfWidth, degrees: degrees)
        for index in corners.indices { drawThinLine(corners[index], corners[(index + 1) % corners.count], color) }
        fillConvex(corners.map(FixedPoint.init), color)
    }

    /// The corners of an ellipse's polygon; neighbours differ.
    package static func ellipse(_ center: GridPoint, halfLength: Int, halfWidth: Int, degrees: Int) -> [GridPoint] {
        let turn = Double(degrees) * .pi / 180
        let (cosine, sine) = (cos(turn), sin(turn))
        var corners: [GridPoint] = []
        for degree in 0...360 {
            let angle = Double(degree) * .pi / 180
            let (x, y) = (Double(halfLength) * cos(angle), Double(halfWidth) * sin(angle))
            let corner = GridPoint(
                Int((Double(center.x) + x * cosine - y * sine).rounded(.toNearestOrEven)),
                Int((Double(center.y) + x * sine + y * cosine).rounded(.toNearestOrEven)))
            if corners.last != corner { corners.append(corner) }
        }
        return corners
    }

    /// Coordinates beyond this many pixels are no places a shape could be drawn at.
    static let farthest = 1 << 26

    /// No disc is larger, in pixels; larger than any picture.
    static let largestRadius = 1 << 16

    // MARK: Polygons

    /// The rows between the edges of a convex polygon; the edges are lines of their own.
    private mutating func fillConvex(_ corners: [FixedPoint], _ color: ByteColor) {
        var spans = [(first: Int, last: Int)](repeating: (.max, .min), count: height)
        for (index, corner) in corners.enumerated() {
            let before = corners[index == 0 ? corners.count - 1 : index - 1]
            let (top, bottom) = before.y <= corner.y ? (before, corner) : (corner, before)
            let rows = bottom.nearest.y - top.nearest.y
            guard rows > 0 else { continue }
            let slope = ((bottom.x - top.x) * 2 + rows) / (2 * rows)
            let first = top.nearest.y
            for y in max(first, 0)..<max(0, first, min(bottom.nearest.y, height)) {
                let x = FixedPoint.nearest(top.x + (y - first) * slope)
                spans[y] = (min(spans[y].first, x), max(spans[y].last, x))
            }
        }
        for (y, span) in spans.enumerated() { fillRow(y, span.first, span.last, color) }
    }

    /// A line one pixel wide between two pixels, a pixel in each column or row, whichever are more.
    private mutating func drawThinLine(_ a: GridPoint, _ b: GridPoint, _ color: ByteColor) {
        let (start, end) = a.x <= b.x ? (a, b) : (b, a)
        let (dx, dy) = (end.x - start.x, abs(end.y - start.y))
        let down = end.y >= start.y ? 1 : -1
        let (longer, shorter) = (max(dx, dy), min(dx, dy))
        // Only steps that fall into the picture.
        let steps: ClosedRange<Int>
        if dx >= dy {
            guard start.x < width, end.x >= 0 else { return }
            steps = max(0, -start.x)...max(0, -start.x, min(longer, width - 1 - start.x))
        } else {
            let (first, last) = down > 0 ? (-start.y, height - 1 - start.y) : (start.y - height + 1, start.y)
            guard first <= longer, last >= 0 else { return }
            steps = max(0, first)...max(0, first, min(longer, last))
        }
        for step in steps {
            // The nearest pixel of the shorter way; where two are as near, the earlier one.
            let aside = longer == 0 ? 0 : (2 * shorter * step + longer - 1) / (2 * longer)
            if dx >= dy {
                set(start.x + step, start.y + down * aside, color)
            } else {
                set(start.x + aside, start.y + down * step, color)
            }
        }
    }

    /// A line one pixel wide between two places between pixels, cut at the picture's border first.
    private mutating func drawEdge(_ a: FixedPoint, _ b: FixedPoint, _ color: ByteColor) {
        guard let (a, b) = FixedPoint.clipped(a, b, width: width, height: height) else { return }
        let isFlat = abs(b.x - a.x) > abs(b.y - a.y)
        let isForward = isFlat ? a.x <= b.x : a.y <= b.y
        let (start, end) = isForward ? (a, b) : (b, a)
        set(end.nearest.x, end.nearest.y, color)
        if isFlat {
            // An odd divisor is never zero.
            let slope = (end.y - start.y) * FixedPoint.one / ((end.x - start.x) | 1)
            for step in 0...(end.x - start.x) >> 16 { set(start.nearest.x + step, FixedPoint.nearest(start.y + step * slope), color) }
        } else {
            let slope = (end.x - start.x) * FixedPoint.one / ((end.y - start.y) | 1)
            for step in 0...(end.y - start.y) >> 16 { set(FixedPoint.nearest(start.x + step * slope), start.nearest.y + step, color) }
        }
    }
}

/// A place in 1/65536 pixel.
private struct FixedPoint {
    var x: Int
    var y: Int

    static let one = 1 << 16

    init(x: Int, y: Int) {
        self.x = x
        self.y = y
    }

    init(_ point: GridPoint) { self.init(x: point.x << 16, y: point.y << 16) }

    static func nearest(_ value: Int) -> Int { (value + one / 2) >> 16 }

    var nearest: GridPoint { GridPoint(Self.nearest(x), Self.nearest(y)) }

    static func + (a: Self, b: Self) -> Self { Self(x: a.x + b.x, y: a.y + b.y) }
    static func - (a: Self, b: Self) -> Self { Self(x: a.x - b.x, y: a.y - b.y) }

    /// The part of a line inside of a picture; nil if there is none. Rows are cut before columns.
    static func clipped(_ a: Self, _ b: Self, width: Int, height: Int) -> (Self, Self)? {
        var (a, b) = (a, b)
        for axis in [\Self.y, \Self.x] {
            let other = axis == \Self.y ? \Self.x : \Self.y
            let last = (axis == \Self.y ? height : width) * one - 1
            if a[keyPath: axis] < 0 && b[keyPath: axis] < 0 { return nil }
            if a[keyPath: axis] > last && b[keyPath: axis] > last { return nil }
            a = a.cut(towards: b, axis, other, last)
            b = b.cut(towards: a, axis, other, last)
        }
        return (a, b)
    }

    private func cut(towards end: Self, _ axis: WritableKeyPath<Self, Int>, _ other: WritableKeyPath<Self, Int>, _ last: Int) -> Self {
        let target = min(max(self[keyPath: axis], 0), last)
        guard target != self[keyPath: axis] else { return self }
        var result = self
        let way = Double(target - self[keyPath: axis]) * Double(end[keyPath: other] - self[keyPath: other])
        result[keyPath: other] += Int(way / Double(end[keyPath: axis] - self[keyPath: axis]))
        result[keyPath: axis] = target
        return result
    }
}
