import Foundation

/// Moves and stretches parts of a real face until it has the proportions of a drawn one: the authors' way of driving one by the other.
///
/// A list of adjustments, each seeing the result of those before.
public struct FaceRetargeting: Sendable, Equatable {
    /// What is done to a run of the face's points: turned so that an axis of their own lies level, stretched about their middle, shifted
    /// and turned back.
    public struct Adjustment: Sendable, Equatable {
        /// The points, of 0…67.
        public let points: Range<Int>
        /// Along the axis, and across it.
        public let scale: SIMD2<Double>
        /// Along the axis, and across it (down), in `unit`.
        public let shift: SIMD2<Double>
        /// From one to the other of two points, counted from the first of `points`; nil for the picture's own.
        public let axis: SIMD2<Int>?
        /// What `shift` is measured in: the distance between two points of the face; nil for the picture's size.
        public let unit: SIMD2<Int>?

        /// - Throws: `LandmarkError` for points that no face has
        public init(
            points: Range<Int>, scale: SIMD2<Double> = .one, shift: SIMD2<Double> = .zero, axis: SIMD2<Int>? = nil, unit: SIMD2<Int>? = nil
        ) throws(LandmarkError) {
            let face = 0..<WholeBody.face.count
            guard !points.isEmpty, face.contains(points.lowerBound), points.upperBound <= face.upperBound else {
                throw LandmarkError(.count, "an adjustment needs points within 0…\(face.upperBound - 1), found \(points)")
            }
            if let axis, !(0..<points.count).contains(axis.x) || !(0..<points.count).contains(axis.y) {
                throw LandmarkError(.count, "the axis of an adjustment of \(points.count) points cannot join \(axis.x) and \(axis.y)")
            }
            if let unit, !face.contains(unit.x) || !face.contains(unit.y) {
                throw LandmarkError(.count, "the unit of an adjustment cannot be the distance of points \(unit.x) and \(unit.y)")
            }
            self.init(checked: points, scale, shift, axis, unit)
        }

        init(
            checked points: Range<Int>, _ scale: SIMD2<Double> = .one, _ shift: SIMD2<Double> = .zero, _ axis: SIMD2<Int>? = nil,
            _ unit: SIMD2<Int>? = nil
        ) {
            self.points = points
            self.scale = scale
            self.shift = shift
            self.axis = axis
            self.unit = unit
        }

        /// The moved points alone.
        public func callAsFunction(_ face: [SIMD2<Double>]) -> [SIMD2<Double>] {
            precondition(face.count == WholeBody.face.count, "a face has \(WholeBody.face.count) points")
            let part = face[points]
            let center = part.reduce(.zero, +) / Double(part.count)
            let length = unit.map { pair -> Double in
                let way = face[pair.x] - face[pair.y]
                return (way * way).sum().squareRoot()
            }
            let direction = axis.map { part[part.startIndex + $0.y] - part[part.startIndex + $0.x] } ?? SIMD2(1, 0)
            let pitch = atan2(direction.y, direction.x)
            let (cosine, sine) = (cos(pitch), sin(pitch))
            return part.map { point in
                let away = point - center
                let level = SIMD2(away.x * cosine + away.y * sine, away.y * cosine - away.x * sine)
                let moved = level * scale + shift * (length ?? 1)
                return center + SIMD2(moved.x * cosine - moved.y * sine, moved.x * sine + moved.y * cosine)
            }
        }
    }

    /// In the order in which they are made.
    public var adjustments: [Adjustment]

    public init(adjustments: [Adjustment]) { self.adjustments = adjustments }

    /// The 68 points after all adjustments.
    public func callAsFunction(_ face: [SIMD2<Double>]) -> [SIMD2<Double>] {
        adjustments.reduce(into: face) { face, adjustment in face.replaceSubrange(adjustment.points, with: adjustment(face)) }
    }
}
