/// One of the points that describe a face and its shoulders.
///
/// Left and right are those of the picture as one looks at it, not of the person.
public enum Landmark: Int, Sendable, CaseIterable {
    // The face outline, from the left temple (0) down over the chin (3) and up to the right temple (6).
    case faceOutline0, faceOutline1, faceOutline2, faceOutline3, faceOutline4, faceOutline5, faceOutline6
    // Inner ends lie towards the nose.
    case leftBrowInner, leftBrowOuter, rightBrowInner, rightBrowOuter
    // Lid points lie on the rims of the lids above and below the middle of the eye; they meet when it is shut.
    case leftEyeOuter, leftEyeInner, leftEyeTop, leftEyeBottom, leftPupil
    case rightEyeOuter, rightEyeInner, rightEyeTop, rightEyeBottom, rightPupil
    case noseTip
    case mouthLeft, mouthRight, mouthTop, mouthBottom
    // The pit of the neck, and the points where arm and shoulder meet.
    case neck, leftShoulder, rightShoulder

    /// The name by which files call this point; the same as the case's.
    public var name: String { LandmarkSet.names[rawValue] }
}

/// The points of a `LandmarkFrame`, in order.
public enum LandmarkSet {
    /// How many points there are.
    public static let count = Landmark.allCases.count

    /// The names, in the order of the points in memory.
    public static let names: [String] = Landmark.allCases.map { "\($0)" }

    private static let indices = Dictionary(uniqueKeysWithValues: zip(names, Landmark.allCases))

    /// The point of a name; names are case-sensitive.
    public static func landmark(named name: String) -> Landmark? { indices[name] }
}
