/// The 134 points of a whole person: body, feet, face and hands, in the order of OpenPose's drawings.
///
/// Left and right in the names of bodies and hands are the person's own, as the detectors have them; in the face they are not needed.
public enum WholeBody {
    /// How many points the published detectors give: COCO-WholeBody's.
    public static let detectedCount = 133
    /// How many points there are with the neck.
    public static let count = 134

    /// Nose, neck, right shoulder, elbow, wrist, left shoulder, elbow, wrist, right hip, knee, ankle, left hip, knee, ankle, right eye, left
    /// eye, right ear, left ear.
    public static let body = 0..<18
    /// Left big toe, small toe, heel; right big toe, small toe, heel.
    public static let feet = 18..<24
    /// The 68 points of the 300-W faces: outline, brows, nose, eyes, outer and inner lips.
    public static let face = 24..<92
    /// Wrist, then four points a finger from the thumb's root to the little finger's tip.
    public static let leftHand = 92..<113
    public static let rightHand = 113..<134

    /// The names by which files call the points.
    public static let names: [String] =
        [
            "body.nose", "body.neck", "body.rightShoulder", "body.rightElbow", "body.rightWrist", "body.leftShoulder", "body.leftElbow",
            "body.leftWrist", "body.rightHip", "body.rightKnee", "body.rightAnkle", "body.leftHip", "body.leftKnee", "body.leftAnkle",
            "body.rightEye", "body.leftEye", "body.rightEar", "body.leftEar", "foot.leftBigToe", "foot.leftSmallToe", "foot.leftHeel",
            "foot.rightBigToe", "foot.rightSmallToe", "foot.rightHeel",
        ] + face.indices.map { "face.\($0 - face.lowerBound)" } + leftHand.indices.map { "leftHand.\($0 - leftHand.lowerBound)" }
        + rightHand.indices.map { "rightHand.\($0 - rightHand.lowerBound)" }

    private static let indices = Dictionary(uniqueKeysWithValues: zip(names, 0..<count))

    /// The place of a name; names are case-sensitive.
    public static func index(named name: String) -> Int? { indices[name] }

    /// A neck is as good as the shoulders on both sides of it.
    private static let shoulderScore = 0.3

    /// For each of the body's 18 places the place among the 133 points and the neck inserted behind the body's 17.
    private static let bodyOrder = [0, 17, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]

    /// Inserts the neck, in the middle between the shoulders, and brings the body into OpenPose's order.
    ///
    /// - Parameter detected: the 133 points of COCO-WholeBody
    /// - Throws: `LandmarkError` for another number of points
    public static func ordered(_ detected: [Keypoint]) throws(LandmarkError) -> [Keypoint] {
        guard detected.count == detectedCount else {
            throw LandmarkError(.count, "a person has \(detectedCount) detected points, found \(detected.count); is it a whole-body model?")
        }
        let (left, right) = (detected[5], detected[6])
        let neck = Keypoint(
            x: (left.x + right.x) / 2, y: (left.y + right.y) / 2,
            score: left.score > shoulderScore && right.score > shoulderScore ? 1 : 0)
        return bodyOrder.map { $0 == 17 ? neck : detected[$0] } + detected[17...]
    }
}
