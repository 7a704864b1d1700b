public import RainPictures
public import RainPose

/// A drawn character of the procedural world: its appearance follows from a seed, its picture from a pose.
///
/// There are endlessly many, every pose's true picture and landmarks are known, and both are pure functions: the same seed and
/// pose give the same bytes in every run (on one machine with one version of Cairo), on any thread, many threads at once.
public struct Character: Sendable, CustomStringConvertible {
    public let seed: UInt64
    public let world: World
    let look: Appearance
    let framing: Framing

    /// The character of a seed; each world has others.
    public init(seed: UInt64, world: World = .classic) {
        self.seed = seed
        self.world = world
        look = world == .classic ? Appearance(seed: seed) : Appearance(wide: seed)
        framing = world == .classic ? Framing() : Framing(seed: seed)
    }

    /// The true landmarks in a pose, all fully visible; independent of the picture's size.
    public func landmarks(_ pose: CharacterPose) -> LandmarkFrame {
        Geometry(look, pose).landmarks(framing.transform)
    }

    /// The picture of a pose.
    ///
    /// - Parameter size: of both sides in pixels, 1…`Canvas.largestSide`
    public func render(_ pose: CharacterPose, size: Int = 128) -> Picture {
        var canvas = Canvas(width: size, height: size)
        let painter = CharacterPainter(geometry: Geometry(look, pose))
        for layer in CharacterLayer.allCases {
            switch world {
            case .classic: paint(layer, &canvas, painter, alone: false)
            // Many veils over each other round differently on a sheet and on a picture.
            case .wide: canvas.layered { paint(layer, &$0, painter, alone: true) }
            }
        }
        return canvas.picture()
    }

    /// The layers of a pose's picture, one for each `CharacterLayer` in order, each complete where others hide it.
    ///
    /// Composited they are the picture, up to rounding. The background is opaque.
    ///
    /// - Parameter size: of both sides in pixels, 1…`Canvas.largestSide`
    public func layers(_ pose: CharacterPose, size: Int = 128) -> [LayerPicture] {
        let painter = CharacterPainter(geometry: Geometry(look, pose))
        return CharacterLayer.allCases.map { layer in
            var canvas = Canvas(transparentWidth: size, height: size)
            paint(layer, &canvas, painter, alone: true)
            return canvas.layer()
        }
    }

    func paint(_ layer: CharacterLayer, _ canvas: inout Canvas, _ painter: CharacterPainter, alone: Bool) {
        let scale = Double(canvas.width) / Geometry.side
        if world == .wide { canvas.drawFast(tolerance: 0.25) }
        canvas.transformed(by: .scale(scale, scale)) { canvas in
            // A background has no edge that a crop could show.
            let frame = layer == .background ? .identity : framing.transform
            canvas.transformed(by: frame) { painter.paint(layer, &$0, alone: alone) }
        }
    }

    /// Landmarks over time.
    ///
    /// - Throws: `LandmarkError` for no poses or an impossible rate
    public func track(_ poses: [CharacterPose], framesPerSecond: Double) throws(LandmarkError) -> LandmarkTrack {
        try LandmarkTrack(framesPerSecond: framesPerSecond, frames: poses.map(landmarks))
    }

    /// What the character looks like in a few words.
    public var description: String {
        if let hair = look.hairShape, let outfit = look.outfit {
            var parts = ["\(hair.back) hair", "\(hair.fringe) fringe", "\(outfit.print) \(outfit.garment)"]
            if outfit.headwear != .none { parts.append("\(outfit.headwear)") }
            if outfit.creature != .none { parts.append("\(outfit.creature)") }
            if outfit.eyewear != .none { parts.append("\(outfit.eyewear) glasses") }
            // Names of cases become words.
            let words = parts.joined(separator: ", ").map { $0.isUppercase ? " " + $0.lowercased() : String($0) }
            return "wide character \(seed): " + words.joined()
        }
        var words = [look.backHair.rawValue, look.fringe.rawValue, look.mouth.rawValue, "\(look.pattern.rawValue) clothes"]
        switch look.accessory {
        case .none, .bare: break
        case .ribbon, .glasses, .hat, .band, .clip: words.append(look.accessory.rawValue)
        }
        return "character \(seed): " + words.joined(separator: ", ")
    }
}
