import RainPictures
import RainPose

/// Pictures of what drives, for people.
enum InputPicture {
    private static let point = Color(0.43, 0.91, 0.96)
    private static let dark = Color(0.06, 0.07, 0.11)

    /// Points as dots, over a picture that is dimmed a little.
    ///
    /// - Parameter points: x, y in pictures, and a score
    static func draw(_ points: [SIMD3<Float>], over picture: Picture) -> Picture {
        var dimmed = picture
        for index in dimmed.bytes.indices { dimmed.bytes[index] -= dimmed.bytes[index] / 4 }
        var canvas = Canvas(dimmed)
        dots(points, &canvas)
        return canvas.picture()
    }

    /// Points as dots on dark ground.
    static func draw(_ points: [SIMD3<Float>], side: Int) -> Picture {
        var canvas = Canvas(width: side, height: side, background: dark)
        dots(points, &canvas)
        return canvas.picture()
    }

    private static func dots(_ points: [SIMD3<Float>], _ canvas: inout Canvas) {
        let side = Double(canvas.width)
        let radius = max(0.9, side / 170)
        for at in points where (-1...2).contains(at.x) && (-1...2).contains(at.y) {
            canvas.fill(Path(circle: Point(Double(at.x) * side, Double(at.y) * side), radius), point, opacity: 0.95)
        }
    }
}

extension LandmarkFrame {
    /// The points that people are shown: x, y in pictures, and the visibility.
    var shownPoints: [SIMD3<Float>] { points.filter { $0.visibility > 0 }.map { SIMD3($0.x, $0.y, $0.visibility) } }
}
