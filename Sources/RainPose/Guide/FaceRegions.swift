/// What of a reference's face lies where: its eyes, and where hair and glasses lie before skin. So a picture is cut there where lids come down,
/// brows lift and lips move, and nowhere else.
public struct FaceRegions: Sendable {
    private let crop: CropFrame
    private let eyes: [LidForm]
    private let face: FaceMap

    /// How far lashes and lines reach beyond the rims, and how far beyond the corners, in half widths of the eye.
    private static let (above, below, beside) = (0.3, 0.3, 1.2)
    /// How much farther what belongs to an eye may lie.
    private static let reach = 0.3
    /// Over this much an eye's edge fades.
    private static let soft = 0.08
    /// Where, in half widths of the crop, the skin under hair ends, and then the hair; and the way to there.
    private static let (skin, hair, fade) = (0.97, 1.12, 0.14)

    /// One place.
    public struct Region: Sendable {
        /// How far the place is inside an eye, lashes included, 0…1.
        public let eye: Double
        /// How far something there may belong to an eye.
        public let nearEye: Double
        /// How far something there may lie before the face.
        public let front: Double
        /// How far there is skin behind it. Less far than `front`: at its end nothing but the picture is behind.
        public let skin: Double
    }

    /// - Returns: nil where eyes and mouth say nothing
    public init?(_ landmarks: LandmarkFrame) {
        guard let crop = CropFrame(landmarks) else { return nil }
        func form(_ left: Landmark, _ right: Landmark, _ top: Landmark, _ bottom: Landmark) -> LidForm? {
            func place(_ landmark: Landmark) -> SIMD2<Double> { crop.inverse(GuideGeometry.place(landmark, landmarks)) }
            return LidForm(left: place(left), right: place(right), top: place(top), bottom: place(bottom))
        }
        self.crop = crop
        eyes = [
            form(.leftEyeOuter, .leftEyeInner, .leftEyeTop, .leftEyeBottom),
            form(.rightEyeInner, .rightEyeOuter, .rightEyeTop, .rightEyeBottom),
        ].compactMap { $0 }
        face = FaceMap(reference: landmarks)
    }

    /// A square of pixels outside which there is none of all this.
    ///
    /// - Parameter size: of the picture, on both sides
    public func box(size: Int) -> (left: Int, top: Int, side: Int) {
        let corners = [SIMD2(-1.0, -1), SIMD2(1, -1), SIMD2(-1, 1), SIMD2(1, 1)].map { crop($0 * Self.hair) * Double(size) }
        func range(_ values: [Double]) -> (first: Int, last: Int) {
            func pixel(_ value: Double) -> Int { Int(min(max(value, 0), Double(size))) }
            return (pixel((values.min() ?? 0).rounded(.down)), pixel((values.max() ?? 0).rounded(.up)))
        }
        let (columns, rows) = (range(corners.map(\.x)), range(corners.map(\.y)))
        let side = max(1, columns.last - columns.first, rows.last - rows.first)
        return (min(columns.first, size - side), min(rows.first, size - side), side)
    }

    /// - Parameter place: in fractions of the picture
    public func callAsFunction(_ place: SIMD2<Double>) -> Region {
        func share(_ distance: Double, _ way: Double) -> Double { min(max(distance / way, 0), 1) }
        let local = crop.inverse(place)
        let rim = max(abs(local.x), abs(local.y))
        guard rim < Self.hair else { return Region(eye: 0, nearEye: 0, front: 0, skin: 0) }
        var nearest = Double.infinity
        for eye in eyes {
            let local = eye.local(local)
            let along = abs(local.x) / Self.beside
            let opening = max(0, 1 - along * along * along)
            // The distance from the rims, positive outside, and from the corners.
            let down = max(-(eye.top * opening + Self.above) - local.y, local.y - (eye.bottom * opening + Self.below))
            nearest = min(nearest, max(down, abs(local.x) - Self.beside))
        }
        let depth = face.depth(place)
        return Region(
            eye: share(-nearest, Self.soft), nearEye: share(Self.reach - nearest, Self.soft),
            front: min(share(Self.hair - rim, Self.fade), share(depth + 0.25, 0.1)),
            skin: min(share(Self.skin - rim, Self.fade), share(depth, 0.1)))
    }
}
