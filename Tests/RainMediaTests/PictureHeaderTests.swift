import Foundation
import RainPictures
import Testing

@testable import RainMedia

@Suite struct PictureHeaderTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: ["png", "jpg", "webp", "gif"]) func sizesAreReadAndNothingElse(ending: String) throws {
        for (width, height) in [(1, 1), (61, 33), (300, 17)] {
            let path = "\(folder.path)/picture.\(ending)"
            let picture = testFrame(3, width: width, height: height)
            if ending == "gif" {
                let sink = try FrameSink.open(path, width: width, height: height, framesPerSecond: 10)
                try sink.write(picture)
                try sink.finish()
            } else {
                try PictureWriter.write(picture, to: path)
            }
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let size = try #require(PictureHeader.size(bytes))
            #expect(size == (width, height))
            // However short, and however broken, it is a hint or none.
            for count in 0..<min(bytes.count, 700) { _ = PictureHeader.size(Array(bytes[..<count])) }
            for place in 2..<min(bytes.count, 400) {
                var broken = bytes
                broken[place] = 0xFF
                _ = PictureHeader.size(broken)
            }
        }
    }

    /// Sizes whose product no integer holds.
    @Test func impossibleSizesAreRefused() throws {
        var png = try PictureWriter.png(Picture(width: 2, height: 2))
        for place in 16..<24 { png[place] = 0xFF }
        let error = #expect(throws: MediaError.self) { try PictureReader.read(bytes: png, name: "huge.png") }
        #expect(error?.code == .tooLarge)
        #expect(error?.description.contains("4294967295×4294967295") == true)
    }
}
