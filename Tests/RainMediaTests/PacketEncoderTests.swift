import RainPictures
import Testing

@testable import RainMedia

struct PacketEncoderTests {
    private func picture(_ index: Int, width: Int = 64, height: Int = 48) -> Picture {
        var picture = Picture(width: width, height: height, red: 30, green: 60, blue: 90)
        for pixel in 0..<(width * height) where (pixel + index * 3) % 17 < 5 { picture.bytes[pixel * 3] = 220 }
        return picture
    }

    @Test(arguments: PacketEncoder.Codec.allCases)
    func everyPictureComesOutAtOnce(codec: PacketEncoder.Codec) throws {
        try #require(codec.isAvailable)
        let encoder = try PacketEncoder(codec, width: 64, height: 48, framesPerSecond: 30)
        var keys: [Int] = []
        for index in 0..<12 {
            let packet = try #require(try encoder.encode(picture(index), key: index == 0 || index == 7))
            #expect(!packet.bytes.isEmpty)
            if packet.isKey { keys.append(index) }
        }
        #expect(keys == [0, 7], "key frames are where they are asked for")
    }

    @Test(arguments: PacketEncoder.Codec.allCases)
    func sizesAreChecked(codec: PacketEncoder.Codec) throws {
        let encoder = try PacketEncoder(codec, width: 64, height: 48, framesPerSecond: 30)
        #expect(throws: MediaError.self) { _ = try encoder.encode(picture(0, width: 48, height: 64), key: true) }
        // Enlarged five times, 51 pixels are still odd.
        #expect(throws: MediaError.self) { _ = try PacketEncoder(codec, width: 51, height: 51, framesPerSecond: 30) }
        #expect(throws: MediaError.self) { _ = try PacketEncoder(codec, width: 0, height: 48, framesPerSecond: 30) }
        #expect(throws: MediaError.self) { _ = try PacketEncoder(codec, width: 100_000, height: 100_000, framesPerSecond: 30) }
    }

    @Test func jpegBytesAreReadBack() throws {
        let bytes = try PictureWriter.jpeg(picture(3))
        let read = try PictureReader.read(bytes: bytes, name: "a picture")
        #expect(PictureMetrics.psnr(read, picture(3)) > 30)
        #expect(throws: MediaError.self) { _ = try PictureReader.read(bytes: Array(bytes.prefix(40)), name: "cut") }
        #expect(throws: MediaError.self) { _ = try PictureReader.read(bytes: bytes, name: "large", maximumPixels: 100) }
    }
}
