import Foundation
import RainPictures
import RainWorld
import Testing

@testable import RainStudio

@Suite struct MatteTests {
    /// A disc with soft edges before a run of two colours, with some noise, and how opaque it is.
    private static func scene(
        side: Int = 96, front: (Double, Double, Double) = (230, 60, 40), noise: Int = 4, islands: Bool = false
    ) -> (picture: Picture, opacity: [Double]) {
        var picture = Picture(width: side, height: side)
        var opacity = [Double](repeating: 0, count: side * side)
        var random = Shaken(state: 5)
        for y in 0..<side {
            for x in 0..<side {
                let distance = hypot(Double(x) - Double(side) / 2, Double(y) - Double(side) * 0.6)
                var share = min(max(Double(side) * 0.3 - distance + 0.5, 0), 1)
                if islands, hypot(Double(x) - 12, Double(y) - 14) < 3 { share = 1 }
                opacity[y * side + x] = share
                let run = Double(y) / Double(side - 1)
                let back = [60 + 70 * run, 90 + 20 * run, 150 - 40 * run]
                for (channel, color) in [front.0, front.1, front.2].enumerated() {
                    let shake = Double(Int(random.next() % UInt64(2 * noise + 1)) - noise)
                    picture.bytes[(y * side + x) * 3 + channel] = UInt8(
                        min(max(color * share + back[channel] * (1 - share) + shake, 0), 255))
                }
            }
        }
        return (picture, opacity)
    }

    @Test func aCharacterIsCutOutWithSoftEdges() {
        let (picture, opacity) = Self.scene()
        let matte = Matte(reference: picture, side: picture.width)
        #expect(matte.isPlain && matte.plainness > 0.95)
        let cut = matte.cut(picture)
        var (worst, sum) = (0.0, 0.0)
        for (index, wanted) in opacity.enumerated() {
            let difference = abs(Double(cut.rgba[index * 4 + 3]) / 255 - wanted)
            worst = max(worst, difference)
            sum += difference
        }
        #expect(sum / Double(opacity.count) < 0.01, "\(sum / Double(opacity.count))")
        #expect(worst < 0.5)
        #expect(opacity.indices.contains { (0.2...0.8).contains(Double(cut.rgba[$0 * 4 + 3]) / 255) }, "edges are soft")
    }

    /// Over its own colour, an edge must not show what was behind it before.
    @Test func nothingOfTheBackgroundIsLeftInTheEdges() {
        let (picture, _) = Self.scene(noise: 0)
        let over = Matte(reference: picture, side: picture.width).cut(picture).over(red: 230, green: 60, blue: 40)
        for pixel in 0..<(picture.width * picture.height) {
            for (channel, color) in [230, 60, 40].enumerated() { #expect(abs(Int(over.bytes[pixel * 3 + channel]) - color) < 24) }
        }
    }

    @Test func whatIsBesideTheCharacterGoes() {
        let (picture, _) = Self.scene(islands: true)
        let cut = Matte(reference: picture, side: picture.width).cut(picture)
        #expect(cut.rgba[(14 * picture.width + 12) * 4 + 3] < 40)
        #expect(cut.rgba[(58 * picture.width + 48) * 4 + 3] == 255)
    }

    @Test func aColourBehindIsThatColour() throws {
        let (picture, _) = Self.scene()
        let cut = Matte(reference: picture, side: picture.width).cut(picture)
        let over = cut.over(red: 1, green: 2, blue: 3)
        #expect(Array(over.bytes[..<3]) == [1, 2, 3])
    }

    @Test func aRestlessBackgroundIsNotPlain() {
        var random = Shaken(state: 9)
        var picture = Picture(width: 64, height: 64)
        for index in picture.bytes.indices { picture.bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
        let matte = Matte(reference: picture, side: 64)
        #expect(!matte.isPlain)
        #expect(matte.cut(picture).rgba.count == 64 * 64 * 4)
    }

    /// Characters of the drawn world, against the truth: their reference pictures before another background.
    @Test(arguments: [3, 7, 42, 99, 2024, 500] as [UInt64])
    func drawnCharactersAreCutOut(seed: UInt64) {
        let reference = Reference(seed: seed, size: 128, world: .classic).picture.resized(width: 128, height: 128)
        let matte = Matte(reference: reference, side: 128)
        #expect(matte.isPlain)
        let cut = matte.cut(reference)
        func opacity(_ x: Int, _ y: Int) -> UInt8 { cut.rgba[(y * 128 + x) * 4 + 3] }
        // The face is there, the upper corners are not, and there is some of both.
        #expect(opacity(64, 64) == 255 && opacity(1, 1) == 0 && opacity(126, 1) == 0)
        let share = stride(from: 3, to: cut.rgba.count, by: 4).reduce(0.0) { $0 + Double(cut.rgba[$1]) / 255 } / Double(128 * 128)
        #expect((0.2...0.8).contains(share), "\(share)")
    }

    @Test(arguments: [(1, 1), (2, 1), (1, 7), (5, 3)])
    func smallPicturesAreNoTrouble(width: Int, height: Int) {
        let picture = Picture(width: width, height: height, red: 9, green: 200, blue: 9)
        #expect(Matte(reference: picture, side: 8).cut(picture).rgba.count == width * height * 4)
    }

    @Test func backgroundsAreRead() {
        #expect(Background("own") == .own && Background("transparent") == .transparent && Background("green") == .green)
        #expect(Background("#0A0b0C") == .color(red: 10, green: 11, blue: 12))
        for text in ["", "red", "#12345", "#1234567", "#12345g", "#+12345", "Own"] { #expect(Background(text) == nil) }
        for text in ["own", "transparent", "green", "#00000f", "#ffffff"] { #expect(Background(text)?.text == text) }
    }
}

/// Numbers without order, the same every time.
private struct Shaken {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
