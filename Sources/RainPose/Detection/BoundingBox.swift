/// A rectangle in pixels of a picture, edges as real numbers; pixel (0, 0) has its centre at the origin.
public struct BoundingBox: Sendable, Equatable {
    public var left: Double
    public var top: Double
    public var right: Double
    public var bottom: Double

    public init(left: Double, top: Double, right: Double, bottom: Double) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    /// The box of a whole picture, which stands in where no person was found.
    public init(pictureWidth: Int, height: Int) {
        self.init(left: 0, top: 0, right: Double(pictureWidth), bottom: Double(height))
    }

    public var width: Double { right - left }
    public var height: Double { bottom - top }
    /// Width × height, negative for a box turned inside out.
    public var area: Double { width * height }
}
