import Glibc
import RainFiles
import RainPictures

/// Raw frames into a pipe: standard output, another open descriptor, or a named pipe.
final class RawFrames: FrameOutput {
    private let name: String
    private let descriptor: Int32
    private let isOwned: Bool

    /// - Parameter number: of a descriptor that is open for writing
    init(descriptor number: Int32) throws {
        name = number == STDOUT_FILENO ? "standard output" : "pipe:\(number)"
        guard isatty(number) == 0 else {
            throw MediaError(
                .invalidInput, file: name, expected: "a pipe or file for raw frames", found: "a terminal",
                advice: "pipe into a program, e.g. '| ffplay -f rawvideo -pixel_format rgb24 -video_size 128x128 -'")
        }
        let mode = fcntl(number, F_GETFL)
        guard mode >= 0, mode & O_ACCMODE != O_RDONLY else {
            throw MediaError(
                .unwritable, file: name, expected: "a descriptor that is open for writing",
                found: mode < 0 ? systemMessage(errno) : "one for reading", advice: "open it where the program is started, as in '3>frames'"
            )
        }
        descriptor = number
        isOwned = false
    }

    /// - Parameter path: of a named pipe with a reader
    init(pipe path: String) throws {
        // O_NONBLOCK, so that a pipe without a reader is told rather than waited for.
        let number = open(path.systemPath, O_WRONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else {
            let found = errno == ENXIO ? "nobody who reads it" : systemMessage(errno)
            throw MediaError(
                errno == ENXIO ? .readerGone : .unwritable, file: path, expected: "a named pipe with a reader", found: found,
                advice: "start the program that takes the frames first")
        }
        name = path
        descriptor = number
        isOwned = true
    }

    deinit { if isOwned { close(descriptor) } }

    func write(_ picture: Picture) throws {
        guard let number = Descriptor.write(picture.bytes, to: descriptor) else { return }
        throw MediaError(
            number == EPIPE ? .readerGone : .unwritable, file: name, expected: "a reader with room for more",
            found: systemMessage(number), advice: "check the program or disk that takes the frames")
    }

    func finish() throws {}

    func abandon() {}
}
