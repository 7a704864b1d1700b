/// How the layers of a reference move, and what its face does, in each driving frame: all that a layered model is told of landmarks.
///
/// A head that turns carries each plane of points by an affine map, which `HeadFit` finds: here from the driving frame back to the
/// reference, since a picture is made by looking up where each of its pixels comes from. Front hair and skin are rounded; the body follows neck
/// and shoulders, the neck bends between body and head, the background stands still. A pure function of two sets of landmarks, in float64.
///
/// A reference that is not cut is one sheet, the face's, which bends around the head; what lies before the face bends with it.
public struct GuideGeometry: Sendable {
    /// Nodes along each side of a layer's mesh.
    public static let meshSide = 17
    /// Nodes along each side of the mesh that bends the face.
    public static let bendSide = 129
    /// Numbers that describe a frame's expression.
    public static let numberCount = 2 * 3 * features.count + 6

    public let reference: LandmarkFrame
    public let crop: CropFrame
    private let hair: HairMap
    private let face: FaceMap
    /// Nil for a reference in layers.
    private let sheet: SheetMap?
    /// The reference's features in the crop.
    private let referenceFeatures: [SIMD2<Double>]

    /// - Parameters:
    ///   - reference: landmarks of the reference picture
    ///   - isWhole: whether the reference is one sheet instead of layers
    /// - Returns: nil where its eyes and mouth say nothing: not finite, or without extent
    public init?(reference: LandmarkFrame, isWhole: Bool = false) {
        guard let crop = CropFrame(reference) else { return nil }
        self.reference = reference
        self.crop = crop
        hair = HairMap(reference: reference)
        face = FaceMap(reference: reference)
        sheet = isWhole ? SheetMap(reference: reference) : nil
        referenceFeatures = Self.features.map { crop.inverse(Self.place($0.landmark, reference)) }
    }

    /// One driving frame.
    public struct Frame: Sendable, Equatable {
        /// Where each layer's pixels come from: for each layer a mesh of `meshSide`×`meshSide` nodes, x and y in -1…1 over the reference,
        /// as `Operation.sample` reads it.
        public let meshes: [Float]
        /// The same for the crop's pixels, so that a crop is made from the reference's own.
        public let cropMeshes: [Float]
        /// Where that crop's pixels come from when lids, pupils, brows and lips move: a mesh of `bendSide`×`bendSide` nodes, x and y in
        /// -1…1 over the crop, then how far lips are parted there that the reference has closed, and how far a lid has come down there,
        /// 0…1.
        public let bend: [Float]
        /// Where the crop lies in the driven picture: a mesh of 2×2 nodes, -1…1 over that picture.
        public let crop: [Float]
        /// Where the driven picture lies in the crop: a mesh of 2×2 nodes, in the crop's coordinates.
        public let laid: [Float]
        /// The expression: brows, eyes, nose and mouth of the frame with the head's turn taken out, those of the reference, six times
        /// their difference, and the turn itself.
        public let numbers: [Float]
    }

    /// - Parameter driving: in the reference's own proportions; where its points say nothing, the head does not move
    public func callAsFunction(_ driving: LandmarkFrame) -> Frame {
        let head = headMap(driving)
        let body = BodyMap(reference: reference, driving: driving)
        func origin(_ place: SIMD2<Double>, _ layer: CharacterLayer) -> SIMD2<Double> {
            switch layer {
            case .background: place
            case .face where sheet != nil, .features where sheet != nil, .frontHair where sheet != nil:
                sheet?(place, head: head, body: body) ?? place
            case .body: body(place, head: head)
            case .frontHair: hair(place, head: head)
            case .face: face(place, head: head)
            case .backHair, .features: head(place, nearness: layer.depth ?? 0)
            }
        }
        /// The crop's place in the driven picture, for a fraction of its own extent.
        func cropped(_ fraction: SIMD2<Double>) -> SIMD2<Double> { head.inverse(crop(2 * fraction - 1), nearness: Self.cropDepth) }
        func meshes(_ place: (SIMD2<Double>) -> SIMD2<Double>) -> [Float] {
            CharacterLayer.allCases.flatMap { layer in Self.mesh(Self.meshSide) { origin(place($0), layer) } }
        }
        let features = Self.features.map { crop.inverse(head(Self.place($0.landmark, driving), nearness: $0.depth)) }
        var numbers: [Double] = []
        numbers.reserveCapacity(Self.numberCount)
        for feature in features { numbers += [feature.x, feature.y] }
        for feature in referenceFeatures { numbers += [feature.x, feature.y] }
        for (feature, reference) in zip(features, referenceFeatures) {
            numbers += [6 * (feature.x - reference.x), 6 * (feature.y - reference.y)]
        }
        numbers += [head.right.x - 1, head.right.y, head.down.x, head.down.y - 1, 2 * head.toward.x, 2 * head.toward.y]
        return Frame(
            meshes: meshes { $0 }, cropMeshes: meshes(cropped), bend: bend(to: features), crop: Self.mesh(2, cropped),
            laid: Self.mesh(2) { (crop.inverse(head($0, nearness: Self.cropDepth)) + 1) / 2 },
            // A point that is not a number says nothing.
            numbers: numbers.map { $0.isNaN ? 0 : Float(min(max($0, -Self.largestNumber), Self.largestNumber)) })
    }

