/// Lets the landmarks of one face drive another: each part keeps the new face's place and proportions and takes over how the
/// driving face's part moved from its rest.
///
/// A pure function of three frames. The motion of the whole head (shift, turn in the picture plane, size) is found as the
/// similarity that best carries the driving rest onto the driving frame, and is applied to the new face in proportion to its
/// size. What remains (turning out of the plane, expressions) is carried over part by part, in proportion to each part's own
/// width and height at rest, so that a shut lid shuts however large the new eye is. Mouth openings are ratios to the
/// mouth's width, so a reference that smiles with open lips still closes its mouth.
///
/// At the driving rest the result is the new face's rest (but for an open mouth); between two equal faces it changes nothing.
public struct LandmarkRetargeter: Sendable {
    private let rest: LandmarkFrame
    private let target: LandmarkFrame

    /// - Parameters:
    ///   - rest: the driving face at rest: frontal, eyes open, mouth shut
    ///   - target: the landmarks of the reference picture
    public init(from rest: LandmarkFrame, to target: LandmarkFrame) {
        self.rest = rest
        self.target = target
    }

    /// Takes the median of the first frames of a track as the driving face's rest.
    ///
    /// - Parameter frames: how many frames to look at; at least 1
    public init(fromStartOf track: LandmarkTrack, frames: Int = 8, to target: LandmarkFrame) {
        precondition(frames > 0, "the rest of a face is taken from at least one frame")
        // A track has at least one frame.
        self.init(from: LandmarkFrame.median(of: track.frames.prefix(frames)) ?? track.frames[0], to: target)
    }

    /// The driving frame on the new face; visibilities are the driving ones.
    public func callAsFunction(_ frame: LandmarkFrame) -> LandmarkFrame {
        let head = Similarity(from: Self.rigid.map { position(rest, $0) }, to: Self.rigid.map { position(frame, $0) })
        let restCenter = Self.center(rest, Self.rigid)
        let targetCenter = Self.center(target, Self.rigid)
        let size = Self.ratio(Self.spread(target, Self.rigid), Self.spread(rest, Self.rigid))
        let shift = (head(restCenter) - restCenter) * size

        var result = frame
        for part in Self.parts {
            let scale = part.scale(rest, target)
            for landmark in part.landmarks {
                let at: SIMD2<Float>
                if part.isBody {
                    at = position(target, landmark) + (position(frame, landmark) - position(rest, landmark)) * scale
                } else {
                    // The driving point as it would lie had the head not moved.
                    let still = head.inverse(position(frame, landmark))
                    let move = still - position(rest, landmark)
                    // A part's way across the face scales with the face, its own change of shape with the part.
                    let drift = part.center(of: frame, through: head) - Self.center(rest, part.landmarks)
                    let moved = position(target, landmark) + drift * size + (move - drift) * scale
                    at = targetCenter + shift + head.turned(moved - targetCenter)
                }
                result[landmark].x = at.x
                result[landmark].y = at.y
            }
        }
        return mouthOpening(result, driving: frame, head)
    }

    /// Puts the lips as far apart, relative to the mouth's width at rest, as the driving ones are.
    private func mouthOpening(_ result: LandmarkFrame, driving frame: LandmarkFrame, _ head: Similarity) -> LandmarkFrame {
        let width = Self.ratio(
            Self.distance(target, .mouthLeft, .mouthRight), Self.distance(rest, .mouthLeft, .mouthRight))
        let wanted = (head.inverse(position(frame, .mouthBottom)) - head.inverse(position(frame, .mouthTop))) * width
        let (top, bottom) = (position(result, .mouthTop), position(result, .mouthBottom))
        let (middle, half) = ((top + bottom) / 2, head.turned(wanted) / 2)
        var result = result
        (result[.mouthTop].x, result[.mouthTop].y) = (middle.x - half.x, middle.y - half.y)
        (result[.mouthBottom].x, result[.mouthBottom].y) = (middle.x + half.x, middle.y + half.y)
        return result
    }
}

// MARK: Parts

extension LandmarkRetargeter {
    private struct Part: Sendable {
        var landmarks: [Landmark]
        /// The points whose distances are the part's width and height; without a height the width serves for both.
        var width: (Landmark, Landmark)
        var height: (Landmark, Landmark)?
        var isBody = false

        /// Target size over driving size, across and down.
        func scale(_ rest: LandmarkFrame, _ target: LandmarkFrame) -> SIMD2<Float> {
            let across = ratio(distance(target, width.0, width.1), distance(rest, width.0, width.1))
            guard let height else { return SIMD2(across, across) }
            let down = ratio(distance(target, height.0, height.1), distance(rest, height.0, height.1))
            // An eye that is shut in either picture says nothing about how far it opens.
            return SIMD2(across, min(max(down, across / 2), across * 2))
        }

