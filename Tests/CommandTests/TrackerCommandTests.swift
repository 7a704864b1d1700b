import Foundation
import RainDetection
import Testing

@testable import rain

/// Bringing the face tracker, with a package index and a Python of the tests' own in place of the real ones.
@Suite struct TrackerCommandTests {
    private let place: Workplace

    init() throws { place = try Workplace() }

    private var folder: String { place.path + "/data/rain/tracker" }

    /// A program in `bin`, which is looked into first.
    private func program(_ name: String, _ script: String) throws {
        try FileManager.default.createDirectory(atPath: place.path + "/bin", withIntermediateDirectories: true)
        try place.write("bin/\(name)", Array("#!/bin/sh\n\(script)\n".utf8))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place.path + "/bin/\(name)")
    }

    private func install(_ arguments: [String] = [], path: String? = nil) throws -> Outcome {
        let usual = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return try place.start(
            ["tracker", "install"] + arguments, environment: ["PATH": path ?? "\(place.path)/bin:\(usual)"]
        ).wait()
    }

    /// What is left behind is nothing.
    private func isUntouched() throws -> Bool { try place.contents.allSatisfy { !$0.hasPrefix("data/rain/") } }

    /// The networks that this machine has, if it has them.
    static let installed = TrackerInstallation(files: TrackerFiles()).isDone

    @Test func withoutPipItIsSaidHow() throws {
        try FileManager.default.createDirectory(atPath: place.path + "/bin", withIntermediateDirectories: true)
        let outcome = try install(path: place.path + "/bin")
        #expect(outcome.status == 1, "\(outcome.errors)")
        for word in ["pip", "found none", "python3-pip", "--wheel"] { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        #expect(try isUntouched())
    }

    /// No network, a proxy that refuses, an index without the package: pip ends with a status of its own.
    @Test func aPackageThatCannotBeHad() throws {
        try program("python3", "case \"$*\" in *--version*) exit 0 ;; esac; echo 'ERROR: no route' >&2; exit 7")
        let outcome = try install()
        #expect(outcome.status == 1)
        for word in ["mediapipe==0.10.21", "status 7", "https_proxy", "--verbose"] {
            #expect(outcome.errors.contains(word), "\(outcome.errors)")
        }
        #expect(!outcome.errors.contains("no route"), "pip's own words are for --verbose")
        #expect(try install(["--verbose"]).errors.contains("no route"))
        #expect(try isUntouched())
    }

    /// A wheel that is cut short, of another version or altered installs nothing, and leaves what is there.
    @Test(arguments: ["truncated", "empty", "other", "altered"]) func wheelsThatAreOthers(_ kind: String) throws {
        let script = """
            import sys, zipfile
            kind, members = sys.argv[1], sys.argv[2:]
            archive = zipfile.ZipFile("w.whl", "w")
            for member in members if kind == "altered" else ["mediapipe/__init__.py"]: archive.writestr(member, "x")
            archive.close()
            """
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", "-c", script, kind] + (TrackerFiles.all + [TrackerFiles.licence]).map(\.member)
        python.currentDirectoryURL = URL(fileURLWithPath: place.path)
        try python.run()
        python.waitUntilExit()
        try #require(python.terminationStatus == 0)
        if kind == "truncated" { try place.write("w.whl", Array(place.bytes("w.whl").prefix(20))) }
        if kind == "empty" { try place.write("w.whl", []) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try place.write("data/rain/tracker/LICENSE", [1])
        let outcome = try install(["--wheel", "w.whl"])
        #expect(outcome.status == 1 && outcome.errorLines.count == 2, "\(outcome.errors)")
        let words = ["truncated": "no ZIP archive", "empty": "no ZIP archive", "other": "another version", "altered": "SHA-256"]
        #expect(outcome.errors.contains(words[kind] ?? "?"), "\(outcome.errors)")
        #expect(try place.contents.filter { $0.hasPrefix("data/rain/") } == ["data/rain/tracker", "data/rain/tracker/LICENSE"])
        #expect(try install(["--wheel", "absent.whl"]).errors.contains("absent.whl"))
        // What is not the tracker's own is not replaced with it.
        try place.write("data/rain/tracker/mine", [1])
        #expect(try install(["--wheel", "w.whl"]).errors.contains("'mine' in it"))
        #expect(try place.bytes("data/rain/tracker/mine") == [1])
    }

    @Test func aFolderThatCannotBeWritten() throws {
        try place.write("file", [1])
        let outcome = try install(["--folder", "\(place.path)/file/tracker", "--wheel", "w.whl"])
        #expect(outcome.status == 1 && outcome.errors.contains("expected a folder that can be written"), "\(outcome.errors)")
    }

    /// The whole way with the real files, out of a wheel made of those that this machine has.
    @Test(.enabled(if: installed, "the face tracker is not installed: 'rain tracker install' was not run or had no network"))
    func aWheelIsInstalledAndCanBeUsed() throws {
        let files = TrackerFiles()
        let script = """
            import sys, zipfile
            archive = zipfile.ZipFile("w.whl", "w", zipfile.ZIP_DEFLATED)
            for path, member in zip(sys.argv[1::2], sys.argv[2::2]): archive.write(path, member)
            archive.close()
            """
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments =
            ["python3", "-c", script] + (TrackerFiles.all + [TrackerFiles.licence]).flatMap { [files.path($0), $0.member] }
        python.currentDirectoryURL = URL(fileURLWithPath: place.path)
        try python.run()
        python.waitUntilExit()
        try #require(python.terminationStatus == 0)
        let outcome = try install(["--wheel", "w.whl"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(TrackerInstallation(files: TrackerFiles(folder: folder)).isDone)
        #expect(try place.contents.filter { $0.hasPrefix("data/rain/") }.count == 5)
        #expect(try install().errors.contains("installed and whole"))
        #expect(try place.run("doctor").text.contains("face tracker: mediapipe==0.10.21"))
        // Damage is mended.
        try place.write("data/rain/tracker/\(TrackerFiles.body.name)", [1, 2, 3])
        let damaged = try place.run("doctor").text
        #expect(damaged.contains("3 bytes of SHA-256"), "\(damaged)")
        #expect(try install(["--wheel", "w.whl"]).status == 0 && TrackerInstallation(files: TrackerFiles(folder: folder)).isDone)
        // A drawn face is found by it, and lies where the world says.
        #expect(try place.run("character", "--seed", "13", "--size", "256", "--output", "hero.png").status == 0)
        let seen = try place.run("detect", "hero.png", "--output", "seen.json")
        #expect(seen.status == 0, "\(seen.errors)")
    }
}
