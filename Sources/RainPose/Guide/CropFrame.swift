import Foundation

/// The square of a reference in which the face's expression is drawn: from the brows to below the mouth, fixed to the head.
///
/// Its own coordinates q run from -1 to 1, x along the line of the eyes and y down the face, so that eyes, nose and mouth of every
/// character lie at nearly the same places, and turns of the head vanish from them.
public struct CropFrame: Sendable, Equatable {
    /// Its centre in fractions of the picture.
    public let center: SIMD2<Double>
    /// Half its width along the line of the eyes, in fractions of the picture.
    public let right: SIMD2<Double>
    /// Half its height down the face: `right` turned by 90°.
    public let down: SIMD2<Double>

    /// Half the crop's width in distances of the eyes' middles.
    private static let width = 1.06
    /// Of a face whose mouth lies farther below its eyes than this part of their distance, the crop grows with the way to the mouth.
    private static let mouthShare = 0.77
    /// How far above the middle between eyes and mouth the centre lies, in half widths.
    private static let lift = 0.06

    /// - Returns: nil where eyes and mouth say nothing: not finite, or without extent
    public init?(_ face: LandmarkFrame) {
        func middle(_ landmarks: Landmark...) -> SIMD2<Double> {
            landmarks.reduce(.zero) { $0 + SIMD2(Double(face[$1].x), Double(face[$1].y)) } / Double(landmarks.count)
        }
        let (left, right) = (middle(.leftEyeOuter, .leftEyeInner), middle(.rightEyeInner, .rightEyeOuter))
        let mouth = middle(.mouthLeft, .mouthRight)
        let between = (left + right) / 2
        let (across, below) = (right - left, mouth - between)
        let distance = (across * across).sum().squareRoot()
        let length = max(distance, (below * below).sum().squareRoot() / Self.mouthShare) * Self.width
        // Written so that NaN fails.
        guard distance > 1e-3, length < 4, abs(mouth.x) < 8, abs(mouth.y) < 8 else { return nil }
        self.right = across * (length / distance)
        down = SIMD2(-self.right.y, self.right.x)
        center = (between + mouth) / 2 - down * Self.lift
    }

    private init(center: SIMD2<Double>, right: SIMD2<Double>) {
        self.center = center
        self.right = right
        down = SIMD2(-right.y, right.x)
    }

    /// A square turned by an angle, in radians clockwise, made larger, and moved by parts of its former half width.
    public func changed(scale: Double = 1, turn: Double = 0, shift: SIMD2<Double> = .zero) -> CropFrame {
        CropFrame(center: self(shift), right: (right * cos(turn) + down * sin(turn)) * scale)
    }

    /// A place of the crop in fractions of the picture.
    public func callAsFunction(_ q: SIMD2<Double>) -> SIMD2<Double> { center + right * q.x + down * q.y }

    /// A place of the picture in the crop's coordinates.
    public func inverse(_ place: SIMD2<Double>) -> SIMD2<Double> {
        let offset = place - center
        let square = (right * right).sum()
        return SIMD2((offset * right).sum(), (offset * down).sum()) / square
    }
}
