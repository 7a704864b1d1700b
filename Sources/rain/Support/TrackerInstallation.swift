import Foundation
import RainDetection
import RainFiles
import RainMedia

/// Brings the face tracker's networks out of the Python package that carries them: downloaded by name, unpacked, checked, moved into place.
/// Nothing of the package runs, and no Python is needed afterwards.
struct TrackerInstallation {
    /// The package and its version; newer ones carry the networks no longer.
    static let package = "mediapipe==0.10.21"

    let files: TrackerFiles
    /// A wheel that is there already, instead of a download.
    var wheel: String?
    /// Whether what pip says is shown.
    var isVerbose = false

    /// Files whose bytes are those published.
    ///
    /// - Throws: `DetectionError` naming what is missing or other
    static func verified(_ files: TrackerFiles) throws -> TrackerFiles {
        for file in TrackerFiles.all {
            let path = files.path(file)
            guard let bytes = try? FileSystem.read(path) else {
                throw DetectionError(
                    .missing, file: files.folder, expected: file.name, found: "no such file that may be read",
                    advice: "run 'rain tracker install'")
            }
            let found = Checksum.sha256(bytes)
            guard found == file.sha256 else {
                throw DetectionError(
                    .wrongNetwork, file: path, expected: "the published network, SHA-256 \(file.sha256.prefix(12))…",
                    found: "\(bytes.count) bytes of SHA-256 \(found.prefix(12))…", advice: "run 'rain tracker install'")
            }
        }
        return files
    }

    /// Whether the networks are there as published.
    var isDone: Bool { (try? Self.verified(files)) != nil }

    /// Brings the networks, or leaves everything as it was.
    ///
    /// - Throws: `DetectionError`
    func run() throws {
        let own = Set((TrackerFiles.all + [TrackerFiles.licence]).map(\.name))
        let others = ((try? FileSystem.names(in: files.folder)) ?? []).filter { !own.contains($0) }
        if let other = others.first {
            throw failure(
                .missing, files.folder, "a new folder, or one of an earlier installation, since it is replaced",
                "'\(other)' in it" + (others.count > 1 ? " and \(others.count - 1) more" : ""),
                "name another with --folder, or move away what does not belong there")
        }
        let parent = URL(fileURLWithPath: files.folder).deletingLastPathComponent().path
        let place = "\(parent)/.tracker-\(UUID().uuidString.prefix(8))"
        do {
            try FileSystem.makeFolders(place + "/new")
        } catch {
            throw failure(
                .missing, parent, "a folder that can be written", "one that cannot", "name another with --folder, or free some space")
        }
        defer { try? FileManager.default.removeItem(atPath: place) }
        let wheel = try wheel ?? download(to: place)
        try unpack(wheel, to: place + "/new")
        _ = try Self.verified(TrackerFiles(folder: place + "/new"))
        // The old folder goes aside first, so that there is never half of either.
        if FileSystem.exists(files.folder) {
            guard (try? FileSystem.move(files.folder, to: place + "/old")) != nil else { throw stuck }
        }
        guard (try? FileSystem.move(place + "/new", to: files.folder)) != nil else {
            try? FileSystem.move(place + "/old", to: files.folder)
            throw stuck
        }
    }

    private var stuck: DetectionError {
        failure(.missing, files.folder, "a folder that can be replaced", "one that cannot", "name another with --folder")
    }

    private func failure(
        _ code: DetectionError.Code, _ file: String, _ expected: String, _ found: String, _ advice: String
    ) -> DetectionError {
        DetectionError(code, file: file, expected: expected, found: found, advice: advice)
    }

    /// pip out of its own wheel, as Debian's python3-pip-whl brings it; python3-pip would bring a compiler along.
    private static var pipWheels: [[String]] {
        let folder = "/usr/share/python-wheels"
        return ((try? FileSystem.names(in: folder)) ?? []).filter { $0.hasPrefix("pip-") && $0.hasSuffix(".whl") }
            .map { ["python3", "\(folder)/\($0)/pip"] }
    }

    /// - Returns: the path of the wheel
    private func download(to folder: String) throws -> String {
        // The networks are the same in the wheels of all systems; this one is there for good.
        let arguments = [
            "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--platform", "manylinux_2_28_x86_64",
            "--python-version", "3.11", "--dest", folder, Self.package,
        ]
        let pips = ([["python3", "-m", "pip"], ["pip3"], ["pip"]] + Self.pipWheels).filter { run($0 + ["--version"], silently: true) == 0 }
        let other = "on another machine 'pip download --no-deps \(Self.package)' fetches a wheel, which --wheel takes"
        guard let pip = pips.first else {
            throw failure(.missing, "pip", "Python's package installer", "none", "install Debian's python3-pip-whl; or: \(other)")
        }
        let status = run(pip + arguments, silently: !isVerbose)
        let wheels = ((try? FileSystem.names(in: folder)) ?? []).filter { $0.hasSuffix(".whl") }
        guard status == 0, let wheel = wheels.first else {
            throw failure(
                .missing, Self.package, "the package from its index", "none (pip ended with status \(status))",
                "check the network, and https_proxy if it is behind a proxy; --verbose shows what pip says; or: \(other)")
        }
        return "\(folder)/\(wheel)"
    }

    private func unpack(_ wheel: String, to folder: String) throws {
        guard FileSystem.exists(wheel) else {
            throw failure(.missing, wheel, "a wheel of \(Self.package)", "no such file", "check the path")
        }
        // A wheel is a ZIP archive, which Python reads; it says what is wrong by its exit status.
        let script = """
            import sys, zipfile
            try:
                archive = zipfile.ZipFile(sys.argv[1])
            except Exception:
                sys.exit(3)
            for name, member in zip(sys.argv[3::2], sys.argv[4::2]):
                try:
                    if archive.getinfo(member).file_size > 1 << 26: sys.exit(4)
                    data = archive.read(member)
                except Exception:
                    sys.exit(4)
                open(sys.argv[2] + "/" + name, "wb").write(data)
            """
        let members = (TrackerFiles.all + [TrackerFiles.licence]).flatMap { [$0.name, $0.member] }
        let status = run(["python3", "-I", "-c", script, wheel, folder] + members, silently: !isVerbose)
        let found: String
        switch status {
        case 0: return
        case 3: found = "no ZIP archive"
        case 4: found = "another version, or a damaged one"
        case 127: throw failure(.missing, "python3", "Python 3 to unpack the wheel", "none", "install Debian's python3")
        default: found = "one that cannot be unpacked"
        }
        throw failure(.wrongNetwork, wheel, "a wheel of \(Self.package) with the networks", found, "download it again")
    }

    /// - Returns: the exit status; 127 where there is no such program
    private func run(_ command: [String], silently: Bool) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        // Standard output is for what the command itself tells.
        process.standardOutput = silently ? FileHandle.nullDevice : FileHandle.standardError
        process.standardError = silently ? FileHandle.nullDevice : FileHandle.standardError
        do {
            try process.run()
        } catch {
            return 127
        }
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : 128
    }
}
