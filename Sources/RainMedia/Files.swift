import Glibc
import RainFiles

/// Errors of the file system, in this module's words.
enum Files {
    /// The bytes of a picture file of at most `limit` bytes.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(path, upTo: limit + 1)
        } catch {
            throw MediaError(
                .unreadable, file: path, expected: "a readable picture", found: error.found,
                advice: "check that the file exists and may be read")
        }
        guard bytes.count <= limit else {
            throw MediaError(
                .tooLarge, file: path, expected: "at most \(limit) bytes", found: FileSystem.size(path).map(String.init) ?? "more",
                advice: "save the picture smaller")
        }
        return bytes
    }

    static func unwritable(_ path: String, _ found: String) -> MediaError {
        MediaError(
            .unwritable, file: path, expected: "an output that can be written", found: found,
            advice: "choose another place, or free some space"
        )
    }
}

/// The error number of writing to a pipe without a reader.
let brokenPipe = EPIPE