    /// The depth of the plane that the crop lies in.
    private static let cropDepth = CharacterLayer.features.depth ?? 0
    /// Bounds what wild landmarks can ask of a network.
    private static let largestNumber = 16.0

    /// Landmarks that move in the face, with their depths in half head widths.
    private static let features: [(landmark: Landmark, depth: Double)] = {
        let eyes: [Landmark] = [
            .leftBrowInner, .leftBrowOuter, .rightBrowInner, .rightBrowOuter, .leftEyeOuter, .leftEyeInner, .leftEyeTop, .leftEyeBottom,
            .leftPupil, .rightEyeOuter, .rightEyeInner, .rightEyeTop, .rightEyeBottom, .rightPupil,
        ]
        let mouth: [Landmark] = [.mouthLeft, .mouthRight, .mouthTop, .mouthBottom]
        return eyes.map { ($0, 0.69) } + [(.noseTip, 0.81)] + mouth.map { ($0, 0.66) }
    }()

    private func bend(to driving: [SIMD2<Double>]) -> [Float] {
        func place(_ landmark: Landmark, _ places: [SIMD2<Double>]) -> SIMD2<Double> {
            Self.features.firstIndex { $0.landmark == landmark }.map { places[$0] } ?? .zero
        }
        let bend = FaceBend(reference: { place($0, referenceFeatures) }, driving: { place($0, driving) })
        let steps = (0..<Self.bendSide).map { 2 * Double($0) / Double(Self.bendSide - 1) - 1 }
        var nodes: [Float] = []
        nodes.reserveCapacity(steps.count * steps.count * 4)
        for y in steps {
            for x in steps {
                let origin = bend(SIMD2(x, y))
                nodes.append(Float(origin.x))
                nodes.append(Float(origin.y))
                nodes.append(Float(bend.parted(SIMD2(x, y))))
                nodes.append(Float(bend.lid(SIMD2(x, y))))
            }
        }
        return nodes
    }

    static func place(_ landmark: Landmark, _ frame: LandmarkFrame) -> SIMD2<Double> {
        SIMD2(Double(frame[landmark].x), Double(frame[landmark].y))
    }

    /// A mesh over the unit square whose nodes are given in fractions and stored as -1…1, rows first.
    private static func mesh(_ side: Int, _ map: (SIMD2<Double>) -> SIMD2<Double>) -> [Float] {
        var nodes: [Float] = []
        nodes.reserveCapacity(side * side * 2)
        for row in 0..<side {
            for column in 0..<side {
                let place = 2 * map(SIMD2(Double(column), Double(row)) / Double(side - 1)) - 1
                nodes.append(Float(place.x))
                nodes.append(Float(place.y))
            }
        }
        return nodes
    }

    private func headMap(_ driving: LandmarkFrame) -> HeadMap {
        guard let fit = HeadFit(from: driving, to: reference, depths: .wide), let map = HeadMap(fit) else { return HeadMap() }
        return map
    }
}

/// From a driving place back to the reference's, for points of the head at a depth; and the way there.
struct HeadMap {
    let right: SIMD2<Double>
    let down: SIMD2<Double>
    /// Where what lies nearer by half a head's width comes from.
    let toward: SIMD2<Double>
    /// Where the driven picture's corner comes from, at depth 0.
    private let origin: SIMD2<Double>

    /// A head that has not moved.
    init() {
        (right, down, toward, origin) = (SIMD2(1, 0), SIMD2(0, 1), .zero, .zero)
    }

    /// - Returns: nil for a head that is seen from the side or far larger or smaller than the reference's: its planes have no inverse
    ///   worth showing
    init?(_ fit: HeadFit) {
        right = fit.right
        down = fit.down
        origin = fit(.zero, nearness: 0)
        toward = fit(.zero, nearness: 1) - origin
        let determinant = right.x * down.y - right.y * down.x
        // Written so that NaN fails.
        guard determinant > 0.04, fit.scale < 5, abs(origin.x) < 16, abs(origin.y) < 16 else { return nil }
    }

    func callAsFunction(_ place: SIMD2<Double>, nearness: Double) -> SIMD2<Double> {
        right * place.x + down * place.y + toward * nearness + origin
    }

