import Foundation
public import RainPictures

/// A pose picture as the published models want it, drawn part by part: bodies first, then hands, then faces.
///
/// Coordinates are fractions of the picture and truncated to pixels, as in the pictures that the models were trained on. Points outside
/// simply do not show.
public struct PoseCanvas: Sendable {
    /// What has been drawn so far, on black.
    public private(set) var picture: Picture

    /// Half the width of a limb, and the radius of joints, in pixels.
    private static let thickness = 4
    /// How much darker limbs are than their joints.
    private static let limbBrightness = 0.6

    public init(width: Int, height: Int) { picture = Picture(width: width, height: height) }

    /// A coordinate in pixels, truncated; far away for what is no number, so that nothing is drawn there.
    private static func truncated(_ value: Double, _ extent: Int) -> Int {
        let pixels = value * Double(extent)
        return abs(pixels) < Double(Picture.farthest) ? Int(pixels) : -Picture.farthest
    }

    private func pixel(_ point: SIMD2<Double>) -> GridPoint {
        GridPoint(Self.truncated(point.x, picture.width), Self.truncated(point.y, picture.height))
    }

    /// Whether anything is drawn at a place: the authors leave out what falls onto the first row or column, or before it.
    private func shows(_ point: GridPoint) -> Bool { point.x >= 1 && point.y >= 1 }

    /// Bodies: limbs as ellipses, dimmed together with all that was there before, and discs at the joints.
    ///
    /// - Parameter bodies: the 18 points of each in OpenPose's order; nil for those not seen
    public mutating func drawBodies(_ bodies: [[SIMD2<Double>?]]) {
        precondition(bodies.allSatisfy { $0.count == WholeBody.body.count }, "a body has \(WholeBody.body.count) points")
        let extent = SIMD2(Double(picture.width), Double(picture.height))
        for (limb, color) in zip(Skeleton.limbs, Skeleton.bodyColors) {
            for body in bodies {
                guard let start = body[limb.0], let end = body[limb.1] else { continue }
                let way = (start - end) * extent
                let length = (way * way).sum().squareRoot()
                guard length < Double(Picture.farthest) else { continue }
                picture.fillEllipse(
                    pixel((start + end) / 2), halfLength: Int(length / 2), halfWidth: Self.thickness,
                    degrees: Int(atan2(way.y, way.x) * 180 / .pi), color)
            }
        }
        for index in picture.bytes.indices where picture.bytes[index] > 0 {
            picture.bytes[index] = UInt8(Double(picture.bytes[index]) * Self.limbBrightness)
        }
        for (joint, color) in Skeleton.bodyColors.enumerated() {
            for body in bodies {
                if let point = body[joint] { picture.fillDisc(pixel(point), radius: Self.thickness, color) }
            }
        }
    }

    /// Hands: fingers as lines, discs at the joints.
    ///
    /// - Parameter hands: the 21 points of each; points not seen lie before the first pixel, e.g. at (−1, −1)
    public mutating func drawHands(_ hands: [[SIMD2<Double>]]) {
        for hand in hands {
            precondition(hand.count == WholeBody.leftHand.count, "a hand has \(WholeBody.leftHand.count) points")
            let points = hand.map(pixel)
            for (bone, color) in zip(Skeleton.fingers, Skeleton.fingerColors) where shows(points[bone.0]) && shows(points[bone.1]) {
                picture.drawLine(points[bone.0], points[bone.1], color)
            }
            for point in points where shows(point) { picture.fillDisc(point, radius: Self.thickness, Skeleton.handColor) }
        }
    }

    /// A face: discs whose size follows the face's own, measured before it is retargeted.
    ///
    /// - Parameters:
    ///   - face: the 68 points of the driving face
    ///   - retargeting: moves them before they are drawn; nil to leave them
    public mutating func drawFace(_ face: [SIMD2<Double>], pattern: FacePattern = .published, retargeting: FaceRetargeting? = nil) {
        precondition(face.count == WholeBody.face.count, "a face has \(WholeBody.face.count) points")
        let nose = face[27] - face[8]
        // 0.3 of the picture from the nose's root to the chin gives the radius 3.
        let radius = 3 * ((nose * nose).sum().squareRoot() / 0.3)
        let wholeRadius = radius.isFinite ? Int(min(max(radius, 1), Double(Picture.largestRadius))) : 1
        let points = retargeting.map { $0(face) } ?? face
        for disc in pattern.discs {
            let center = pixel(disc.points.reduce(.zero) { $0 + points[$1] } / Double(disc.points.count))
            if shows(center) { picture.fillDisc(center, radius: wholeRadius, disc.color) }
        }
    }
}
