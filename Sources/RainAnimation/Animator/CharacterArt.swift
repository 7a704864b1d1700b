public import RainPictures

/// What a character is animated from.
public enum CharacterArt: Sendable, Equatable {
    /// One picture; a layered model bends it as a whole.
    case picture(Picture)
    /// One picture that a layered model cuts into layers, each of which moves by itself: deeper, and wrong where the cut is.
    case cut(Picture)
    /// Layers as they are, for layered models; for others their composite.
    case layers(CutLayers)

    /// The whole, as one picture.
    public var picture: Picture {
        switch self {
        case .picture(let picture), .cut(let picture): picture
        case .layers(let cut): cut.picture
        }
    }
}
