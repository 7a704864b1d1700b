import RainPictures
import RainPose
import Testing

@testable import RainAnimation

@Suite struct BackdropTests {
    private static let side = 48

    /// A disc on a background of nearly one colour.
    private static func disc(_ side: Int, noise: Int = 0, edge: UInt8 = 240) -> Picture {
        var picture = Picture(width: side, height: side)
        for row in 0..<side {
            for column in 0..<side {
                let (x, y) = (Double(column) + 0.5 - Double(side) / 2, Double(row) + 0.5 - Double(side) / 2)
                let isInside = x * x + y * y < Double(side * side) / 9
                let at = (row * side + column) * 3
                let wobble = noise > 0 ? UInt8((row * 7 + column * 13) % noise) : 0
                // A hole of the background's colour within the disc is no background.
                let isHole = abs(x) < Double(side) / 16 && abs(y) < Double(side) / 16
                (picture.bytes[at], picture.bytes[at + 1], picture.bytes[at + 2]) =
                    isInside && !isHole ? (200, 40, 30) : (edge - wobble, edge, edge - wobble)
            }
        }
        return picture
    }

    private static func isDisc(_ pixel: Int) -> Double {
        let (x, y) = (Double(pixel % side) + 0.5 - Double(side) / 2, Double(pixel / side) + 0.5 - Double(side) / 2)
        return (x * x + y * y).squareRoot() / (Double(side) / 3)
    }

    @Test("Whatever masks say, the outline is the picture's", arguments: [48, 96, 130]) func outlines(_ size: Int) throws {
        let backdrop = try #require(Backdrop(Self.disc(size, noise: 6), side: Self.side))
        #expect(abs(backdrop.color.y - 240.0 / 255) < 1e-6)
        // The second layer of three is found in the disc's left half alone, and in a corner where there is nothing.
        var masks = [Float](repeating: 0, count: Self.side * Self.side * 3)
        for pixel in 0..<(Self.side * Self.side) where pixel % Self.side < Self.side / 2 && Self.isDisc(pixel) < 0.8 {
            masks[pixel * 3 + 1] = 1
        }
        masks[3 * (2 * Self.side + 2) + 2] = 1
        let found = backdrop.respected(masks, count: 3)
        for pixel in 0..<(Self.side * Self.side) {
            let distance = Self.isDisc(pixel)
            if distance < 0.85 { #expect(found[pixel * 3 + 1] == 1) }
            if distance > 1.15 { #expect(found[(pixel * 3)..<(pixel * 3 + 3)].allSatisfy { $0 == 0 }) }
        }
    }

    @Test("Layers of a picture on one colour add up to it, and the background is that colour") func cut() throws {
        let picture = Self.disc(Self.side)
        let count = CharacterLayer.allCases.count
        var masks = [Float](repeating: 0, count: Self.side * Self.side * (count - 1))
        for pixel in 0..<(Self.side * Self.side) where Self.isDisc(pixel) < 0.7 {
            masks[pixel * (count - 1) + CharacterLayer.body.rawValue - 1] = 1
        }
        let layers = LayerSeparation(picture, masks: masks, side: Self.side, backdrop: Backdrop(picture, side: Self.side)).layers
        #expect(PictureMetrics.psnr(LayerPicture.composite(layers), picture) > 40)
        #expect(
            zip(layers[0].bytes, LayerPicture(Picture(width: Self.side, height: Self.side, red: 240, green: 240, blue: 240)).bytes)
                .allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    }

    @Test("A picture full of colours has no backdrop, nor has one smaller than its masks") func absent() {
        var picture = Self.disc(Self.side)
        for index in picture.bytes.indices { picture.bytes[index] &+= UInt8(truncatingIfNeeded: index &* 37) }
        #expect(Backdrop(picture, side: Self.side) == nil)
        #expect(Backdrop(Self.disc(20), side: Self.side) == nil)
    }
}
