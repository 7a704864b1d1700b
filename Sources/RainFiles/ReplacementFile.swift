import Glibc

/// The one way in which a file is written: under a temporary name beside its destination, and moved into place by `commit()`.
///
/// So a file is there completely or not at all, and what was there before survives until then. The temporary name is new: it
/// is never one that exists, nor a link that somebody put there. Dropped without `commit()`, or after any failure, the file
/// removes itself. A destination that is a symbolic link keeps being one; what it points to is replaced. A destination that exists and
/// is not a regular file (a device, a pipe) is written to directly, since renaming over it would destroy it.
///
/// Not to be shared between tasks: what is appended has an order.
public final class ReplacementFile {
    private let path: String
    private let destination: String
    private let temporary: String?
    private let descriptor: Int32
    private var isOpen = true

    /// - Throws: `FileError` if the file cannot be created where `path` says
    public init(path: String) throws(FileError) {
        self.path = path
        guard !path.isEmpty, !path.utf8.contains(0) else { throw FileError(path: path, found: "an impossible path") }
        var status = stat()
        let exists = stat(path.systemPath, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR { throw FileError(path: path, found: "a folder of this name") }
        if exists, status.st_mode & S_IFMT != S_IFREG {
            destination = path
            temporary = nil
            descriptor = open(path.systemPath, O_WRONLY | O_CLOEXEC)
        } else {
            destination = exists ? Self.resolved(path) : path
            let name = destination + ".partial-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            temporary = name
            descriptor = open(name.systemPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
        }
        guard descriptor >= 0 else { throw FileError(path: path, found: systemMessage(errno)) }
    }

    deinit {
        guard isOpen else { return }
        close(descriptor)
        if let temporary { unlink(temporary.systemPath) }
    }

    /// Writes a whole file at once.
    ///
    /// - Throws: `FileError`; nothing is then left behind
    public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        let file = try ReplacementFile(path: path)
        try file.append(bytes)
        try file.commit()
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: `FileError`, e.g. if the disk is full
    public func append(_ bytes: [UInt8]) throws(FileError) {
        guard let failure = Descriptor.write(bytes, to: descriptor) else { return }
        throw FileError(path: path, found: systemMessage(failure))
    }

    /// Replaces the first bytes of what has been written.
    ///
    /// - Throws: `FileError`, also for a destination that has no beginning, such as a pipe
    public func overwriteStart(_ bytes: [UInt8]) throws(FileError) {
        let end = lseek(descriptor, 0, SEEK_CUR)
        guard end >= bytes.count, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw FileError(path: path, found: end < 0 ? systemMessage(errno) : "a file whose beginning cannot be written again")
        }
        try append(bytes)
        guard lseek(descriptor, end, SEEK_SET) == end else { throw FileError(path: path, found: systemMessage(errno)) }
    }

    /// Flushes to disk and moves the file into place.
    ///
    /// - Throws: `FileError`; nothing is then left behind
    public func commit() throws(FileError) {
        if temporary != nil, fsync(descriptor) != 0 { throw FileError(path: path, found: systemMessage(errno)) }
        isOpen = false
        let closed = close(descriptor)
        let closeError = errno
        guard let temporary else {
            if closed != 0 { throw FileError(path: path, found: systemMessage(closeError)) }
            return
        }
        if closed != 0 || rename(temporary.systemPath, destination.systemPath) != 0 {
            let message = systemMessage(closed != 0 ? closeError : errno)
            unlink(temporary.systemPath)
            throw FileError(path: path, found: message)
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let pointer = realpath(path.systemPath, nil) else { return path }
        defer { free(pointer) }
        return String(systemPath: pointer)
    }
}
