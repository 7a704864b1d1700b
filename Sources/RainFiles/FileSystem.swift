package import Foundation
import Glibc

/// All that Rain asks of the file system apart from writing files, which `ReplacementFile` does.
///
/// Foundation is not asked: it takes names of files for text, and its errors say little.
package enum FileSystem {
    /// What a path leads to, symbolic links followed.
    package enum Kind: Sendable {
        case missing, file, folder, pipe
        /// It delivers or takes bytes one after the other, as cameras do.
        case characterDevice
        /// A socket or a disk.
        case other
    }

    package static func kind(_ path: String) -> Kind {
        var status = stat()
        guard !path.utf8.contains(0), stat(path.systemPath, &status) == 0 else { return .missing }
        return kind(status)
    }

    package static func exists(_ path: String) -> Bool { kind(path) != .missing }

    package static func isFolder(_ path: String) -> Bool { kind(path) == .folder }

    /// Whether something is there that is no folder.
    package static func isFile(_ path: String) -> Bool { ![.missing, .folder].contains(kind(path)) }

    /// Whether a path is a folder itself, and no link to one.
    package static func isRealFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path.systemPath, &status) == 0 && kind(status) == .folder
    }

    /// Number of bytes of a regular file; nil for anything else.
    package static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path.systemPath, &status) == 0, kind(status) == .file else { return nil }
        return Int(status.st_size)
    }

    /// The first bytes of a regular file, at most `count`: one more than are wanted tells a file that is too large.
    ///
    /// - Parameter pipes: whether pipes and devices are read too; they may never end, or never begin
    /// - Throws: `FileError`
    package static func read(_ path: String, upTo count: Int = .max, pipes: Bool = false) throws(FileError) -> [UInt8] {
        func failed(_ found: String) -> FileError { FileError(path: path, found: found, use: .reading) }
        let (descriptor, status) = try opened(path, pipes: pipes)
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        // A file may grow or shrink while it is read.
        var room = kind(status) == .file ? Int(status.st_size) + 1 : 1 << 16
        while bytes.count < count {
            let wanted = min(room, count - bytes.count)
            var failure: Int32?
            let part = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
                var got: Int
                repeat { got = Glibc.read(descriptor, buffer.baseAddress!, wanted) } while got < 0 && errno == EINTR
                if got < 0 { failure = errno }
                filled = max(0, got)
            }
            if let failure { throw failed(systemMessage(failure)) }
            if part.isEmpty { break }
            if bytes.isEmpty { bytes = part } else { bytes += part }
            room = 1 << 16
        }
        return bytes
    }

    /// A regular file, mapped into memory; it must not shrink while it is used.
    ///
    /// - Throws: `FileError`
    package static func mapped(_ path: String) throws(FileError) -> Data {
        let (descriptor, status) = try opened(path, pipes: false)
        defer { close(descriptor) }
        let count = Int(status.st_size)
        guard count > 0 else { return Data() }
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw FileError(path: path, found: systemMessage(errno), use: .reading)
        }
        return Data(bytesNoCopy: address, count: count, deallocator: .unmap)
    }

    /// Opens a file for reading.
    ///
    /// - Returns: a descriptor to be closed, and what the system says of the file
    private static func opened(_ path: String, pipes: Bool) throws(FileError) -> (Int32, stat) {
        func failed(_ found: String) -> FileError { FileError(path: path, found: found, use: .reading) }
        guard !path.utf8.contains(0) else { throw failed("a path with a zero byte") }
        // Without O_NONBLOCK, opening a pipe that is not wanted would wait for its other end.
        let descriptor = open(path.systemPath, O_RDONLY | O_CLOEXEC | (pipes ? 0 : O_NONBLOCK))
        guard descriptor >= 0 else { throw failed(systemMessage(errno)) }
        var status = stat()
        let found: String? =
            if fstat(descriptor, &status) != 0 {
                systemMessage(errno)
            } else {
                switch kind(status) {
                case .file: nil
                case .folder: "a folder"
                default: pipes ? nil : "something that is not a regular file"
                }
            }
        guard let found else { return (descriptor, status) }
        close(descriptor)
        throw failed(found)
    }

    /// The names in a folder, sorted.
    ///
    /// - Throws: `FileError`
    package static func names(in path: String) throws(FileError) -> [String] {
        guard let folder = opendir(path.systemPath) else { throw FileError(path: path, found: systemMessage(errno), use: .reading) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            // The name ends before the field does; it lies in memory of the system's that is longer than the field is declared.
            let name = UnsafeRawPointer(entry).advanced(by: MemoryLayout<dirent>.offset(of: \.d_name)!)
            names.append(String(systemPath: name.assumingMemoryBound(to: CChar.self)))
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    /// Makes a folder.
    ///
    /// - Returns: false if it was already there
    /// - Throws: `FileError`
    package static func makeFolder(_ path: String) throws(FileError) -> Bool {
        if mkdir(path.systemPath, 0o777) == 0 { return true }
        let number = errno
        if number == EEXIST, kind(path) == .folder { return false }
        throw FileError(path: path, found: systemMessage(number))
    }

    /// Makes a folder and those around it that are missing.
    ///
    /// - Returns: the folders made, outermost first
    /// - Throws: `FileError`; what was made before stays
    @discardableResult
    package static func makeFolders(_ path: String) throws(FileError) -> [String] {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw FileError(path: path, found: "an impossible path") }
        var missing: [String] = []
        var folder = path
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        while !folder.isEmpty, kind(folder) == .missing {
            missing.append(folder)
            guard let slash = folder.lastIndex(of: "/") else { break }
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
        }
        var made: [String] = []
        // Nothing is missing where a file is: making the folder says so.
        for folder in missing.isEmpty ? [path] : missing.reversed() where try makeFolder(folder) { made.append(folder) }
        return made
    }

    /// - Throws: `FileError`
    package static func move(_ source: String, to path: String) throws(FileError) {
        guard rename(source.systemPath, path.systemPath) == 0 else { throw FileError(path: path, found: systemMessage(errno)) }
    }

    /// Removes a symbolic link, so that what is about to be written under its name does not go where it points.
    package static func removeLink(_ path: String) {
        var status = stat()
        if lstat(path.systemPath, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { unlink(path.systemPath) }
    }

    /// Removes a file.
    package static func remove(_ path: String) {
        unlink(path.systemPath)
    }

    /// Removes a folder if it is empty.
    package static func removeFolder(_ path: String) {
        rmdir(path.systemPath)
    }

    private static func kind(_ status: stat) -> Kind {
        switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFIFO: .pipe
        case S_IFCHR: .characterDevice
        default: .other
        }
    }
}
