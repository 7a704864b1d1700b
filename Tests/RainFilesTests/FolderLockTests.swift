import Foundation
import RainFiles
import Testing

@Suite struct FolderLockTests {
    @Test func oneWriterAtATime() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/rain-lock-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var first = try FolderLock(folder)
        #expect(first != nil)
        #expect(try FolderLock(folder) == nil)
        withExtendedLifetime(first) {}
        first = nil
        #expect(try FolderLock(folder) != nil)
    }

    @Test func noFolderNoLock() {
        let error = #expect(throws: FileError.self) { try FolderLock("/nowhere/at/all") }
        #expect(error?.path == "/nowhere/at/all/.lock")
    }
}
