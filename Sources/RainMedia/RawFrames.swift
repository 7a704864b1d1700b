import Glibc
import RainFiles
import RainPictures

/// Raw frames on standard output.
struct RawFrames: FrameOutput {
    init() throws {
        guard isatty(STDOUT_FILENO) == 0 else {
            throw MediaError(
                .invalidInput, file: "standard output", expected: "a pipe or file for raw frames", found: "a terminal",
                advice: "pipe into a program, e.g. '| ffplay -f rawvideo -pixel_format rgb24 -video_size 128x128 -'")
        }
    }

    func write(_ picture: Picture) throws {
        guard let number = Descriptor.write(picture.bytes, to: STDOUT_FILENO) else { return }
        throw MediaError(
            number == EPIPE ? .readerGone : .unwritable, file: "standard output", expected: "a reader with room for more",
            found: systemMessage(number), advice: "check the program or disk that takes the frames")
    }

    func finish() throws {}

    func abandon() {}
}
