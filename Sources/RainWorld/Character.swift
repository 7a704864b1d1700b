public import RainPictures
public import RainPose

/// A drawn character of the procedural world: its appearance follows from a seed, its picture from a pose.
///
/// There are endlessly many, every pose's true picture and landmarks are known, and both are pure functions: the same seed and
/// pose give the same bytes in every run (on one machine with one version of Cairo), on any thread, many threads at once.
public struct Character: Sendable, CustomStringConvertible {
    public let seed: UInt64
    let look: Appearance

    public init(seed: UInt64) {
        self.seed = seed
        look = Appearance(seed: seed)
    }

    /// The true landmarks in a pose, all fully visible; independent of the picture's size.
    public func landmarks(_ pose: CharacterPose) -> LandmarkFrame {
        Geometry(look, pose).landmarks
    }

    /// The picture of a pose.
    ///
    /// - Parameter size: of both sides in pixels, 1…`Canvas.largestSide`
    public func render(_ pose: CharacterPose, size: Int = 128) -> Picture {
        var canvas = Canvas(width: size, height: size)
        let painter = CharacterPainter(geometry: Geometry(look, pose))
        canvas.transformed(by: .scale(Double(size) / Geometry.side, Double(size) / Geometry.side)) { painter.paint(&$0) }
        return canvas.picture()
    }

    /// Landmarks over time.
    ///
    /// - Throws: `LandmarkError` for no poses or an impossible rate
    public func track(_ poses: [CharacterPose], framesPerSecond: Double) throws(LandmarkError) -> LandmarkTrack {
        try LandmarkTrack(framesPerSecond: framesPerSecond, frames: poses.map(landmarks))
    }

    /// What the character looks like in a few words.
    public var description: String {
        var words = [look.backHair.rawValue, look.fringe.rawValue, look.mouth.rawValue, "\(look.pattern.rawValue) clothes"]
        switch look.accessory {
        case .none, .bare: break
        case .ribbon, .glasses, .hat, .band, .clip: words.append(look.accessory.rawValue)
        }
        return "character \(seed): " + words.joined(separator: ", ")
    }
}
