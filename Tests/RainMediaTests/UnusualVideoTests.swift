import Foundation
import RainPictures
import Testing

@testable import RainMedia

/// Videos as players show them.
@Suite struct UnusualVideoTests {
    private static let videos = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/videos").path

    private static func pictures(_ path: String) throws -> [TimedPicture] {
        let source = try PictureSource(path: path)
        var pictures: [TimedPicture] = []
        while let picture = try source.next() { pictures.append(picture) }
        return pictures
    }

    /// 160×240 pixels that are twice as wide as high.
    @Test func pixelsMayBeWide() throws {
        let (wide, square) = (try Self.pictures(Self.videos + "/wide_pixels.mp4"), try Self.pictures(Self.videos + "/square_pixels.mp4"))
        #expect(wide.count == square.count && wide.count > 20)
        for (a, b) in zip(wide, square) {
            #expect(a.picture.width == b.picture.width && a.picture.height == b.picture.height)
            #expect(psnr(a.picture, b.picture) > 20)
        }
        let picture = testFrame(1, width: 30, height: 20)
        #expect(picture.withSquarePixels(aspect: 1) == picture)
        let (stretched, high) = (picture.withSquarePixels(aspect: 1.5), picture.withSquarePixels(aspect: 0.5))
        #expect(stretched.width == 45 && stretched.height == 20 && high.width == 30 && high.height == 40)
        for aspect in [0, -1, .nan, .infinity, 1e9] { #expect(picture.withSquarePixels(aspect: aspect) == picture) }
    }

    /// A message before the first picture says how the camera was held, for all that follow.
    @Test func rotationHoldsOn() throws {
        let pictures = try Self.pictures(Self.videos + "/rotation_message.ts")
        #expect(pictures.count > 5)
        let first = try #require(pictures.first).picture
        for (index, next) in pictures.enumerated() {
            #expect(next.picture.width == first.width && next.picture.height == first.height, "picture \(index)")
        }
        // What is shown moves little from one picture to the next, which a turned one does not.
        for (a, b) in zip(pictures, pictures.dropFirst()) { #expect(psnr(a.picture, b.picture) > 14) }
    }

    /// Two recordings in one file: times start over, and nothing is lost.
    @Test func timesMayStartOver() throws {
        let folder = try TemporaryFolder()
        let once = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.videos + "/rotation_message.ts")))
        let (alone, twice) = (
            try Self.pictures(Self.videos + "/rotation_message.ts"), try Self.pictures(folder.file("twice.ts", once + once))
        )
        #expect(twice.count >= 2 * alone.count - 1)
        #expect(zip(twice, twice.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
        let span = try #require(alone.last).seconds
        #expect(try #require(twice.last).seconds > 1.8 * span)
    }

    /// What is no video is named for what it is, in no other library's words.
    @Test func whatIsNoVideoIsNamed() throws {
        let folder = try TemporaryFolder()
        let png = try PictureWriter.png(Picture(width: 4, height: 4))
        let sound: [UInt8] = Array("ID3".utf8) + [UInt8](repeating: 0, count: 400)
        for (content, name) in [
            (png, "found a PNG picture; name a video"), ([0x1F, 0x8B, 8, 0] + [UInt8](repeating: 7, count: 300), "found a gzip archive"),
            (sound, "found an MP3 sound file"), (Array("%PDF-1.7 ".utf8) + [UInt8](repeating: 32, count: 300), "found a PDF document"),
            ([UInt8](repeating: 65, count: 3000), "found data that make no sense"),
        ] as [([UInt8], String)] {
            let path = try folder.file("driving", content)
            let error = #expect(throws: MediaError.self, "\(name)") { try PictureSource(path: path) }
            #expect(message(error).contains(name), "\(message(error))")
            for foreign in ["Invalid", "Stream not found", "external library", "argument"] { #expect(!message(error).contains(foreign)) }
        }
        let error = #expect(throws: MediaError.self) { try PictureReader.read(folder.file("hero.png", sound)) }
        #expect(message(error).contains("found an MP3 sound file"))
    }
}
