import Foundation
import RainMedia
import RainPictures
import Testing

/// A video output, frame size, and the size that comes back.
struct VideoCase: Sendable, CustomTestStringConvertible {
    var ending: String
    var width: Int
    var height: Int
    var framesPerSecond: Double
    var storedWidth: Int
    var storedHeight: Int

    init(_ ending: String, _ width: Int, _ height: Int, _ framesPerSecond: Double, stored: (Int, Int)? = nil) {
        (self.ending, self.width, self.height, self.framesPerSecond) = (ending, width, height, framesPerSecond)
        (storedWidth, storedHeight) = stored ?? (width, height)
    }

    var testDescription: String { "\(ending) \(width)×\(height) at \(framesPerSecond)" }
}

let videoCases = [
    VideoCase("mp4", 128, 96, 25), VideoCase("mp4", 127, 97, 24, stored: (128, 98)), VideoCase("mp4", 1, 1, 30, stored: (2, 2)),
    VideoCase("MP4", 64, 64, 29.97), VideoCase("webm", 128, 96, 25), VideoCase("webm", 63, 65, 12.5), VideoCase("gif", 128, 96, 25),
    VideoCase("gif", 33, 17, 50),
]

@Suite struct FrameSinkTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: videoCases)
    func videoIsReadBackAsWritten(_ video: VideoCase) throws {
        let path = folder.path + "/out.\(video.ending)"
        let frames = (0..<30).map { testFrame($0, width: video.width, height: video.height) }
        let sink = try FrameSink.open(path, width: video.width, height: video.height, framesPerSecond: video.framesPerSecond)
        for frame in frames { try sink.write(frame) }
        #expect(try folder.contents == ["out.partial.\(video.ending)"])
        try sink.finish()
        #expect(try folder.contents == ["out.\(video.ending)"])
        #expect(sink.frameCount == 30)

        let reader = try VideoReader(path: path)
        #expect(abs((reader.framesPerSecond ?? 0) - video.framesPerSecond) < 0.01 * video.framesPerSecond)
        let found = try reader.remainingFrames()
        #expect(found.count == frames.count)
        #expect(abs((reader.seconds ?? 0) - 29 / video.framesPerSecond) < 0.02)
        for (frame, original) in zip(found, frames) {
            #expect(frame.width == video.storedWidth && frame.height == video.storedHeight)
            // A single pixel has no detail, only the rounding of its colour.
            #expect(psnr(frame, original) > 30)
        }
    }

    @Test func whatIsImpossibleIsKnownBefore() throws {
        for path in ["out.mp4", "out.WEBM", "out.gif", "out", "-", folder.path] {
            try FrameSink.check(path, framesPerSecond: nil)
            try FrameSink.check(path, framesPerSecond: 50)
        }
        #expect(throws: MediaError.self) { try FrameSink.check("out.gif", framesPerSecond: 50.5) }
        #expect(throws: MediaError.self) { try FrameSink.check("out.mp4", framesPerSecond: .nan) }
        #expect(throws: MediaError.self) { try FrameSink.check("out.xyz", framesPerSecond: nil) }
        #expect(try folder.contents == [])
    }

    @Test func folderOfPictures() throws {
        for ending in ["", "/"] {
            let path = folder.path + "/frames\(ending.count)"
            let sink = try FrameSink.open(path + ending, width: 33, height: 20, framesPerSecond: 25)
            let frames = (0..<3).map { testFrame($0, width: 33, height: 20) }
            for frame in frames { try sink.write(frame) }
            try sink.finish()
            #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["000001.png", "000002.png", "000003.png"])
            for (index, frame) in frames.enumerated() {
                #expect(try PictureReader.read("\(path)/00000\(index + 1).png") == frame)
            }
        }
    }

    @Test(arguments: ["mp4", "webm", "gif"])
    func theSameFramesGiveTheSameFile(ending: String) throws {
        func file(_ name: String) throws -> [UInt8] {
            let sink = try FrameSink.open("\(folder.path)/\(name).\(ending)", width: 48, height: 32, framesPerSecond: 25)
            for index in 0..<10 { try sink.write(testFrame(index, width: 48, height: 32)) }
            try sink.finish()
            return try folder.bytes("\(name).\(ending)")
        }
        let first = try file("a")
        // WebM carries a random identifier per track unless FFmpeg's bit-exact mode holds, which this checks as well. Once in some
        // tens of times x264 encodes the same frames otherwise, why is not known; without Rain it was seen to do so with other
        // options, with one thread. That is not what is checked.
        let attempts = ending == "mp4" ? 8 : 1
        #expect(try (0..<attempts).contains { try file("b\($0)") == first || file("c\($0)") == file("d\($0)") })
    }

    /// What is on disk while the sink is open is what a killed run leaves.
    @Test(arguments: ["mp4", "webm", "gif"])
    func aKilledRunLeavesSomethingPlayable(ending: String) throws {
        let sink = try FrameSink.open("\(folder.path)/out.\(ending)", width: 64, height: 48, framesPerSecond: 25)
        for index in 0..<150 { try sink.write(testFrame(index, width: 64, height: 48)) }
        let left = try folder.file("left.\(ending)", folder.bytes("out.partial.\(ending)"))
        let frames = try VideoReader(path: left).remainingFrames()
        #expect(frames.count >= 75)
        for (index, frame) in frames.enumerated() { #expect(psnr(frame, testFrame(index, width: 64, height: 48)) > 30) }
    }

    @Test(arguments: ["out.mp4", "out.webm", "out.gif", "frames"])
    func abandoningRemovesEverything(name: String) throws {
        let sink = try FrameSink.open("\(folder.path)/\(name)", width: 64, height: 48, framesPerSecond: 25)
        for index in 0..<5 { try sink.write(testFrame(index, width: 64, height: 48)) }
        #expect(try folder.contents.count == 1)
        sink.abandon()
        #expect(try folder.contents == [])
        #expect(throws: MediaError.self) { try sink.write(testFrame(5, width: 64, height: 48)) }
    }

    @Test(arguments: ["out.mp4", "out.webm", "out.gif", "frames"])
    func withoutFramesNothingIsLeft(name: String) throws {
        try FrameSink.open("\(folder.path)/\(name)", width: 64, height: 48, framesPerSecond: 25).finish()
        #expect(try folder.contents == [])
        _ = try FrameSink.open("\(folder.path)/\(name)", width: 64, height: 48, framesPerSecond: 25)
        #expect(try folder.contents == [])
    }

    @Test func whatWasThereSurvivesUntilTheEnd() throws {
        let path = try folder.file("out.mp4", [1, 2, 3])
        let abandoned = try FrameSink.open(path, width: 64, height: 48, framesPerSecond: 25)
        try abandoned.write(testFrame(0, width: 64, height: 48))
        abandoned.abandon()
        #expect(try folder.bytes("out.mp4") == [1, 2, 3])
        let finished = try FrameSink.open(path, width: 64, height: 48, framesPerSecond: 25)
        try finished.write(testFrame(0, width: 64, height: 48))
        try finished.finish()
        #expect(try VideoReader(path: path).remainingFrames().count == 1)
    }

    @Test func foldersWithFilesAreLeftAlone() throws {
        _ = try folder.file("old.png", [1])
        let error = #expect(throws: MediaError.self) { try FrameSink.open(folder.path, width: 8, height: 8, framesPerSecond: 25) }
        #expect(error?.code == .unwritable)
        #expect(try folder.contents == ["old.png"])
    }

    @Test(arguments: [
        ("out.avi", MediaError.Code.unsupportedFormat), ("out.mp4.txt", .unsupportedFormat), ("no/such/folder/out.mp4", .unwritable),
        ("no/such/folder/out.gif", .unwritable), ("no/such/folder/frames", .unwritable),
    ])
    func impossibleOutputs(name: String, code: MediaError.Code) throws {
        let path = "\(folder.path)/\(name)"
        let error = #expect(throws: MediaError.self) { try FrameSink.open(path, width: 8, height: 8, framesPerSecond: 25) }
        #expect(error?.code == code)
        #expect(message(error).hasPrefix(path))
        #expect(try folder.contents == [])
    }

    @Test(arguments: ["mp4", "webm", "gif"])
    func aFullDiskIsReported(ending: String) throws {
        let path = "\(folder.path)/full.\(ending)"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
        let error = #expect(throws: MediaError.self) {
            let sink = try FrameSink.open(path, width: 64, height: 48, framesPerSecond: 25)
            for index in 0..<100 { try sink.write(testFrame(index, width: 64, height: 48)) }
            try sink.finish()
        }
        #expect(error?.code == .unwritable)
        #expect(message(error).contains("No space left on device"))
        #expect(try folder.contents == ["full.\(ending)"])
    }

    @Test(arguments: [
        ("out.mp4", 0, 8, 25.0), ("out.mp4", 8, 20000, 25), ("out.mp4", 8, 8, 0), ("out.mp4", 8, 8, .nan), ("out.mp4", 8, 8, 2000),
        ("out.gif", 8, 8, 60),
    ])
    func impossibleSizesAndRates(name: String, width: Int, height: Int, rate: Double) throws {
        let error = #expect(throws: MediaError.self) {
            try FrameSink.open("\(folder.path)/\(name)", width: width, height: height, framesPerSecond: rate)
        }
        #expect(error?.code == .invalidInput)
        #expect(try folder.contents == [])
    }

    @Test func framesOfAnotherSizeAreRefused() throws {
        let sink = try FrameSink.open("\(folder.path)/out.mp4", width: 64, height: 48, framesPerSecond: 25)
        let error = #expect(throws: MediaError.self) { try sink.write(Picture(width: 48, height: 64)) }
        #expect(error?.code == .invalidInput)
    }
}
