import Foundation
import RainGraph
import RainPictures
import RainPose
import RainTFLite

/// Finds faces in pictures: a single-shot detector on 128 × 128 pixels with what is before and behind it.
///
/// - Source: BlazeFace, arXiv 1907.05047; anchors and thresholds as MediaPipe's short-range model has them.
final class FaceDetector {
    struct Detection: Sendable, Equatable {
        /// 0…1.
        var score: Double
        /// Corners of the box, in pixels of the picture, counted from corners; those of the upright region that was looked at.
        var low: SIMD2<Double>
        var high: SIMD2<Double>
        /// The picture's left eye, right eye, nose, mouth, left ear, right ear.
        var points: [SIMD2<Double>]

        /// Where the mesh network looks: the box enlarged, turned so that the eyes are level.
        var region: PictureRegion { PictureRegion(around: [low, high], enlarged: 1.5, from: points[0], to: points[1]) }
        var area: Double { (high - low).x * (high - low).y }
    }

    static let size = 128
    /// What scores less is no face.
    static let leastScore = 0.5
    /// Boxes that overlap more than this (intersection over union) are of one face, and are averaged.
    private static let overlap = 0.3
    /// Numbers a box: centre, size, six points.
    private static let valueCount = 16

    /// Centres of the anchors in fractions of the input: two for each cell of 8 pixels, six for each of 16.
    static let anchors: [SIMD2<Double>] = {
        var anchors: [SIMD2<Double>] = []
        for (cells, count) in [(16, 2), (8, 6)] {
            for cell in 0..<cells * cells {
                let center = SIMD2(Double(cell % cells) + 0.5, Double(cell / cells) + 0.5) / Double(cells)
                anchors += Array(repeating: center, count: count)
            }
        }
        return anchors
    }()

    private let network: SmallNetwork

    init(_ model: TFLiteModel, engine: any Engine) throws {
        let count = Self.anchors.count
        network = try SmallNetwork(
            model, input: ("input", [1, Self.size, Self.size, 3]),
            outputs: [("regressors", count * Self.valueCount), ("classificators", count)], engine: engine)
    }

    /// The faces in a region of a picture, best first.
    func callAsFunction(_ picture: Picture, in region: PictureRegion) throws -> [Detection] {
        let results = try network { input in
            region.sample(picture, size: Self.size, scale: 1 / 127.5, offset: -1, isBlackOutside: true, into: &input)
        }
        return Self.faces(boxes: results[0], scores: results[1].map(sigmoid)).map { face in
            var placed = face
            func place(_ point: SIMD2<Double>) -> SIMD2<Double> { region.place(point, of: 1) }
            (placed.low, placed.high, placed.points) = (place(face.low), place(face.high), face.points.map(place))
            return placed
        }
    }

    /// Faces in fractions of the input: boxes that overlap the best are averaged with it by their scores.
    static func faces(boxes: [Float], scores: [Double]) -> [Detection] {
        var candidates: [Detection] = anchors.indices.compactMap { index in
            guard scores[index] >= leastScore else { return nil }
            let values = boxes[index * valueCount..<(index + 1) * valueCount].map { Double($0) / Double(size) }
            guard values.allSatisfy({ abs($0) < 16 }) else { return nil }
            let (center, extent) = (anchors[index] + SIMD2(values[0], values[1]), SIMD2(values[2], values[3]))
            let points = (0..<6).map { anchors[index] + SIMD2(values[4 + 2 * $0], values[5 + 2 * $0]) }
            return Detection(score: scores[index], low: center - extent / 2, high: center + extent / 2, points: points)
        }
        candidates.sort { $0.score > $1.score }
        var faces: [Detection] = []
        while let best = candidates.first {
            let same = candidates.filter { shared(best, $0) > overlap || $0 == best }
            candidates.removeAll { shared(best, $0) > overlap || $0 == best }
            let total = same.reduce(0) { $0 + $1.score }
            var face = Detection(score: best.score, low: .zero, high: .zero, points: Array(repeating: .zero, count: 6))
            for one in same {
                let share = one.score / total
                face.low += one.low * share
                face.high += one.high * share
                for index in 0..<6 { face.points[index] += one.points[index] * share }
            }
            faces.append(face)
        }
        return faces
    }

    /// Intersection over union.
    private static func shared(_ a: Detection, _ b: Detection) -> Double {
        let extent = pointwiseMax(pointwiseMin(a.high, b.high) - pointwiseMax(a.low, b.low), .zero)
        let both = extent.x * extent.y
        return both / max(a.area + b.area - both, 1e-12)
    }
}
