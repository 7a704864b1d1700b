import Foundation
import RainGraph
import RainPictures
import RainPose
import RainTFLite

/// Finds 33 points of a body in a region of a picture.
///
/// - Source: BlazePose, arXiv 2006.10204; MediaPipe's full model
final class BodyPose {
    /// A body's points in pixels of the picture, counted from corners; scores 0…1.
    struct Body: Sendable, Equatable {
        var points: [Keypoint]
        /// Where to look next: the network says itself where the body's middle and reach are.
        var next: PictureRegion
    }

    private static let size = 256
    /// Points the network gives: 33 of the body, then the hips' middle, the body's reach and four more.
    private static let pointCount = 39
    /// What scores less is no body.
    private static let leastScore = 0.5

    private let network: SmallNetwork

    init(_ model: TFLiteModel, engine: any Engine) throws {
        network = try SmallNetwork(
            model, input: ("input_1", [1, Self.size, Self.size, 3]), outputs: [("Identity", Self.pointCount * 5), ("Identity_1", 1)],
            engine: engine)
    }

    /// Where the body of a face is, before it has been seen: below it, in proportions of people.
    static func region(face points: [SIMD2<Double>]) -> PictureRegion {
        let (chin, forehead) = (points[MeshPoints.chin], points[MeshPoints.forehead])
        let down = chin - forehead
        let head = (down * down).sum().squareRoot()
        let upright = SIMD2(0, head)
        return PictureRegion(center: (chin + forehead) / 2 + upright * 3.4, side: 10 * head)
    }

    /// - Returns: nil where no body is seen
    func callAsFunction(_ picture: Picture, in region: PictureRegion) throws -> Body? {
        let results = try network { input in
            region.sample(picture, size: Self.size, scale: 1 / 255, offset: 0, isBlackOutside: true, into: &input)
        }
        guard results[1][0] >= Float(Self.leastScore) else { return nil }
        let values = results[0]
        let points = (0..<Self.pointCount).map { index in
            let place = region.place(SIMD2(Double(values[5 * index]), Double(values[5 * index + 1])), of: Double(Self.size))
            return Keypoint(x: place.x, y: place.y, score: sigmoid(values[5 * index + 3]))
        }
        guard points.allSatisfy({ $0.x.isFinite && $0.y.isFinite }) else { return nil }
        let (hips, reach) = (points[33].location, points[34].location)
        let way = reach - hips
        let side = 2.5 * (way * way).sum().squareRoot()
        // Upwards is a quarter turn from the right.
        let next = PictureRegion(center: hips, side: side, angle: PictureRegion.angle(way) + .pi / 2)
        return Body(points: Array(points[..<33]), next: next)
    }
}
