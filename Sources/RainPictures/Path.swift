import Foundation

/// A point of the plane in pixels: x to the right, y downwards, (0, 0) the outer corner of the first pixel.
public struct Point: Sendable, Equatable {
    public var x: Double
    public var y: Double

    public init(_ x: Double, _ y: Double) {
        self.x = x
        self.y = y
    }
}

/// An affine map of the plane: `(xx·x + xy·y + x0, yx·x + yy·y + y0)`.
public struct Transform: Sendable, Equatable {
    public var xx: Double
    public var yx: Double
    public var xy: Double
    public var yy: Double
    public var x0: Double
    public var y0: Double

    public init(xx: Double = 1, yx: Double = 0, xy: Double = 0, yy: Double = 1, x0: Double = 0, y0: Double = 0) {
        self.xx = xx
        self.yx = yx
        self.xy = xy
        self.yy = yy
        self.x0 = x0
        self.y0 = y0
    }

    public static let identity = Transform()

    public static func scale(_ x: Double, _ y: Double) -> Transform { Transform(xx: x, yy: y) }
    public static func translation(_ x: Double, _ y: Double) -> Transform { Transform(x0: x, y0: y) }

    /// A turn by `angle` radians, clockwise as seen (y points down).
    public static func rotation(_ angle: Double) -> Transform {
        let (c, s) = (cos(angle), sin(angle))
        return Transform(xx: c, yx: s, xy: -s, yy: c)
    }

    /// The map that first applies `inner`, then this one.
    public func after(_ inner: Transform) -> Transform {
        Transform(
            xx: xx * inner.xx + xy * inner.yx, yx: yx * inner.xx + yy * inner.yx,
            xy: xx * inner.xy + xy * inner.yy, yy: yx * inner.xy + yy * inner.yy,
            x0: xx * inner.x0 + xy * inner.y0 + x0, y0: yx * inner.x0 + yy * inner.y0 + y0)
    }

    public func callAsFunction(_ point: Point) -> Point {
        Point(xx * point.x + xy * point.y + x0, yx * point.x + yy * point.y + y0)
    }
}

/// Lines and cubic curves as a value, so that a shape can be mapped onto a turned face before it is filled or stroked.
///
/// Because the map is applied to the shape and not to the canvas, a stroke keeps its width in pixels.
public struct Path: Sendable, Equatable {
    enum Element: Sendable, Equatable {
        case move(Point)
        case line(Point)
        case curve(Point, Point, Point)
        case close
    }

    private(set) var elements: [Element] = []

    public init() {}

    /// Straight lines through `points`.
    public init(lines points: [Point], closed: Bool = true) {
        guard let first = points.first else { return }
        elements.reserveCapacity(points.count + 1)
        elements.append(.move(first))
        for point in points.dropFirst() { elements.append(.line(point)) }
        if closed { elements.append(.close) }
    }

    /// A smooth curve through `points` (uniform Catmull–Rom, as cubics).
    public init(through points: [Point], closed: Bool = true) {
        guard let first = points.first else { return }
        elements.append(.move(first))
        addCurve(through: points, closed: closed)
        if closed { elements.append(.close) }
    }

    /// A rectangle with its sides along the axes.
    public init(x: Double, y: Double, width: Double, height: Double) {
        self.init(lines: [
            Point(x, y), Point(x + width, y), Point(x + width, y + height), Point(x, y + height),
        ])
    }

    /// An ellipse with its axes along x and y.
    public init(ellipse center: Point, _ radiusX: Double, _ radiusY: Double) {
        arc(center, radiusX, radiusY, from: 0, to: 2 * .pi)
        elements.append(.close)
    }

    /// A circle.
    public init(circle center: Point, _ radius: Double) {
        self.init(ellipse: center, radius, radius)
    }

    public mutating func move(_ x: Double, _ y: Double) { elements.append(.move(Point(x, y))) }
    public mutating func line(_ x: Double, _ y: Double) { elements.append(.line(Point(x, y))) }
    public mutating func close() { elements.append(.close) }

    /// A cubic from the current point to the third pair, drawn towards the first and arriving from the second.
    public mutating func curve(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ x: Double, _ y: Double) {
        elements.append(.curve(Point(x1, y1), Point(x2, y2), Point(x, y)))
    }

    /// A line to `points[0]`, then a smooth curve through the rest; the path must have begun.
    public mutating func line(through points: [Point]) {
        guard let first = points.first else { return }
        elements.append(.line(first))
        addCurve(through: points, closed: false)
    }

    /// An arc of an ellipse, `from` to `to` radians, clockwise as seen; joined to the current point if there is one.
    ///
    /// It consists of cubics of at most a quarter turn; they leave the true ellipse by less than 0.03 % of its radius.
    public mutating func arc(_ center: Point, _ radiusX: Double, _ radiusY: Double, from: Double, to: Double) {
        let pieces = max(1, Int(((abs(to - from) / (.pi / 2)) - 1e-9).rounded(.up)))
        let step = (to - from) / Double(pieces)
        let handle = 4.0 / 3.0 * tan(step / 4)
        func at(_ angle: Double) -> (Point, Point) {
            let (c, s) = (cos(angle), sin(angle))
            return (Point(center.x + radiusX * c, center.y + radiusY * s), Point(-radiusX * s * handle, radiusY * c * handle))
        }
        var (point, tangent) = at(from)
        elements.append(elements.isEmpty ? .move(point) : .line(point))
        for piece in 1...pieces {
            let (next, nextTangent) = at(from + step * Double(piece))
            elements.append(
                .curve(
                    Point(point.x + tangent.x, point.y + tangent.y),
                    Point(next.x - nextTangent.x, next.y - nextTangent.y), next))
            (point, tangent) = (next, nextTangent)
        }
    }

    /// The path with every point mapped.
    public func applying(_ transform: Transform) -> Path {
        mapped(transform.callAsFunction)
    }

    /// The path with every point, handles of curves included, mapped; bends that are small against the curves keep them smooth.
    public func mapped(_ map: (Point) -> Point) -> Path {
        var mapped = Path()
        mapped.elements.reserveCapacity(elements.count)
        for element in elements {
            switch element {
            case .move(let point): mapped.elements.append(.move(map(point)))
            case .line(let point): mapped.elements.append(.line(map(point)))
            case .curve(let a, let b, let point): mapped.elements.append(.curve(map(a), map(b), map(point)))
            case .close: mapped.elements.append(.close)
            }
        }
        return mapped
    }

    /// This path, then another, as one.
    public func joined(with other: Path) -> Path {
        var path = self
        path.elements += other.elements
        return path
    }

    private mutating func addCurve(through points: [Point], closed: Bool) {
        let count = points.count
        guard count > 1 else { return }
        func at(_ index: Int) -> Point {
            closed ? points[(index + count) % count] : points[min(max(index, 0), count - 1)]
        }
        elements.reserveCapacity(elements.count + count + 1)
        for index in 0..<(closed ? count : count - 1) {
            let (before, from, to, after) = (at(index - 1), at(index), at(index + 1), at(index + 2))
            elements.append(
                .curve(
                    Point(from.x + (to.x - before.x) / 6, from.y + (to.y - before.y) / 6),
                    Point(to.x - (after.x - from.x) / 6, to.y - (after.y - from.y) / 6), to))
        }
    }
}