        func center(of frame: LandmarkFrame, through head: Similarity) -> SIMD2<Float> {
            landmarks.reduce(SIMD2<Float>.zero) { $0 + head.inverse(position(frame, $1)) } / Float(landmarks.count)
        }
    }

    private static let parts: [Part] = [
        Part(
            landmarks: [
                .faceOutline0, .faceOutline1, .faceOutline2, .faceOutline3, .faceOutline4, .faceOutline5, .faceOutline6,
            ], width: (.faceOutline0, .faceOutline6)),
        Part(landmarks: [.leftBrowInner, .leftBrowOuter], width: (.leftBrowInner, .leftBrowOuter)),
        Part(landmarks: [.rightBrowInner, .rightBrowOuter], width: (.rightBrowInner, .rightBrowOuter)),
        Part(
            landmarks: [.leftEyeOuter, .leftEyeInner, .leftEyeTop, .leftEyeBottom, .leftPupil],
            width: (.leftEyeOuter, .leftEyeInner), height: (.leftEyeTop, .leftEyeBottom)),
        Part(
            landmarks: [.rightEyeOuter, .rightEyeInner, .rightEyeTop, .rightEyeBottom, .rightPupil],
            width: (.rightEyeOuter, .rightEyeInner), height: (.rightEyeTop, .rightEyeBottom)),
        Part(landmarks: [.noseTip], width: (.faceOutline0, .faceOutline6)),
        Part(landmarks: [.mouthLeft, .mouthRight, .mouthTop, .mouthBottom], width: (.mouthLeft, .mouthRight)),
        Part(landmarks: [.neck, .leftShoulder, .rightShoulder], width: (.leftShoulder, .rightShoulder), isBody: true),
    ]

    /// Points that expressions do not move.
    private static let rigid: [Landmark] = [
        .faceOutline0, .faceOutline1, .faceOutline2, .faceOutline3, .faceOutline4, .faceOutline5, .faceOutline6,
        .leftEyeOuter, .leftEyeInner, .rightEyeOuter, .rightEyeInner, .noseTip,
    ]

    private static func center(_ frame: LandmarkFrame, _ landmarks: [Landmark]) -> SIMD2<Float> {
        landmarks.reduce(SIMD2<Float>.zero) { $0 + position(frame, $1) } / Float(landmarks.count)
    }

    /// Root mean square distance from the centre.
    private static func spread(_ frame: LandmarkFrame, _ landmarks: [Landmark]) -> Float {
        let middle = center(frame, landmarks)
        let sum = landmarks.reduce(Float(0)) { sum, landmark in
            let away = position(frame, landmark) - middle
            return sum + (away * away).sum()
        }
        return (sum / Float(landmarks.count)).squareRoot()
    }

    private static func distance(_ frame: LandmarkFrame, _ a: Landmark, _ b: Landmark) -> Float {
        let way = position(frame, b) - position(frame, a)
        return (way * way).sum().squareRoot()
    }

    /// 1 where either face gives no measure, so that a degenerate rest moves points plainly instead of to infinity.
    private static func ratio(_ target: Float, _ rest: Float) -> Float {
        rest > 1e-6 && target > 1e-6 ? target / rest : 1
    }
}

private func position(_ frame: LandmarkFrame, _ landmark: Landmark) -> SIMD2<Float> {
    SIMD2(frame[landmark].x, frame[landmark].y)
}

/// A shift, turn and uniform scaling of the plane: `a·(p − from) + to`, points read as complex numbers.
private struct Similarity {
    private let from: SIMD2<Float>
    private let to: SIMD2<Float>
    private let a: SIMD2<Float>

    /// The least-squares similarity between two lists of equally many points.
    init(from source: [SIMD2<Float>], to target: [SIMD2<Float>]) {
        from = source.reduce(.zero, +) / Float(source.count)
        to = target.reduce(.zero, +) / Float(target.count)
        var (product, square) = (SIMD2<Float>.zero, Float(0))
        for (p, q) in zip(source, target) {
            let (u, v) = (p - from, q - to)
            product += SIMD2(u.x * v.x + u.y * v.y, u.x * v.y - u.y * v.x)
            square += (u * u).sum()
        }
        let fitted = square > 1e-12 ? product / square : SIMD2(1, 0)
        a = (fitted * fitted).sum() > 1e-6 ? fitted : SIMD2(1, 0)
    }

    func callAsFunction(_ point: SIMD2<Float>) -> SIMD2<Float> { to + turned(point - from) }

    /// A vector turned and scaled.
    func turned(_ v: SIMD2<Float>) -> SIMD2<Float> { SIMD2(a.x * v.x - a.y * v.y, a.x * v.y + a.y * v.x) }

    func inverse(_ point: SIMD2<Float>) -> SIMD2<Float> {
        let v = point - to
        return from + SIMD2(a.x * v.x + a.y * v.y, a.x * v.y - a.y * v.x) / (a * a).sum()
    }
}