    /// Where a place of the reference goes.
    func inverse(_ place: SIMD2<Double>, nearness: Double) -> SIMD2<Double> {
        let offset = place - toward * nearness - origin
        let determinant = right.x * down.y - right.y * down.x
        return SIMD2(offset.x * down.y - offset.y * down.x, offset.y * right.x - offset.x * right.y) / determinant
    }
}

/// From a driving place back to the reference's, for points of the body: a similarity from neck and shoulders, which along the neck goes
/// over into the head's map.
struct BodyMap {
    private let turn: SIMD2<Double>
    private let driven: SIMD2<Double>
    private let reference: SIMD2<Double>
    private let neck: SIMD2<Double>
    private let chin: SIMD2<Double>

    /// Holds the body near no turn and its own size, in squared fractions of the picture.
    private static let ridge = 2.5e-4

    init(reference: LandmarkFrame, driving: LandmarkFrame) {
        let seen = [Landmark.neck, .leftShoulder, .rightShoulder].filter {
            let (a, b) = (reference[$0], driving[$0])
            return min(a.visibility, b.visibility) >= Float(WholeBodyFrame.leastScore) && (a.x + a.y + b.x + b.y).isFinite
        }
        func middle(_ frame: LandmarkFrame) -> SIMD2<Double> {
            seen.reduce(.zero) { $0 + GuideGeometry.place($1, frame) } / Double(max(seen.count, 1))
        }
        let (from, to) = (middle(driving), middle(reference))
        var (same, cross, square) = (Self.ridge, 0.0, Self.ridge)
        for landmark in seen {
            let (x, y) = (GuideGeometry.place(landmark, driving) - from, GuideGeometry.place(landmark, reference) - to)
            same += (x * y).sum()
            cross += x.x * y.y - x.y * y.x
            square += (x * x).sum()
        }
        turn = SIMD2(same, cross) / square
        (driven, self.reference) = (from, to)
        neck = seen.first == .neck ? GuideGeometry.place(.neck, driving) : SIMD2(.nan, .nan)
        // The neck's upper end lies behind the lower face, between mouth and chin.
        let mouth = (GuideGeometry.place(.mouthLeft, driving) + GuideGeometry.place(.mouthRight, driving)) / 2
        chin = mouth * 0.75 + GuideGeometry.place(.faceOutline3, driving) * 0.25
    }

    func callAsFunction(_ place: SIMD2<Double>, head: HeadMap) -> SIMD2<Double> {
        let offset = place - driven
        let body = SIMD2(turn.x * offset.x - turn.y * offset.y, turn.y * offset.x + turn.x * offset.y) + reference
        let along = chin - neck
        let height = ((place - neck) * along).sum() / (along * along).sum()
        // Written so that NaN, of a neck that is not seen, stays with the body.
        guard height > 0, abs(along.x) < 8, (along * along).sum() > 1e-6 else { return body }
        let share = min(height, 1)
        return body * (1 - share) + head(place, nearness: 0) * share
    }
}

/// From a driving place back to the reference's, for the hair over the face, whose depth changes from place to place.
struct HairMap {
    private let middle: SIMD2<Double>
    /// Half the head's width, along the line of the temples.
    private let right: SIMD2<Double>

    /// Half the distance of the temples in half head widths, and how far above the head's middle they lie.
    private static let (temple, lift) = (0.94, 0.05)

    init(reference: LandmarkFrame) {
        let (left, right) = (GuideGeometry.place(.faceOutline0, reference), GuideGeometry.place(.faceOutline6, reference))
        self.right = (right - left) / (2 * Self.temple)
        middle = (left + right) / 2 + SIMD2(-self.right.y, self.right.x) * Self.lift
    }

    func callAsFunction(_ place: SIMD2<Double>, head: HeadMap) -> SIMD2<Double> {
        let square = (right * right).sum()
        guard square > 1e-6, square.isFinite else { return head(place, nearness: 0.3) }
        // The depth belongs to where the place comes from, and changes slowly: three rounds settle it to a hundredth of a pixel.
        var origin = head(place, nearness: 0.3)
        for _ in 0..<3 {
            let offset = origin - middle
            let (x, y) = ((offset * right).sum() / square, (offset.y * right.x - offset.x * right.y) / square)
            origin = head(place, nearness: CharacterLayer.frontDepth(x: x, y: y))
        }
        return origin
    }
}

/// From a driving place back to the reference's, for the face's skin: at its outline as deep as that, and towards the middle as near as the
/// features, so that what a cut leaves of an eye or a blush in the skin stays with the rest of it.
struct FaceMap {
    /// The outline, and how it goes on above the temples.
    private let line: [SIMD2<Double>]
    /// From the outline so far inwards, in fractions of the picture, the skin rises.
    private let rise: Double

    /// In half head widths.
    private static let (width, above) = (0.5, 2.0)

