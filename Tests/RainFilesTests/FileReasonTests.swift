import Foundation
import RainFiles
import Testing

/// The system's words, whatever Foundation wraps them in.
@Suite struct FileReasonTests {
    @Test func reasons() throws {
        func reason(_ body: () throws -> Void) -> String {
            do {
                try body()
                return ""
            } catch {
                return FileError.reason(error)
            }
        }
        let absent = URL(fileURLWithPath: "/nowhere/at/all")
        let read = reason { _ = try Data(contentsOf: absent) }
        let handle = reason { _ = try FileHandle(forReadingFrom: absent) }
        let list = reason { _ = try FileManager.default.contentsOfDirectory(atPath: absent.path) }
        let written = reason { try Data([1]).write(to: absent) }
        for found in [read, handle, list, written] { #expect(found == "No such file or directory", "\(found)") }
        let full = reason { try Data(count: 100_000).write(to: URL(fileURLWithPath: "/dev/full")) }
        #expect(full == "No space left on device", "\(full)")
        #expect(FileError.reason(CancellationError()) == "an error of the system")
    }
}
