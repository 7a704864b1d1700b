import RainAnimation
import RainPictures
import RainPose
import RainWorld

/// Who is animated: the picture, where its face is, and the puppet whose poses drive it.
struct Reference: Sendable {
    /// What tells it apart: the seed of a drawn character, in decimal; of a picture a "p" and hexadecimal digits.
    let id: String
    /// What it is, for people and for the API.
    let name: String
    /// Of a drawn character.
    let seed: UInt64?
    /// Which square of an uploaded picture it is.
    let crop: Crop?
    /// Square.
    let picture: Picture
    /// Where the neutral face is, in fractions of the picture.
    let face: LandmarkFrame
    /// Where the face is in the picture itself, which may look a little elsewhere.
    let drawn: LandmarkFrame
    private let puppet: RainWorld.Character
    /// From the puppet's face to the picture's.
    private let carry: LandmarkRetargeter?

    /// How large reference pictures are shown.
    static let shownSide = 384

    /// A drawn character, whose every pose is known.
    ///
    /// - Parameters:
    ///   - size: of the picture that the model sees
    ///   - world: what the model knows
    init(seed: UInt64, size: Int, world: World) {
        puppet = RainWorld.Character(seed: seed, world: world)
        id = "\(seed)"
        name = puppet.description
        crop = nil
        self.seed = seed
        let pose = CharacterPose.neutral(variation: seed)
        picture = puppet.render(pose, size: max(size, Self.shownSide))
        drawn = puppet.landmarks(pose)
        face = puppet.landmarks(CharacterPose())
        carry = nil
    }

    /// A picture from outside.
    ///
    /// - Parameters:
    ///   - picture: square
    ///   - landmarks: of its face, in fractions of the picture; `nil` to take it to be in the middle, as the guide in the page shows it
    ///   - crop: which square of the uploaded picture it is
    init(picture: Picture, landmarks: LandmarkFrame?, name: String, id: String, crop: Crop? = nil) {
        puppet = FaceCarrier.puppet
        (self.id, self.name, self.crop) = (id, name, crop)
        seed = nil
        self.picture = picture
        let face = (landmarks ?? .neutral).allSeen
        self.face = face
        drawn = face
        carry = LandmarkRetargeter(from: puppet.landmarks(CharacterPose()), to: face)
    }

    /// The same picture with its landmarks elsewhere.
    ///
    /// - Throws: `StudioError` of code `conflict` for a drawn character, whose landmarks are known
    func moved(to landmarks: LandmarkFrame) throws(StudioError) -> Reference {
        guard seed == nil else {
            throw StudioError(.conflict, "\(name) is drawn and its landmarks are known; put a picture on stage to place landmarks in it")
        }
        return Reference(picture: picture, landmarks: landmarks, name: name, id: id, crop: crop)
    }

    /// What is animated.
    ///
    /// - Parameter isCut: whether a picture is cut into layers instead of being bent as a whole; drawn characters are drawn in layers
    func art(isCut: Bool) -> CharacterArt {
        if let seed, let drawn = try? CutLayers(seed: seed, puppet, size: picture.width) { return .layers(drawn) }
        return isCut ? .cut(picture) : .picture(picture)
    }

    /// What carries a driver's faces over to the reference's.
    ///
    /// - Parameter neutral: the driver's face at rest
    func carrier(_ driver: DriverKind, neutral: LandmarkFrame) -> FaceCarrier {
        FaceCarrier(driver, neutral: neutral, to: face, puppet: puppet)
    }

    /// The puppet's pose on the reference's face.
    func landmarks(_ pose: CharacterPose) -> LandmarkFrame {
        let frame = puppet.landmarks(pose)
        return carry?(frame) ?? frame
    }
}

/// The square of a picture that becomes a reference, as requests give it.
struct Crop: Hashable, Sendable, Codable {
    /// Of the square's left edge, as a share of the picture's width; negative where it reaches outside.
    var x: Double
    /// Of its upper edge, as a share of the height.
    var y: Double
    /// As a share of the shorter side.
    var side: Double
}

extension Crop {
    init(_ placement: ReferencePlacement) {
        x = Double(placement.left) / Double(placement.width)
        y = Double(placement.top) / Double(placement.height)
        side = Double(placement.side) / Double(min(placement.width, placement.height))
    }

    /// Where it is in a picture of so many pixels.
    ///
    /// - Throws: `StudioError` of code `badPicture` for a square that cannot be a reference
    func placement(width: Int, height: Int) throws(StudioError) -> ReferencePlacement {
        guard
            let placement = ReferencePlacement(
                left: x * Double(width), top: y * Double(height), side: side * Double(min(width, height)), width: width, height: height)
        else {
            throw StudioError(
                .badPicture,
                "crop: expected a square with its middle in the picture and at most \(Int(ReferencePlacement.largestShare)) times as large, "
                    + "as shares of it, found x \(x), y \(y), side \(side)")
        }
        return placement
    }
}

extension LandmarkFrame {
    /// The landmarks, if they can be those of a reference's face.
    ///
    /// - Throws: `StudioError` of code `badLandmarks` for landmarks that are far outside the picture or all in one place
    func checkedAsReference() throws(StudioError) -> LandmarkFrame {
        for (index, point) in points.enumerated() where !(abs(point.x - 0.5) <= Self.farthest && abs(point.y - 0.5) <= Self.farthest) {
            throw StudioError(
                .badLandmarks,
                "points.\(index) (\(LandmarkSet.names[index])): expected near the reference's square, found \(point.x), \(point.y) in its sides; "
                    + "move the point, or take a larger square")
        }
        let (across, down) = (extent(\.x), extent(\.y))
        guard max(across, down) >= Self.leastExtent else {
            throw StudioError(
                .badLandmarks,
                "points: expected a face of at least \(Self.leastExtent) of the reference's side, found \(max(across, down)); take a smaller square"
            )
        }
        return self
    }

    /// How far from the middle of the square a landmark may lie, in its sides.
    private static let farthest: Float = 4
    /// How large the face must be, in the square's sides.
    private static let leastExtent: Float = 0.02

    /// From the lowest to the highest coordinate of the face, without neck and shoulders.
    private func extent(_ part: KeyPath<LandmarkPoint, Float>) -> Float {
        let face = points[..<Landmark.neck.rawValue].map { $0[keyPath: part] }
        return (face.max() ?? 0) - (face.min() ?? 0)
    }
}

extension CutLayers {
    /// The layers of a drawn character's reference.
    fileprivate init(seed: UInt64, _ character: RainWorld.Character, size: Int) throws(AnimationError) {
        let layers = character.layers(CharacterPose.neutral(variation: seed), size: size)
        try self.init(Dictionary(uniqueKeysWithValues: zip(CharacterLayer.allCases, layers)))
    }
}
