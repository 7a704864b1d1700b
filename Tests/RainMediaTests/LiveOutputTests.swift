import Foundation
import Glibc
import RainPictures
import Testing

@testable import RainMedia

/// Outputs at whose other end somebody is, or is not.
@Suite(.serialized) struct LiveOutputTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private static let ffmpeg = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/ffmpeg" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    /// A port of this machine that nobody listens on, and its listener where one is asked for.
    private static func port() throws -> (number: Int, socket: Int32) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        try #require(bound)
        return (Int(UInt16(bigEndian: address.sin_port)), socket)
    }

    /// Frames go through a real server: FFmpeg's program listens and writes down what comes.
    @Test(
        .enabled(if: ffmpeg != nil, "ffmpeg is not installed"),
        arguments: [("rtmp", "/live/key", ["-listen", "1"]), ("tcp", "?listen", [])])
    func aServerTakesThem(scheme: String, path: String, options: [String]) async throws {
        let (number, socket) = try Self.port()
        close(socket)
        let address = "\(scheme)://127.0.0.1:\(number)"
        let film = folder.path + "/film.mp4"
        let server = Process()
        server.executableURL = URL(fileURLWithPath: try #require(Self.ffmpeg))
        server.arguments = ["-loglevel", "error", "-y"] + options + ["-i", address + path, "-c", "copy", film]
        server.standardInput = FileHandle.nullDevice
        try server.run()
        defer { if server.isRunning { server.terminate() } }
        let target = scheme == "rtmp" ? address + path : address
        var sink: FrameSink?
        for _ in 0..<1200 where sink == nil {
            sink = try? FrameSink.open(target, width: 64, height: 64, framesPerSecond: 25, scaledTo: (128, 128))
            if sink == nil { try await Task.sleep(for: .milliseconds(50)) }
        }
        let open = try #require(sink)
        for index in 0..<50 { try open.write(testFrame(index, width: 64, height: 64)) }
        try open.finish()
        for _ in 0..<1200 where server.isRunning { try await Task.sleep(for: .milliseconds(50)) }
        try #require(!server.isRunning)
        let frames = try VideoReader(path: film).remainingFrames()
        #expect(frames.count >= 48, "\(frames.count) frames arrived")
        let first = try #require(frames.first)
        #expect(first.width == 128 && first.height == 128)
        #expect(psnr(first.resized(width: 64, height: 64), testFrame(0, width: 64, height: 64)) > 25)
    }

    @Test func nobodyListens() throws {
        let (number, socket) = try Self.port()
        close(socket)
        let error = #expect(throws: MediaError.self) {
            try FrameSink.open("rtmp://user:word@127.0.0.1:\(number)/live/secret", width: 64, height: 64, framesPerSecond: 25)
        }
        #expect(error?.code == .unwritable)
        #expect(message(error).contains("Connection refused") && message(error).contains("127.0.0.1:\(number)/…"))
        #expect(!message(error).contains("secret") && !message(error).contains("word"))
    }

    /// One that takes the connection and says nothing.
    @Test(.timeLimit(.minutes(60))) func aServerThatIsSilentIsGivenUp() throws {
        let (number, socket) = try Self.port()
        defer { close(socket) }
        try #require(listen(socket, 8) == 0)
        // That it ends at all is what counts; without its patience it would wait for ever.
        let error = #expect(throws: MediaError.self) {
            try FrameSink.open("rtmp://127.0.0.1:\(number)/live/key", width: 64, height: 64, framesPerSecond: 25)
        }
        #expect(message(error).contains("no answer for 5 seconds"))
    }

    @Test(arguments: [
        ("/dev/video4711", "no such device", "v4l2loopback"), ("/dev/video/../null", "loopback", "v4l2loopback"),
    ])
    func devicesThatAreNone(path: String, found: String, advice: String) {
        let error = #expect(throws: MediaError.self) { try FrameSink.open(path, width: 64, height: 64, framesPerSecond: 25) }
        #expect(error?.code == .unwritable)
        #expect(message(error).contains(found) && message(error).contains(advice), "\(message(error))")
    }

    /// What a loopback camera is given, written into a file: planes of brightness and, at half resolution, colour.
    @Test func aLoopbackCameraGetsPlanes() throws {
        var format = VideoFormat.loopback
        format.container = "rawvideo"
        let path = folder.path + "/planes"
        let file = try VideoFile(path, format, width: 33, height: 20, framesPerSecond: 25)
        for _ in 0..<3 { try file.write(Picture(width: 33, height: 20, red: 255, green: 255, blue: 255)) }
        try file.finish()
        let bytes = try folder.bytes("planes")
        let frame = 34 * 20 * 3 / 2
        #expect(bytes.count == 3 * frame)
        #expect(bytes[..<(34 * 20)].allSatisfy { $0 == 235 } && bytes[(34 * 20)..<frame].allSatisfy { $0 == 128 })
    }

    @Test func aNamedPipeIsReadByAnother() throws {
        let path = folder.path + "/frames"
        try #require(mkfifo(path, 0o600) == 0)
        let nobody = #expect(throws: MediaError.self) { try FrameSink.open(path, width: 8, height: 8, framesPerSecond: 25) }
        #expect(nobody?.code == .readerGone && message(nobody).contains("nobody who reads it"))
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        try #require(reader >= 0)
        let frame = testFrame(3, width: 8, height: 8)
        let sink = try FrameSink.open(path, width: 8, height: 8, framesPerSecond: 25, scaledTo: (16, 16))
        try sink.write(frame)
        var buffer = [UInt8](repeating: 0, count: 4096)
        #expect(read(reader, &buffer, 4096) == 16 * 16 * 3)
        #expect(Array(buffer[..<(16 * 16 * 3)]) == frame.resized(width: 16, height: 16, filter: .bilinear).bytes)
        close(reader)
        signal(SIGPIPE, SIG_IGN)
        let gone = #expect(throws: MediaError.self) { try sink.write(frame) }
        #expect(gone?.code == .readerGone)
    }

    @Test func anOpenDescriptorIsWrittenTo() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let sink = try FrameSink.open("pipe:\(ends[1])", width: 4, height: 4, framesPerSecond: 25)
        try sink.write(Picture(width: 4, height: 4, red: 1, green: 2, blue: 3))
        var buffer = [UInt8](repeating: 0, count: 100)
        #expect(read(ends[0], &buffer, 100) == 48 && Array(buffer[..<6]) == [1, 2, 3, 1, 2, 3])
        let wrong = #expect(throws: MediaError.self) { try FrameSink.open("pipe:\(ends[0])", width: 4, height: 4, framesPerSecond: 25) }
        #expect(message(wrong).contains("one for reading"))
        let closed = #expect(throws: MediaError.self) { try FrameSink.open("pipe:1000", width: 4, height: 4, framesPerSecond: 25) }
        #expect(message(closed).contains("Bad file descriptor"))
    }

    @Test(arguments: ["ftp://host/a", "pipe:", "pipe:x", "pipe:-1", "pipe:99999", "://", "file:///etc/passwd"])
    func addressesThatMeanNothing(path: String) {
        #expect(throws: MediaError.self) { try FrameSink.check(path, framesPerSecond: 25) }
    }

    @Test(.enabled(if: ffmpeg != nil, "ffmpeg is not installed")) func filmsCanBeTransparent() throws {
        let path = folder.path + "/cut.webm"
        let sink = try FrameSink.open(path, width: 32, height: 32, framesPerSecond: 25, scaledTo: (64, 64), hasAlpha: true)
        // Red on the left half; nothing on the right.
        let frame = (0..<(32 * 32)).flatMap { [255, 0, 0, $0 % 32 < 16 ? 255 : 0] as [UInt8] }
        for _ in 0..<10 { try sink.write(rgba: frame) }
        #expect(throws: MediaError.self) { try sink.write(rgba: [1, 2, 3]) }
        try sink.finish()
        let program = Process()
        program.executableURL = URL(fileURLWithPath: try #require(Self.ffmpeg))
        let raw = folder.path + "/raw"
        program.arguments = [
            "-loglevel", "error", "-c:v", "libvpx-vp9", "-i", path, "-frames:v", "1", "-pix_fmt", "rgba", "-f", "rawvideo", raw,
        ]
        try program.run()
        program.waitUntilExit()
        let bytes = try folder.bytes("raw")
        try #require(bytes.count == 64 * 64 * 4)
        let (left, right) = ((32 * 64 + 8) * 4, (32 * 64 + 56) * 4)
        #expect(bytes[left] > 230 && bytes[left + 3] > 245 && bytes[right + 3] < 10)
        #expect(throws: MediaError.self) {
            try FrameSink.open(folder.path + "/cut.mp4", width: 32, height: 32, framesPerSecond: 25, hasAlpha: true)
        }
    }

    @Test func picturesCanBeTransparent() throws {
        let bytes = try PictureWriter.png(rgba: [255, 0, 0, 255, 0, 0, 255, 0], width: 2, height: 1)
        let read = try PictureReader.read(bytes: bytes, name: "cut.png")
        #expect(read.bytes == [255, 0, 0, 255, 255, 255], "what is transparent is laid on white")
    }
}
