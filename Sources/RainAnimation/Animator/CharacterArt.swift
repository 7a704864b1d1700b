public import RainPictures

/// What a character is animated from.
public enum CharacterArt: Sendable, Equatable {
    /// One picture; a layered model cuts it into layers itself.
    case picture(Picture)
    /// One picture that is bent as a whole instead of being cut: calmer where a cut goes wrong, and less deep.
    case sheet(Picture)
    /// Layers as they are, for layered models; for others their composite.
    case layers(CutLayers)

    /// The whole, as one picture.
    public var picture: Picture {
        switch self {
        case .picture(let picture), .sheet(let picture): picture
        case .layers(let cut): cut.picture
        }
    }
}
