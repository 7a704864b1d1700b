import Foundation
import RainFiles
import Testing

@Suite final class ReplacementFileTests {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "/rain-files-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    private var contents: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
    }

    @Test func theStartCanBeWrittenAgain() throws {
        let file = try ReplacementFile(path: folder + "/a")
        try file.append([1, 2, 3])
        try file.overwriteStart([7, 8])
        try file.append([4])
        #expect(throws: FileError.self) { try file.overwriteStart([0, 0, 0, 0, 0]) }
        try file.commit()
        #expect(try bytes("a") == [7, 8, 3, 4])
    }

    @Test func aFileIsThereWhollyOrNotAtAll() throws {
        try ReplacementFile.write([1], to: folder + "/a")
        do {
            let file = try ReplacementFile(path: folder + "/a")
            try file.append([2, 3])
            #expect(try bytes("a") == [1])
            #expect(try contents.count == 2)
        }
        #expect(try contents == ["a"])
        #expect(try bytes("a") == [1])
        let file = try ReplacementFile(path: folder + "/a")
        try file.append([2])
        try file.append([])
        try file.append([3])
        try file.commit()
        #expect(try contents == ["a"])
        #expect(try bytes("a") == [2, 3])
    }

    @Test func aLinkStaysALink() throws {
        try ReplacementFile.write([1], to: folder + "/a")
        try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "a")
        try ReplacementFile.write([2], to: folder + "/link")
        #expect(try bytes("a") == [2])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link") == "a")
        #expect(try contents == ["a", "link"])
    }

    /// A link that leads nowhere is replaced by the file; whatever it names is not made.
    @Test func aDanglingLinkIsNotFollowed() throws {
        try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "elsewhere")
        try ReplacementFile.write([2], to: folder + "/link")
        #expect(try contents == ["link"])
        #expect(try bytes("link") == [2])
    }

    @Test func devicesAreWrittenInPlace() throws {
        try ReplacementFile.write([1, 2, 3], to: "/dev/null")
        var status = stat()
        #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    }

    @Test(arguments: ["/dev/full", "/nowhere/at/all", "/proc/version", "/", "", "a\0b"])
    func whatCannotBeWrittenIsSaid(path: String) throws {
        let error = #expect(throws: FileError.self) { try ReplacementFile.write([1], to: path) }
        #expect(error?.path == path)
        #expect(error?.description.contains("expected a file that can be written, found ") == true)
        #expect(error?.description.contains("\0") == false)
    }
}
