import Glibc
import RainFiles

/// The few system calls that reading files and making folders take; all other unsafe code of this module calls FFmpeg.
enum Files {
    /// What a path leads to, symbolic links followed.
    enum Kind {
        case missing, file, folder
        /// A device, pipe or socket, which is written to in place.
        case special
    }

    static func kind(_ path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .missing }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .special
        }
    }

    /// Whether a path leads to a device that delivers bytes one after the other, as cameras do.
    static func isCharacterDevice(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR
    }

    /// Whether a path leads to a named pipe.
    static func isPipe(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    /// The first bytes of a file, at most `count`.
    static func start(of path: String, count: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unwritable(path, systemMessage(errno)) }
        defer { close(descriptor) }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, Glibc.read(descriptor, buffer.baseAddress!, count))
        }
    }

    /// The bytes of a regular file of at most `limit` bytes.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        func unreadable(_ found: String) -> MediaError {
            MediaError(
                .unreadable, file: path, expected: "a readable picture", found: found, advice: "check that the file exists and may be read")
        }
        guard !path.utf8.contains(0) else { throw unreadable("a path with a zero byte") }
        // O_NONBLOCK, so that a named pipe cannot hang us before we have seen what it is.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(systemMessage(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(systemMessage(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw unreadable(status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "something that is not a regular file")
        }
        guard status.st_size <= limit else {
            throw MediaError(
                .tooLarge, file: path, expected: "at most \(limit) bytes", found: "\(status.st_size)", advice: "save the picture smaller")
        }
        let size = Int(status.st_size)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Glibc.read(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                count += got
            }
        }
        guard failure == 0 else { throw unreadable(systemMessage(failure)) }
        return bytes
    }

    static func move(_ source: String, to path: String) throws {
        guard rename(source, path) == 0 else { throw unwritable(path, systemMessage(errno)) }
    }

    /// Removes a symbolic link, so that what is about to be written under its name does not go where it points.
    static func removeLink(_ path: String) {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { unlink(path) }
    }

    static func remove(_ path: String) {
        unlink(path)
    }

    /// Makes a folder; false if it was already there.
    static func makeFolder(_ path: String) throws -> Bool {
        if mkdir(path, 0o777) == 0 { return true }
        let number = errno
        if number == EEXIST, kind(path) == .folder { return false }
        throw unwritable(path, systemMessage(number))
    }

    /// Removes a folder if it is empty.
    static func removeFolder(_ path: String) {
        rmdir(path)
    }

    /// The names in a folder.
    static func names(in path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw unwritable(path, systemMessage(errno)) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            )
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    static func unwritable(_ path: String, _ found: String) -> MediaError {
        MediaError(
            .unwritable, file: path, expected: "an output that can be written", found: found,
            advice: "choose another place, or free some space"
        )
    }
}

/// The error number of writing to a pipe that nobody reads.
let brokenPipe = EPIPE
