import Foundation
import RainPictures
import Testing

@testable import RainMedia

@Suite struct PictureSourceTests {
    /// A film of the project's own writer.
    private func film(_ path: String, frames: Int = 6, width: Int = 64, height: Int = 48, framesPerSecond: Double = 25) throws {
        let sink = try FrameSink.open(path, width: width, height: height, framesPerSecond: framesPerSecond)
        for index in 0..<frames { try sink.write(testFrame(index, width: width, height: height)) }
        try sink.finish()
    }

    private func all(_ source: PictureSource) throws -> [TimedPicture] {
        var pictures: [TimedPicture] = []
        while let picture = try source.next() { pictures.append(picture) }
        return pictures
    }

    @Test func aVideoComesWithItsTimes() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/film.mp4"
        try film(path, frames: 7, framesPerSecond: 12.5)
        let source = try PictureSource(path: path)
        #expect(source.framesPerSecond == 12.5 && !source.isLive)
        let pictures = try all(source)
        #expect(pictures.count == 7)
        for (index, picture) in pictures.enumerated() { #expect(abs(picture.seconds - Double(index) * 0.08) < 1e-3) }
    }

    /// Display matrices of the track header, as phones write them, with what becomes of the film's upper left corner.
    @Test(arguments: [
        ([1, 0, 0, 1], 0, 0), ([0, 1, -1, 0], 1, 0), ([-1, 0, 0, -1], 1, 1), ([0, -1, 1, 0], 0, 1), ([-1, 0, 0, 1], 1, 0),
    ])
    func aTurnedCameraIsTurnedBack(_ matrix: [Int], _ right: Int, _ down: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/film.mp4"
        let sink = try FrameSink.open(path, width: 64, height: 32, framesPerSecond: 25)
        var marked = Picture(width: 64, height: 32)
        for y in 0..<8 {
            for x in 0..<8 { for channel in 0..<3 { marked.bytes[(y * 64 + x) * 3 + channel] = 255 } }
        }
        try sink.write(marked)
        try sink.finish()
        var bytes = try folder.bytes("film.mp4")
        let header = try #require(bytes.indices.dropLast(100).first { Array(bytes[$0..<$0 + 4]) == Array("tkhd".utf8) })
        // Version 0: the matrix of nine numbers comes 40 bytes after the version; a, b, u, c, d, v in 16.16.
        #expect(bytes[header + 4] == 0)
        for (place, value) in [(0, matrix[0]), (1, matrix[1]), (3, matrix[2]), (4, matrix[3])] {
            let big = UInt32(bitPattern: Int32(value << 16)).bigEndian
            withUnsafeBytes(of: big) { bytes.replaceSubrange(header + 44 + 4 * place..<header + 48 + 4 * place, with: $0) }
        }
        let turned = try #require(try PictureSource(path: folder.file("turned.mp4", bytes)).next()?.picture)
        let isUpright = matrix[0] != 0
        #expect(turned.width == (isUpright ? 64 : 32) && turned.height == (isUpright ? 32 : 64))
        let (x, y) = (right == 1 ? turned.width - 4 : 3, down == 1 ? turned.height - 4 : 3)
        #expect(turned.bytes[(y * turned.width + x) * 3] > 200)
        #expect(turned.bytes.count { $0 > 128 } < 400)
    }

    @Test func unevenTimesAreKept() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/film.gif"
        try film(path, frames: 5, framesPerSecond: 20)
        var bytes = try folder.bytes("film.gif")
        // Graphic control extensions hold each picture's delay in hundredths of a second.
        let delays: [UInt8] = [3, 50, 7, 20, 9]
        var found = 0
        for index in 0..<bytes.count - 8 where bytes[index] == 0x21 && bytes[index + 1] == 0xF9 && bytes[index + 2] == 4 {
            bytes[index + 4] = delays[min(found, 4)]
            bytes[index + 5] = 0
            found += 1
        }
        #expect(found == 5)
        let times = try all(PictureSource(path: folder.file("uneven.gif", bytes))).map(\.seconds)
        #expect(times.count == 5)
        for (time, expected) in zip(times, [0, 0.03, 0.53, 0.60, 0.80]) { #expect(abs(time - expected) < 0.011) }
    }

    @Test func aSizeThatChangesOnTheWayIsFollowed() throws {
        let folder = try TemporaryFolder()
        var stream: [UInt8] = []
        for (index, size) in [(64, 48), (64, 48), (96, 32), (32, 96)].enumerated() {
            try PictureWriter.write(testFrame(index, width: size.0, height: size.1), to: folder.path + "/\(index).jpg")
            stream += try folder.bytes("\(index).jpg")
        }
        let pictures = try all(PictureSource(path: folder.file("changing.mjpeg", stream)))
        #expect(pictures.map(\.picture.width) == [64, 64, 96, 32])
        for (index, picture) in pictures.enumerated() {
            #expect(psnr(picture.picture, testFrame(index, width: picture.picture.width, height: picture.picture.height)) > 25)
            #expect(index == 0 || picture.seconds > pictures[index - 1].seconds)
        }
    }

    @Test func aFilmWithoutPicturesSaysSo() throws {
        let folder = try TemporaryFolder()
        try film(folder.path + "/film.mp4")
        let bytes = try folder.bytes("film.mp4")
        let fragment = try #require(bytes.indices.dropLast(8).first { Array(bytes[$0 + 4..<$0 + 8]) == Array("moof".utf8) })
        let path = try folder.file("head.mp4", Array(bytes[..<fragment]))
        let failure = #expect(throws: MediaError.self) { _ = try PictureSource(path: path).next() }
        #expect(message(failure).contains("head.mp4") && !message(failure).isEmpty)
    }

