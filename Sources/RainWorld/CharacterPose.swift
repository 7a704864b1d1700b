import RainNumbers

/// What a character does in one frame.
///
/// Lengths are in units of 1/128 of the picture's side, angles in radians. Left and right are those of the picture.
public struct CharacterPose: Sendable, Equatable {
    /// The head's turn; positive looks to the right. About ±0.6.
    public var yaw = 0.0
    /// The head's nod; positive looks up. About ±0.35.
    public var pitch = 0.0
    /// The head's tilt; positive leans to the right. About ±0.3.
    public var roll = 0.0
    /// The head's shift to the right and downwards.
    public var shiftX = 0.0
    public var shiftY = 0.0
    /// How far the eyes are open, 0 (shut) … 1.
    public var leftEye = 1.0
    public var rightEye = 1.0
    /// Where the eyes look, −1 … 1 to the right and downwards.
    public var gazeX = 0.0
    public var gazeY = 0.0
    /// How high the brows are, −1 … 1.
    public var brow = 0.0
    /// How far the mouth is open, 0 (shut) … 1.
    public var mouthOpen = 0.0
    /// How wide the mouth is, −1 … 1.
    public var mouthWidth = 0.0
    /// How far the body leans to the right, −1 … 1.
    public var lean = 0.0

    /// At rest: frontal, eyes open, mouth shut.
    public init() {}

    /// A pose for a reference picture: nearly frontal, eyes nearly open, mouth shut, so that everything that makes the character is seen.
    ///
    /// - Parameters:
    ///   - seed: equal seeds give equal poses
    ///   - amount: how far from rest; 0 is rest, 1 the usual, at most 2
    public static func neutral(variation seed: UInt64, amount: Double = 1) -> CharacterPose {
        precondition((0...2).contains(amount), "a neutral pose varies by 0…2")
        var random = SplitMix64(seed: seed, stream: 3)
        var pose = CharacterPose()
        pose.yaw = random.normal(0.10) * amount
        pose.pitch = random.normal(0.05) * amount
        pose.roll = random.normal(0.05) * amount
        pose.shiftX = random.normal(2.2) * amount
        pose.shiftY = random.normal(1.2) * amount
        pose.gazeX = random.normal(0.2) * amount
        pose.gazeY = random.normal(0.15) * amount
        pose.brow = random.normal(0.3) * amount
        pose.mouthWidth = random.normal(0.4) * amount
        pose.lean = random.normal(0.4) * amount
        let eyes = 1 - random.uniform(0, 0.12) * amount
        pose.leftEye = eyes
        pose.rightEye = eyes
        return pose
    }

    /// A pose for a reference picture of any kind: turned, nodding or tilted, looking anywhere, sometimes smiling or with an open mouth.
    ///
    /// The eyes are nearly always open enough to show the iris. The pose is within yaw ±0.35, pitch ±0.2 and roll ±0.2.
    ///
    /// - Parameter seed: equal seeds give equal poses
    public static func reference(variation seed: UInt64) -> CharacterPose {
        var random = SplitMix64(seed: seed, stream: 7)
        var pose = CharacterPose()
        pose.yaw = random.normal(0.175)
        pose.pitch = random.normal(0.09)
        pose.roll = random.normal(0.09)
        pose.shiftX = random.normal(3)
        pose.shiftY = random.normal(1.6)
        pose.gazeX = random.normal(0.3)
        pose.gazeY = random.normal(0.2)
        pose.brow = random.normal(0.4)
        pose.lean = random.normal(0.4)
        pose.mouthWidth = random.normal(0.4)
        let smile = random.uniform(0.3, 1)
        let open = random.uniform(0.1, 0.9)
        switch random.unit() {
        case ..<0.6: break
        case ..<0.8: pose.mouthWidth = smile
        default: pose.mouthOpen = open
        }
        let lids = random.uniform(0.75, 1)
        let squint = random.uniform(0.3, 0.75)
        pose.leftEye = random.chance(0.04) ? squint : lids
        pose.rightEye = pose.leftEye
        return pose
    }
}
