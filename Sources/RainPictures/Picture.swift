/// A picture of 8-bit RGB pixels, the form in which pictures cross module borders.
///
/// `bytes` are row-major, height × width × 3, red first, full range, sRGB.
public struct Picture: Sendable, Equatable {
    public let width: Int
    public let height: Int
    public var bytes: [UInt8]

    /// A picture of one colour.
    public init(width: Int, height: Int, red: UInt8 = 0, green: UInt8 = 0, blue: UInt8 = 0) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        self.width = width
        self.height = height
        bytes = [UInt8](repeating: 0, count: width * height * 3)
        for pixel in 0..<(width * height) {
            bytes[pixel * 3] = red
            bytes[pixel * 3 + 1] = green
            bytes[pixel * 3 + 2] = blue
        }
    }

    /// A picture over existing bytes; `bytes.count` must be `width * height * 3`.
    public init(width: Int, height: Int, bytes: [UInt8]) {
        precondition(width > 0 && height > 0 && bytes.count == width * height * 3, "bytes must be height × width × 3")
        self.width = width
        self.height = height
        self.bytes = bytes
    }
}