    @Test func aFolderComesInTheOrderOfItsNumbers() throws {
        let folder = try TemporaryFolder()
        for (name, width) in [("frame10.png", 10), ("frame2.png", 2), ("frame1.jpg", 16), ("frame02b.PNG", 3)] {
            let ending = name.hasSuffix("jpg") ? "jpg" : "png"
            try PictureWriter.write(Picture(width: width, height: 4), to: folder.path + "/x." + ending)
            try FileManager.default.moveItem(atPath: folder.path + "/x." + ending, toPath: folder.path + "/" + name)
        }
        _ = try folder.file("notes.txt", [1, 2])
        _ = try folder.file(".hidden.png", [1, 2])
        let source = try PictureSource(path: folder.path, framesPerSecond: 10)
        let pictures = try all(source)
        #expect(pictures.map(\.picture.width) == [16, 2, 3, 10])
        #expect(pictures.map(\.seconds) == [0, 0.1, 0.2, 0.3] || abs(pictures[3].seconds - 0.3) < 1e-9)
    }

    @Test func aFolderWithoutPicturesIsRefused() throws {
        let folder = try TemporaryFolder()
        _ = try folder.file("notes.txt", [1, 2])
        let failure = #expect(throws: MediaError.self) { try PictureSource(path: folder.path) }
        #expect(message(failure).contains("pictures"))
    }

    @Test func aDamagedPictureOfAFolderIsNamed() throws {
        let folder = try TemporaryFolder()
        _ = try folder.file("1.png", [1, 2, 3])
        let source = try PictureSource(path: folder.path)
        let failure = #expect(throws: MediaError.self) { try source.next() }
        #expect(message(failure).contains("1.png"))
    }

    @Test func whatIsNoCameraSaysSo() {
        let failure = #expect(throws: MediaError.self) { try PictureSource(path: "/dev/null") }
        #expect(message(failure).contains("/dev/null: expected a camera"))
        let missing = #expect(throws: MediaError.self) { try PictureSource(path: "/dev/video99") }
        #expect(message(missing).contains("/dev/video99"))
    }

    /// A made-up camera that is unplugged after some pictures.
    @Test(.enabled(if: FFmpeg.hasDevices("lavfi"))) func aCameraThatVanishesSaysSo() throws {
        let source = try PictureSource(camera: "testsrc=size=64x48:rate=25:duration=0.2", system: "lavfi")
        #expect(source.isLive)
        for index in 0..<5 {
            let picture = try #require(try source.next())
            #expect(picture.picture.width == 64 && abs(picture.seconds - Double(index) / 25) < 1e-6)
        }
        let failure = #expect(throws: MediaError.self) { try source.next() }
        #expect(message(failure).contains("goes on after 5 pictures") && message(failure).contains("plugged in"))
    }

    /// A camera whose time is made up: after each question some of it passes.
    private func camera(step: Double, _ answers: [Camera.Answer], then: Camera.Answer) -> (camera: Camera, now: () -> Double) {
        var time = 100.0
        var asked = 0
        let camera = Camera(
            path: "/dev/video0", now: { time }, pause: { time += step },
            ask: {
                defer { asked += 1 }
                return asked < answers.count ? answers[asked] : then
            })
        return (camera, { time })
    }

    private static let picture = Camera.Answer.picture(Picture(width: 8, height: 6), seconds: nil)

    @Test func aCameraThatFallsSilentIsGoneAfterFiveSeconds() throws {
        let (camera, now) = camera(step: 0.01, [Self.picture, .nothingYet, Self.picture, Self.picture], then: .nothingYet)
        let source = PictureSource(camera, path: "/dev/video0")
        #expect(source.isLive)
        for _ in 0..<3 { #expect(try source.next()?.picture.width == 8) }
        let start = now()
        let failure = #expect(throws: MediaError.self) { try source.next() }
        #expect(failure?.code == .unreadable)
        #expect(
            message(failure)
                == "/dev/video0: expected a camera that goes on after 3 pictures, found no picture for 5 s; check that it is still plugged in"
        )
        #expect(now() - start >= 5 && now() - start < 5.05)
    }

    /// Also from the beginning, where people forget a closed shutter or another program.
    @Test func aCameraThatNeverDeliversIsGoneToo() throws {
        let (camera, now) = camera(step: 0.5, [], then: .nothingYet)
        let failure = #expect(throws: MediaError.self) { try PictureSource(camera, path: "/dev/video0").next() }
        #expect(message(failure).contains("goes on after 0 pictures, found no picture for 5 s"))
        #expect(now() < 106)
    }

    /// Its patience begins anew with every picture.
    @Test func aSlowCameraIsWaitedFor() throws {
        let silence = [Camera.Answer](repeating: .nothingYet, count: 9)
        let (camera, now) = camera(step: 0.5, (0..<4).flatMap { _ in silence + [Self.picture] }, then: .end)
        let source = PictureSource(camera, path: "/dev/video0")
        for _ in 0..<4 { #expect(try source.next() != nil) }
        #expect(now() == 118)
        let failure = #expect(throws: MediaError.self) { try source.next() }
        #expect(message(failure).contains("goes on after 4 pictures, found the end of its stream"))
    }
}
