import Foundation
import RainPictures
import Testing

@testable import RainMedia

/// Still pictures as picture programs read them.
@Suite struct StillFormatTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/stills")

    private struct Right: Decodable {
        var width: Int
        var height: Int
        var corners: [[Int]]
    }

    private static let right: [String: Right] = {
        guard let bytes = try? Data(contentsOf: folder.appendingPathComponent("stills.json")) else { return [:] }
        return (try? JSONDecoder().decode([String: Right].self, from: bytes)) ?? [:]
    }()

    private static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appendingPathComponent(name))) }

    /// Orientation in four formats, 16 bits, a profile, broken chunks, animations, and BMPs that converters write.
    @Test(arguments: StillFormatTests.right.keys.sorted()) func rightValues(_ name: String) throws {
        let right = try #require(Self.right[name])
        let picture = try PictureReader.read(bytes: Self.bytes(name), name: name)
        #expect(picture.width == right.width && picture.height == right.height)
        let (across, down) = ([right.width / 4, right.width * 3 / 4], [right.height / 4, right.height * 3 / 4])
        for (index, wanted) in right.corners.enumerated() {
            let at = (down[index / 2] * picture.width + across[index % 2]) * 3
            let found = (0..<3).map { Int(picture.bytes[at + $0]) }
            #expect(zip(found, wanted).allSatisfy { abs($0 - $1) <= 4 }, "quarter \(index): \(found), \(wanted)")
        }
    }

    @Test func thereAreRightValues() {
        #expect(Self.right.count > 40)
        for ending in ["jpg", "webp", "png", "tif"] { #expect(Self.right["orientation6.\(ending)"]?.width == 16) }
    }

    /// What ends before its end is refused, also when only the last byte is missing.
    @Test(arguments: [
        "orientation1.jpg", "orientation1.webp", "orientation1.png", "quarters.gif", "quarters.bmp", "quarters.heic", "quarters.avif",
        "animated.webp", "grey16.tif",
    ]) func whatIsCutShortIsRefused(_ name: String) throws {
        let whole = try Self.bytes(name)
        let isTIFF = name.hasSuffix("tif")
        // The last bytes of a TIFF may belong to nothing; of a JPEG the end marker's second byte says nothing more.
        for missing in [isTIFF || name.hasSuffix("jpg") ? 3 : 1, 2, 12, whole.count / 2, whole.count - 5] where !isTIFF || missing > 12 {
            let error = #expect(throws: MediaError.self, "\(missing) missing") {
                try PictureReader.read(bytes: Array(whole.dropLast(missing)), name: name)
            }
            #expect(error?.code == .malformed, "\(missing) missing")
        }
    }

    /// Whatever bytes are changed, a picture comes out, or a sentence.
    @Test(arguments: StillFormatTests.right.keys.sorted().filter { $0.contains("1.") || !$0.contains("orientation") })
    func damage(_ name: String) throws {
        let whole = try Self.bytes(name)
        for bytes in damaged(whole, 40) {
            do { _ = try PictureReader.read(bytes: bytes, name: name, maximumPixels: 1 << 22) } catch { #expect(error is MediaError) }
        }
        for count in 0..<min(whole.count, 200) { _ = StillFormat(whole[..<count])?.isWhole(Array(whole[..<count])) }
    }

    @Test func formatsAreToldApart() throws {
        for (name, format) in [
            ("orientation1.jpg", .jpeg), ("orientation1.png", .png), ("animated.webp", .webp), ("orientation1.tif", .tiff),
            ("quarters.gif", .gif), ("quarters.bmp", .bmp), ("quarters.avif", .heif), ("quarters.heic", .heif),
        ] as [(String, StillFormat)] {
            #expect(StillFormat(try Self.bytes(name)) == format, "\(name)")
        }
        for text in ["P5\n3 2\n255\n", "P6 # a remark"] { #expect(StillFormat(text.utf8) == .pnm) }
        for text in ["", "P", "P9\n", "Pixels", "RIFF1234WAVE", "GIF12a"] { #expect(StillFormat(text.utf8) == nil, "\(text)") }
    }

    /// Sizes are refused before anything is decoded.
    @Test func impossibleSizesAreRefused() throws {
        for (width, height) in [(UInt32.max, UInt32.max), (40_000, 1), (30_000, 30_000)] {
            var png = try PictureWriter.png(Picture(width: 2, height: 2))
            for (place, number) in [(16, width), (20, height)] {
                for byte in 0..<4 { png[place + byte] = UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32(byte))) }
            }
            #expect(throws: MediaError.self) { try PictureReader.read(bytes: png, name: "huge.png") }
        }
        let error = #expect(throws: MediaError.self) {
            try PictureReader.read(bytes: PictureWriter.png(Picture(width: 60, height: 50)), name: "large.png", maximumPixels: 2999)
        }
        #expect(error?.code == .tooLarge && error?.description.contains("60×50") == true)
    }

    /// Many threads read at once.
    @Test func readsSideBySide() async throws {
        let names = ["orientation6.jpg", "orientation3.png", "orientation8.webp", "quarters.heic"]
        let alone = try names.map { try PictureReader.read(bytes: Self.bytes($0), name: $0) }
        try await withThrowingTaskGroup(of: (Int, Picture).self) { group in
            for round in 0..<40 {
                let index = round % names.count
                group.addTask { (index, try PictureReader.read(bytes: Self.bytes(names[index]), name: names[index])) }
            }
            for try await (index, picture) in group { #expect(picture == alone[index]) }
        }
    }
}
