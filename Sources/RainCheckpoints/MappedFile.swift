import Glibc
import RainFiles

/// A regular file mapped read-only into memory, or a constant of the program that stands for one.
///
/// All the unsafe code of reading lives here; everything above sees bounds-checked `RawSpan`s. The file must not shrink
/// while it is mapped: that is the one thing a mapping cannot guard against.
///
/// `@unchecked Sendable`: the mapping is never written to and its address never changes between `init` and `deinit`.
final class MappedFile: @unchecked Sendable {
    let path: String
    let count: Int
    private let base: UnsafeMutableRawPointer
    private let isMapped: Bool

    init(path: String) throws {
        func unreadable(_ found: String, _ advice: String) -> CheckpointError {
            CheckpointError(.unreadable, file: path, expected: "a readable checkpoint", found: found, advice: advice)
        }
        guard !path.utf8.contains(0) else { throw unreadable("a path with a zero byte", "check the path") }
        // O_NONBLOCK, so that a named pipe cannot hang us before we have seen that it is none of our files.
        let descriptor = open(path.systemPath, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw unreadable(systemMessage(errno), "check that the file exists and may be read")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(systemMessage(errno), "check the file system") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw unreadable(
                status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "something that is not a regular file",
                "name the file itself")
        }
        guard status.st_size > 0 else {
            throw CheckpointError(
                .truncated, file: path, expected: "a checkpoint", found: "0 bytes", advice: "download or write the file again")
        }
        count = Int(status.st_size)
        self.path = path
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw unreadable(systemMessage(errno), "free some address space or memory")
        }
        base = address
        isMapped = true
    }

    /// Bytes that stay where they are, unchanged, as long as the program runs: a constant of the program.
    ///
    /// - Parameter name: stands for the path in errors.
    init(constant bytes: UnsafeRawBufferPointer, name: String) {
        path = name
        count = bytes.count
        // Never written to: nothing here writes through `base`.
        base = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
        isMapped = false
    }

    deinit {
        if isMapped { munmap(base, count) }
    }

    /// Calls `body` with the bytes of `range`, which must lie inside the file.
    func withBytes<Result, Failure: Error>(_ range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a checked range")
        // The closure borrows the span, so it cannot outlive the mapping that `self` keeps alive.
        let bytes = UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
        defer { withExtendedLifetime(self) {} }
        return try body(bytes.bytes)
    }

    /// Gives back the memory of all pages inside `range`, which must lie inside the file; reading them again maps them again.
    func release(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a checked range")
        guard isMapped else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = (range.lowerBound + page - 1) / page * page
        // The file's last page belongs to nothing else.
        let end = range.upperBound == count ? count : range.upperBound / page * page
        if end > start { madvise(base + start, end - start, MADV_DONTNEED) }
    }

    /// The bytes of `range`, copied; it must lie inside the file.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        withBytes(range) { $0.array(of: UInt8.self) }
    }

    /// A little-endian number at an offset, which must lie inside the file.
    func load<Element: BitwiseCopyable>(_ type: Element.Type, at offset: Int) -> Element {
        precondition(offset >= 0 && offset <= count - MemoryLayout<Element>.size, "a checked offset")
        return withBytes(offset..<(offset + MemoryLayout<Element>.size)) { $0.load(type, at: 0) }
    }
}
