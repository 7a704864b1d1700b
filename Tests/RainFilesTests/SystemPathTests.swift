import Glibc
import RainFiles
import Testing

/// Names of files are bytes, whatever they are.
@Suite struct SystemPathTests {
    /// The system's bytes of a path, without the zero at the end.
    private func bytes(_ path: String) -> [UInt8] { path.systemPath.dropLast().map { UInt8(bitPattern: $0) } }

    @Test func textStaysAsItIs() {
        for text in ["", "hero.png", "/tmp/Zoë/図/👩‍🎨.json", "a b\nc"] {
            #expect(String(systemPath: text.utf8) == text)
            #expect(bytes(text) == Array(text.utf8))
            #expect(text.showingBytes == text)
        }
    }

    @Test func bytesThatAreNoTextComeBack() {
        let name: [UInt8] = [0x63, 0x61, 0x66, 0xE9, 0x2E, 0x70, 0x6E, 0x67]
        let path = String(systemPath: name)
        #expect(bytes(path) == name)
        #expect(path.hasPrefix("caf") && path.hasSuffix(".png"))
        #expect(path.showingBytes == "caf\\xE9.png")
    }

    /// Names that are cut short, overlong, surrogates, or of the very area that stands for bytes.
    @Test func everyNameComesBackAndNoTwoAreTheSame() {
        var generator = SystemRandomNumberGenerator()
        var names: [[UInt8]] = [
            [0xE2, 0x82], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], Array("\u{10F7E9}".utf8), [0xE9],
        ]
        for _ in 0..<2000 {
            names.append((0..<Int.random(in: 1...12, using: &generator)).map { _ in UInt8.random(in: 1...255, using: &generator) })
        }
        let paths = names.map { String(systemPath: $0) }
        for (name, path) in zip(names, paths) { #expect(bytes(path) == name) }
        #expect(Set(paths.map { Array($0.unicodeScalars) }).count == Set(names).count)
    }

    @Test func filesOfSuchNames() throws {
        let folder = "/tmp/rain-" + String(systemPath: [0xE9] + String(UInt32.random(in: 0 ... .max)).utf8)
        let file = "\(folder)/\(String(systemPath: [0x61, 0xFF, 0x2E, 0x78]))"
        defer {
            FileSystem.remove(file)
            FileSystem.removeFolder(folder)
        }
        let made = try FileSystem.makeFolders(folder)
        #expect(made == [folder])
        try ReplacementFile.write([1, 2, 3], to: file)
        try ReplacementFile.write([4, 5], to: file)
        let (read, names) = (try FileSystem.read(file), try FileSystem.names(in: folder))
        #expect(read == [4, 5])
        #expect(names == [String(systemPath: [0x61, 0xFF, 0x2E, 0x78])])
        let lock = try FolderLock(folder)
        #expect(lock != nil)
        FileSystem.remove(folder + "/.lock")
    }
}

/// What the file system is asked.
@Suite struct FileSystemTests {
    private let folder = "/tmp/rain-files-\(UInt32.random(in: 0 ... .max))"

    @Test func kinds() throws {
        try FileSystem.makeFolders(folder + "/a//b/")
        defer { for name in ["/a/b", "/a", ""] { FileSystem.removeFolder(folder + name) } }
        #expect(FileSystem.kind(folder + "/a/b") == .folder)
        #expect(FileSystem.kind(folder + "/c") == .missing)
        #expect(FileSystem.kind("/dev/null") == .characterDevice)
        #expect(FileSystem.kind("/proc/self/exe") == .file)
        #expect(!FileSystem.isRealFolder("/proc/self/cwd") && FileSystem.isFolder("/proc/self/cwd"))
        #expect(FileSystem.kind("a\0b") == .missing)
        let again = try FileSystem.makeFolders(folder + "/a")
        #expect(again.isEmpty)
    }

    @Test func readsNoMoreThanIsAskedFor() throws {
        try FileSystem.makeFolders(folder)
        let file = folder + "/bytes"
        defer {
            FileSystem.remove(file)
            FileSystem.removeFolder(folder)
        }
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        try ReplacementFile.write(bytes, to: file)
        let (all, some, none) = (try FileSystem.read(file), try FileSystem.read(file, upTo: 7), try FileSystem.read(file, upTo: 0))
        #expect(all == bytes)
        #expect(some == Array(bytes[..<7]))
        #expect(none.isEmpty)
        #expect(FileSystem.size(file) == 200_000)
        let mapped = try FileSystem.mapped(file)
        #expect(Array(mapped) == bytes)
    }

    @Test func errorsSayWhatWasFound() {
        func found(_ path: String, _ body: (String) throws(FileError) -> Void) -> String? {
            do { try body(path) } catch { return "\(error)".hasPrefix(path) || path.contains("\0") ? error.found : "\(error)" }
            return nil
        }
        func read(_ path: String) throws(FileError) { _ = try FileSystem.read(path) }
        func map(_ path: String) throws(FileError) { _ = try FileSystem.mapped(path) }
        func make(_ path: String) throws(FileError) { _ = try FileSystem.makeFolders(path) }
        for use in [read, map] {
            #expect(found("/nowhere/at/all", use) == "No such file or directory")
            #expect(found("/tmp", use) == "a folder")
            #expect(found("/dev/zero", use) == "something that is not a regular file")
            #expect(found("a\0b", use) == "a path with a zero byte")
        }
        #expect(found("/dev/null/x", make) == "Not a directory")
        #expect(found("/dev/null", make) == "File exists")
        #expect(found("", make) == "an impossible path")
    }
}
