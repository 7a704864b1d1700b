public import RainPictures
import RainPose

extension Character {
    /// The picture of a pose, and the same without the front layer: what hair and hats hide of the face.
    ///
    /// - Parameter size: of both sides in pixels, 1…`Canvas.largestSide`
    public func uncovered(_ pose: CharacterPose, size: Int = 128) -> (under: Picture, whole: Picture) {
        var canvas = Canvas(width: size, height: size)
        let painter = CharacterPainter(geometry: Geometry(look, pose))
        for layer in CharacterLayer.allCases.dropLast() { paint(layer, &canvas, painter, alone: false) }
        let under = canvas.picture()
        if let front = CharacterLayer.allCases.last { paint(front, &canvas, painter, alone: false) }
        return (under, canvas.picture())
    }
}
