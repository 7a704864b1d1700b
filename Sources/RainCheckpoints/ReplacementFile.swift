import Glibc

/// A file written under a temporary name beside its destination and moved into place by `commit()`.
///
/// Dropped without `commit()`, it removes itself. A destination that exists and is not a regular file (a device, a pipe)
/// is written to directly, since renaming over it would destroy it.
final class ReplacementFile {
    private let path: String
    private let destination: String
    private let temporary: String?
    private let descriptor: Int32
    private var isOpen = true

    init(path: String) throws {
        self.path = path
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR { throw Self.unwritable(path, "a folder of this name") }
        if exists, status.st_mode & S_IFMT != S_IFREG {
            destination = path
            temporary = nil
            descriptor = open(path, O_WRONLY | O_CLOEXEC)
        } else {
            // Through a symbolic link we replace what it points to, not the link.
            destination = exists ? Self.resolved(path) : path
            let name = destination + ".partial-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            temporary = name
            descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        }
        guard descriptor >= 0 else { throw Self.unwritable(path, systemMessage(errno)) }
    }

    deinit {
        guard isOpen else { return }
        close(descriptor)
        if let temporary { unlink(temporary) }
    }

    func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let written = Glibc.write(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
                if written < 0 {
                    if errno == EINTR { continue }
                    throw Self.unwritable(path, systemMessage(errno))
                }
                offset += written
            }
        }
    }

    /// Flushes to disk and moves the file into place.
    func commit() throws {
        if temporary != nil, fsync(descriptor) != 0 { throw Self.unwritable(path, systemMessage(errno)) }
        isOpen = false
        let closed = close(descriptor)
        let closeError = errno
        guard let temporary else {
            if closed != 0 { throw Self.unwritable(path, systemMessage(closeError)) }
            return
        }
        if closed != 0 || rename(temporary, destination) != 0 {
            let message = systemMessage(closed != 0 ? closeError : errno)
            unlink(temporary)
            throw Self.unwritable(path, message)
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let pointer = realpath(path, nil) else { return path }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    private static func unwritable(_ path: String, _ found: String) -> CheckpointError {
        CheckpointError(
            .unwritable, file: path, expected: "a file that can be written", found: found,
            advice: "choose another place, or free some space")
    }
}
