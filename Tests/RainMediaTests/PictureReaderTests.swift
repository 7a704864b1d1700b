import Foundation
import RainMedia
import RainPictures
import Testing

@Suite struct PictureReaderTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: [("png", Double.infinity), ("webp", .infinity), ("jpg", 35), ("JPEG", 35)])
    func picturesAreReadBack(ending: String, quality: Double) throws {
        for (width, height) in [(96, 64), (61, 33), (1, 1)] {
            let path = "\(folder.path)/picture.\(ending)"
            let picture = testFrame(3, width: width, height: height)
            try PictureWriter.write(picture, to: path)
            let found = try PictureReader.read(path)
            #expect(found.width == width && found.height == height)
            if quality.isInfinite { #expect(found == picture) } else { #expect(psnr(found, picture) > quality) }
        }
        #expect(try folder.contents == ["picture.\(ending)"])
    }

    /// The content decides, not the name.
    @Test func aWrongEndingDoesNotMatter() throws {
        let picture = testFrame(0, width: 20, height: 20)
        let path = try folder.file("picture.jpg", PictureWriter.png(picture))
        #expect(try PictureReader.read(path) == picture)
    }

    /// A 2×1 PNG: red at half opacity, and fully transparent blue.
    @Test func transparencyIsLaidOnWhite() throws {
        let path = try folder.file("alpha.png", png(width: 2, height: 1, colorType: 6, rows: [[255, 0, 0, 128, 0, 0, 255, 0]]))
        #expect(try PictureReader.read(path).bytes == [255, 127, 127, 255, 255, 255])
    }

    @Test func layersAreReadBack() throws {
        var layer = LayerPicture(width: 19, height: 7)
        for pixel in 0..<(19 * 7) {
            let alpha = [0, 255, 128, 40][pixel % 4]
            for channel in 0..<3 { layer.bytes[pixel * 4 + channel] = UInt8((pixel * 7 + channel * 50) % 256 * alpha / 255) }
            layer.bytes[pixel * 4 + 3] = UInt8(alpha)
        }
        let path = "\(folder.path)/layer.png"
        try PictureWriter.write(layer, to: path)
        let found = try PictureReader.readLayer(path)
        #expect(found.width == 19 && found.height == 7)
        // Premultiplied colours of little opacity lose a step on the way.
        #expect(zip(found.bytes, layer.bytes).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        // A picture without transparency is opaque.
        let picture = testFrame(1, width: 20, height: 20)
        #expect(try PictureReader.readLayer(folder.file("picture.png", PictureWriter.png(picture))) == LayerPicture(picture))
        #expect(throws: MediaError.self) { try PictureReader.readLayer(folder.file("empty.png", [])) }
    }

    @Test func greyPicturesAreRead() throws {
        let path = try folder.file("grey.png", png(width: 3, height: 1, colorType: 0, rows: [[0, 100, 255]]))
        #expect(try PictureReader.read(path).bytes == [0, 0, 0, 100, 100, 100, 255, 255, 255])
    }

    /// The same 16×8 picture stored in each of EXIF's eight orientations must come out upright.
    @Test(arguments: 1...8)
    func orientationOfCamerasIsApplied(orientation: Int) throws {
        var upright = Picture(width: 16, height: 8)
        for y in 0..<8 {
            for x in 0..<16 {
                let color: [UInt8] = x < 8 ? (y < 4 ? [220, 30, 30] : [30, 200, 30]) : (y < 4 ? [30, 30, 220] : [230, 230, 230])
                upright.bytes.replaceSubrange((y * 16 + x) * 3..<(y * 16 + x) * 3 + 3, with: color)
            }
        }
        // Where a stored pixel (column, row) shows, by the definition of EXIF's tag 0x0112.
        let (width, height) = orientation < 5 ? (16, 8) : (8, 16)
        var stored = Picture(width: width, height: height)
        for row in 0..<height {
            for column in 0..<width {
                let (right, below) = (width - 1 - column, height - 1 - row)
                let (x, y) =
                    switch orientation {
                    case 1: (column, row)
                    case 2: (right, row)
                    case 3: (right, below)
                    case 4: (column, below)
                    case 5: (row, column)
                    case 6: (below, column)
                    case 7: (below, right)
                    default: (row, right)
                    }
                for channel in 0..<3 { stored.bytes[(row * width + column) * 3 + channel] = upright.bytes[(y * 16 + x) * 3 + channel] }
            }
        }
        let plain = "\(folder.path)/plain.jpg"
        try PictureWriter.write(stored, to: plain)
        let exif: [UInt8] =
            [0xFF, 0xE1, 0, 34] + [UInt8]("Exif\0\0".utf8) + [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1]
            + [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(orientation), 0, 0] + [0, 0, 0, 0]
        var content = try folder.bytes("plain.jpg")
        content.insert(contentsOf: exif, at: 2)
        let found = try PictureReader.read(folder.file("turned.jpg", content))
        #expect(found.width == 16 && found.height == 8)
        #expect(psnr(found, upright) > 30)
    }

    // MARK: Bad input

    @Test(arguments: ["absent.png", "", "."])
    func unreadablePaths(name: String) throws {
        let path = name.isEmpty ? "" : "\(folder.path)/\(name)"
        let error = #expect(throws: MediaError.self) { try PictureReader.read(path) }
        #expect(error?.code == .unreadable)
    }

    @Test(arguments: ["png", "jpg", "webp"])
    func filesCutShortAreRefused(ending: String) throws {
        let path = "\(folder.path)/whole.\(ending)"
        try PictureWriter.write(testFrame(0, width: 96, height: 64), to: path)
        let whole = try folder.bytes("whole.\(ending)")
        for length in [0, 1, 8, 20, whole.count / 4, whole.count / 2, whole.count * 3 / 4] {
            let cut = try folder.file("cut.\(ending)", Array(whole[..<length]))
            let error = #expect(throws: MediaError.self, "\(length) of \(whole.count) bytes") { try PictureReader.read(cut) }
            #expect(error?.code == .malformed)
            #expect(message(error).hasPrefix(cut))
        }
    }

    @Test(arguments: ["not a picture at all, only words", "#EXTM3U\n#EXTINF:1,\nother.png\n", "ffconcat version 1.0\nfile other.png\n"])
    func otherFilesAreRefused(text: String) throws {
        try PictureWriter.write(testFrame(0, width: 8, height: 8), to: "\(folder.path)/other.png")
        let path = try folder.file("text.png", [UInt8](text.utf8))
        let error = #expect(throws: MediaError.self) { try PictureReader.read(path) }
        #expect(error?.code == .malformed)
    }

    /// The header of a PNG that promises more pixels than memory.
    @Test func hugePicturesAreRefused() throws {
        for (width, height) in [(1 << 30, 1 << 30), (65_000, 65_000), (40_000, 1)] {
            let path = try folder.file("huge.png", png(width: width, height: height, colorType: 0, rows: [[0]]))
            #expect(throws: MediaError.self) { try PictureReader.read(path) }
        }
        let path = try folder.file("large.png", PictureWriter.png(Picture(width: 100, height: 100)))
        #expect(throws: MediaError.self) { try PictureReader.read(path, maximumPixels: 9_999) }
        #expect(try PictureReader.read(path, maximumPixels: 10_000).width == 100)
    }

    @Test(arguments: ["png", "jpg", "webp"])
    func mutationsNeverCrash(ending: String) throws {
        let path = "\(folder.path)/whole.\(ending)"
        try PictureWriter.write(testFrame(0, width: 40, height: 30), to: path)
        let whole = try folder.bytes("whole.\(ending)")
        for content in damaged(whole, 300) {
            let mutated = try folder.file("mutated.\(ending)", content)
            do { _ = try PictureReader.read(mutated) } catch { #expect(error is MediaError) }
        }
    }

    @Test(arguments: [("picture.bmp", MediaError.Code.unsupportedFormat), ("picture", .unsupportedFormat), ("no/picture.png", .unwritable)])
    func impossibleOutputs(name: String, code: MediaError.Code) throws {
        let error = #expect(throws: MediaError.self) { try PictureWriter.write(Picture(width: 2, height: 2), to: "\(folder.path)/\(name)") }
        #expect(error?.code == code)
        #expect(try folder.contents == [])
    }
}

/// A PNG file made by hand: 8 bits per sample, stored without compression.
func png(width: Int, height: Int, colorType: UInt8, rows: [[UInt8]]) -> [UInt8] {
    func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
        let body = [UInt8](type.utf8) + content
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in body {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return bigEndian(UInt32(content.count)) + body + bigEndian(~crc)
    }
    let raw: [UInt8] = rows.flatMap { [UInt8](arrayLiteral: 0) + $0 }
    var (low, high) = (UInt32(1), UInt32(0))
    for byte in raw {
        low = (low + UInt32(byte)) % 65521
        high = (high + low) % 65521
    }
    let count = UInt16(raw.count)
    let stored: [UInt8] = [1, UInt8(count & 0xFF), UInt8(count >> 8), UInt8(~count & 0xFF), UInt8(~count >> 8)] + raw
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    file += chunk("IHDR", bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, colorType, 0, 0, 0])
    file += chunk("IDAT", [0x78, 0x01] + stored + bigEndian(high << 16 | low))
    return file + chunk("IEND", [])
}