    init(reference: LandmarkFrame) {
        let outline: [Landmark] = [
            .faceOutline0, .faceOutline1, .faceOutline2, .faceOutline3, .faceOutline4, .faceOutline5, .faceOutline6,
        ]
        let places = outline.map { GuideGeometry.place($0, reference) }
        let right = (places[6] - places[0]) / 2
        let up = SIMD2(right.y, -right.x) * Self.above
        line = [places[0] + up] + places + [places[6] + up]
        rise = (right * right).sum().squareRoot() * Self.width
    }

    func callAsFunction(_ place: SIMD2<Double>, head: HeadMap) -> SIMD2<Double> {
        let (far, near) = (CharacterLayer.face.depth ?? 0, CharacterLayer.features.depth ?? 0)
        var origin = head(place, nearness: far)
        // The depth belongs to where the place comes from.
        for _ in 0..<3 {
            let share = inside(origin)
            guard share > 0 else { return head(place, nearness: far) }
            origin = head(place, nearness: far + (near - far) * share)
        }
        return origin
    }

    /// 0 at the outline and beyond, 1 well inside.
    private func inside(_ place: SIMD2<Double>) -> Double {
        let share = min(max(depth(place), 0), 1)
        return share * share * (3 - 2 * share)
    }

    /// How far inside the outline a place lies, negative outside, in quarters of the face's width; where the outline says nothing, far outside.
    func depth(_ place: SIMD2<Double>) -> Double {
        var (nearest, side) = (Double.infinity, 0.0)
        for index in 1..<line.count {
            let (start, way) = (line[index - 1], line[index] - line[index - 1])
            let offset = place - start
            let t = min(max((offset * way).sum() / max((way * way).sum(), 1e-12), 0), 1)
            let away = offset - way * t
            let square = (away * away).sum()
            // The line runs down on the left, over the chin and up on the right, so that the face is always on the same side.
            if square < nearest { (nearest, side) = (square, offset.x * way.y - offset.y * way.x) }
        }
        // Written so that NaN is outside.
        guard side.isFinite, rise > 1e-6 else { return -8 }
        let distance = min(nearest.squareRoot() / rise, 8)
        return side > 0 ? distance : -distance
    }
}

/// From a driving place back to the reference's, for a picture that is one sheet: the head's map on the head, the body's on neck and
/// shoulders, and no movement beside them; each fades into the next.
struct SheetMap {
    private let middle: SIMD2<Double>
    private let radius: Double
    private let neck: SIMD2<Double>
    /// Half the distance of the shoulders.
    private let width: Double

    /// In half head widths: as far as this everything moves with the head, and from there on nothing does.
    private static let (inner, outer) = (1.25, 3.2)
    /// In half widths of the shoulders, the same for the body, beside the neck; and above it.
    private static let (near, far, above) = (1.3, 2.4, 0.5)

    /// - Returns: nil where the face has no extent
    init?(reference: LandmarkFrame) {
        let (left, right) = (GuideGeometry.place(.faceOutline0, reference), GuideGeometry.place(.faceOutline6, reference))
        let chin = GuideGeometry.place(.faceOutline3, reference)
        let width = right - left
        middle = (left + right) / 2 * 0.7 + chin * 0.3
        radius = (width * width).sum().squareRoot() / 2
        neck = GuideGeometry.place(.neck, reference)
        let shoulders = GuideGeometry.place(.rightShoulder, reference) - GuideGeometry.place(.leftShoulder, reference)
        self.width = (shoulders * shoulders).sum().squareRoot() / 2
        // Written so that NaN fails.
        guard radius > 1e-3, radius < 8, abs(middle.x) < 8, abs(middle.y) < 8 else { return nil }
    }

    func callAsFunction(_ place: SIMD2<Double>, head: HeadMap, body: BodyMap) -> SIMD2<Double> {
        // Around the head where it is now.
        let offset = place - head.inverse(middle, nearness: 0.25)
        let distance = (offset * offset).sum().squareRoot() / radius
        let share = min(max((Self.outer - distance) / (Self.outer - Self.inner), 0), 1)
        let dome = max(0, 1 - distance * distance / (Self.inner * Self.inner))
        let origin = head(place, nearness: 0.25 + 0.44 * dome)
        let rest = place + (body(place, head: head) - place) * onBody(place)
        return rest + (origin - rest) * (share * share * (3 - 2 * share))
    }

    private func onBody(_ place: SIMD2<Double>) -> Double {
        let offset = (place - neck) / width
        // Written so that NaN, of shoulders that are not seen, has no body.
        guard width > 1e-3, offset.y > -Self.above, abs(offset.x) < Self.far else { return 0 }
        let (down, across) = (min((offset.y + Self.above) / Self.above, 1), min((Self.far - abs(offset.x)) / (Self.far - Self.near), 1))
        return down * down * (3 - 2 * down) * across * across * (3 - 2 * across)
    }
}
