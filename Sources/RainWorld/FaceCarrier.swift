public import RainPose

/// Carries the faces of a driver over to the face of a reference, to which they are new.
///
/// A drawn driver's are carried part by part by `LandmarkRetargeter`. What a person does is read as the controls of a puppet, whose landmarks
/// are then carried over: no drawing does all that faces of people do.
public struct FaceCarrier: Sendable {
    /// A character whose face is near the middle of all.
    public static let puppet = Character(seed: 7)

    private let direct: LandmarkRetargeter
    private let fit: PuppetFit?
    private let puppet: Character
    private let carry: LandmarkRetargeter

    /// - Parameters:
    ///   - neutral: the driver's neutral face
    ///   - reference: the landmarks of the reference picture
    ///   - puppet: whose controls are read; the character itself where the reference is drawn and known
    public init(_ driver: DriverKind, neutral: LandmarkFrame, to reference: LandmarkFrame, puppet: Character = Self.puppet) {
        direct = LandmarkRetargeter(from: neutral, to: reference)
        fit = driver == .person ? PuppetFit(neutral: neutral) : nil
        self.puppet = puppet
        carry = LandmarkRetargeter(from: puppet.landmarks(CharacterPose()), to: reference)
    }

    /// The driving face on the reference's.
    ///
    /// - Parameter keepsDistance: whether a person who leans in does not make the head larger
    public func callAsFunction(_ frame: LandmarkFrame, keepsDistance: Bool = true) -> LandmarkFrame {
        guard let fit, let pose = fit(frame) else { return direct(frame) }
        let carried = carry(puppet.landmarks(pose))
        return keepsDistance ? carried : carried.scaled(by: fit.scale(of: frame))
    }
}
