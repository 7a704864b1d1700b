import Foundation
import RainPictures
import Testing

/// A picture whose bytes follow a formula, so that other programs can make the same one.
func patterned(_ width: Int, _ height: Int, _ salt: Int = 0) -> Picture {
    Picture(
        width: width, height: height,
        bytes: (0..<(width * height * 3)).map { UInt8(truncatingIfNeeded: ($0 &* $0 &* 31 &+ $0 &* (7 &+ salt)) >> 3) })
}

@Suite struct CanvasTests {
    @Test(arguments: [(1, 1), (7, 13), (128, 128)])
    func beginsAndEndsAsThePicture(_ width: Int, _ height: Int) {
        let picture = patterned(width, height)
        #expect(Canvas(picture).picture() == picture)
    }

    @Test func fillsWholePixelsExactly() {
        var canvas = Canvas(width: 4, height: 3, background: Color(0, 0, 1))
        canvas.fill(Path(x: 1, y: 1, width: 2, height: 1), Color(1, 0, 0))
        let picture = canvas.picture()
        for y in 0..<3 {
            for x in 0..<4 {
                let inside = y == 1 && (x == 1 || x == 2)
                let at = (y * 4 + x) * 3
                #expect(Array(picture.bytes[at..<(at + 3)]) == (inside ? [255, 0, 0] : [0, 0, 255]))
            }
        }
    }

    @Test func circleCoversItsArea() {
        var canvas = Canvas(width: 64, height: 64)
        canvas.fill(Path(circle: Point(31.3, 32.6), 20), .white)
        let sum = canvas.picture().bytes.reduce(0) { $0 + Int($1) }
        #expect(abs(Double(sum) / (3 * 255) - .pi * 400) < 4)
    }

    @Test func transformsClipsAndGradientsAreLocal() {
        var canvas = Canvas(width: 8, height: 8)
        canvas.clipped(to: Path(x: 0, y: 0, width: 4, height: 8)) { canvas in
            canvas.transformed(by: .translation(0, 4)) { $0.fill(Path(x: -20, y: 0, width: 40, height: 4), .white) }
        }
        canvas.fill(Path(x: 7, y: 0, width: 1, height: 1), .white)
        let picture = canvas.picture()
        func red(_ x: Int, _ y: Int) -> UInt8 { picture.bytes[(y * 8 + x) * 3] }
        #expect(red(3, 4) == 255 && red(3, 3) == 0 && red(4, 4) == 0 && red(7, 0) == 255)

        var shaded = Canvas(width: 1, height: 16)
        shaded.fill(
            Path(x: 0, y: 0, width: 1, height: 16), from: Point(0, 0), to: Point(0, 16),
            stops: [(0, Color(1, 0, 0)), (1, Color(0, 0, 0))])
        let column = (0..<16).map { Int(shaded.picture().bytes[$0 * 3]) }
        #expect(column == column.sorted(by: >) && column[0] > 240 && column[15] < 15)
    }

    @Test func pathsMapLikePoints() {
        let turn = Transform.translation(3, 4).after(.rotation(.pi / 2)).after(.scale(2, 2))
        let mapped = turn(Point(1, 0))
        #expect(abs(mapped.x - 3) < 1e-12 && abs(mapped.y - 6) < 1e-12)
        var first = Canvas(width: 16, height: 16)
        first.fill(Path(x: 1, y: -1, width: 2, height: 2).applying(turn), .white)
        var second = Canvas(width: 16, height: 16)
        second.transformed(by: turn) { $0.fill(Path(x: 1, y: -1, width: 2, height: 2), .white) }
        #expect(first.picture() == second.picture())
    }

    @Test func picturesAreCutAtTheBorder() {
        var canvas = Canvas(width: 4, height: 4)
        canvas.draw(Picture(width: 3, height: 3, red: 9, green: 8, blue: 7), x: -2, y: 3, scale: 2)
        canvas.draw(Picture(width: 3, height: 3, red: 9), x: 40, y: -40)
        let lit = (0..<16).filter { canvas.picture().bytes[$0 * 3] == 9 }
        #expect(lit == [12, 13, 14, 15])
    }

    @Test func hueWheel() {
        #expect(Color(hue: 1.0 / 3, saturation: 1, value: 1) == Color(0, 1, 0))
        #expect(Color(hue: -1.0 / 3, saturation: 1, value: 0.5) == Color(0, 0, 0.5))
        #expect(Color(hue: 5, saturation: 0.5, value: 1) == Color(1, 0.5, 0.5))
    }
}

@Suite struct PNGTests {
    @Test func writesAndLeavesNothingElse() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rain-pictures-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("picture.png")
        try patterned(7, 13).writePNG(to: file)
        try patterned(7, 13).writePNG(to: file)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["picture.png"])
        let bytes = [UInt8](try Data(contentsOf: file))
        #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
        #expect(bytes[16..<24] == [0, 0, 0, 7, 0, 0, 0, 13])
        #expect(bytes == (try patterned(7, 13).pngBytes()))
    }

    @Test func namesTheFileThatCannotBeWritten() {
        let file = URL(fileURLWithPath: "/proc/no-such-folder/picture.png")
        let error = #expect(throws: PictureError.self) { try Picture(width: 1, height: 1).writePNG(to: file) }
        #expect(error?.code == .file)
        #expect(error?.description.contains("/proc/no-such-folder/picture.png") == true)
    }
}
