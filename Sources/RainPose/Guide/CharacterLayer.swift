/// The layers into which a character's picture is cut, from back to front.
///
/// Each moves as one piece: those of the head as planes that turn with it, the body with neck and shoulders, the background not at all.
public enum CharacterLayer: Int, Sendable, CaseIterable, Codable {
    case background
    /// What hangs or stands behind head and body: long hair, tails, the back of a hood.
    case backHair
    /// Neck, clothes, arms.
    case body
    /// Skin of the face and ears: the head without features.
    case face
    /// Eyes, brows, nose, mouth, blush, beard.
    case features
    /// What lies over the face and does not act: fringe, crown, locks, what sits on them, glasses.
    case frontHair

    /// How near to the camera the layer's plane lies, in half head widths from the head's middle; `nil` for layers that do not turn with
    /// the head, and for the front hair, which is no plane: `frontDepth` has its depths.
    ///
    /// Constants of the wide procedural world, of what it draws.
    public var depth: Double? {
        switch self {
        case .background, .body, .frontHair: nil
        case .backHair: -0.35
        case .face: 0.25
        case .features: 0.69
        }
    }
}
