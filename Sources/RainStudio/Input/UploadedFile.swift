import Foundation
import NIOCore
import RainFiles
import RainGraph
import Synchronization

/// A file that a request brought, under a name of the studio's own; it goes with its last owner.
final class UploadedFile: Sendable {
    let path: String

    init() { path = FileManager.default.temporaryDirectory.appendingPathComponent("rain-studio-\(UUID().uuidString).upload").path }

    deinit { remove() }

    /// At once, though somebody may still be reading; what is open stays readable.
    func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// Puts what comes into a file as it comes, on a thread of its own: no more of it is in memory than the connection hands over at once.
actor UploadWriter {
    private let limit: Int
    private let file = UploadedFile()
    private var handle: FileHandle?
    private var count = 0
    private let executor = QueueExecutor(label: "rain.studio.upload")

    init(limit: Int) { self.limit = limit }

    // Safe: the actor owns its executor.
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// - Throws: `StudioError` of code `tooLarge` beyond the limit, `failed` for a disk that takes no more
    func write(_ bytes: ByteBuffer) throws(StudioError) {
        guard bytes.readableBytes <= limit - count else {
            throw StudioError(.tooLarge, "the upload: expected at most \(limit >> 20) MiB, found more; send something smaller")
        }
        count += bytes.readableBytes
        do {
            try open().write(contentsOf: Data(bytes.readableBytesView))
        } catch {
            throw StudioError(.failed, "the upload could not be kept: \(FileError.reason(error))")
        }
    }

    private func open() throws -> FileHandle {
        if let handle { return handle }
        // For nobody else's eyes.
        guard FileManager.default.createFile(atPath: file.path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw CocoaError(.fileWriteNoPermission)
        }
        let opened = try FileHandle(forWritingTo: URL(fileURLWithPath: file.path))
        handle = opened
        return opened
    }

    /// - Throws: `StudioError` of code `badVideo` if nothing came
    func finish() throws(StudioError) -> UploadedFile {
        guard handle != nil, count > 0 else { throw StudioError(.badVideo, "the upload: expected a film, found 0 bytes") }
        try? handle?.close()
        handle = nil
        return file
    }
}

/// How many uploads may come in at once: each takes room on the disk before anybody knows what it is.
final class UploadSlots: Sendable {
    static let most = 2
    private let taken = Mutex(0)

    /// - Throws: `StudioError` of code `busy` if there is none left
    func take() throws(StudioError) {
        let isFree = taken.withLock { taken in
            guard taken < Self.most else { return false }
            taken += 1
            return true
        }
        guard isFree else {
            throw StudioError(.busy, "expected at most \(Self.most) uploads at once, found as many; send it again in a moment")
        }
    }

    func giveBack() { taken.withLock { $0 -= 1 } }
}
