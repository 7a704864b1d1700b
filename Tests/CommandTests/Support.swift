import Foundation
import RainAnimation
import RainTesting
import Testing

/// How a run of `rain` ended.
struct Outcome {
    var status: Int32
    var output: [UInt8]
    var errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
    var errorLines: [Substring] { errors.split(separator: "\n") }
}

/// A folder to run `rain` in, removed when the last reference goes.
final class Workplace {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/rain-command-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// With a tiny model's folder, a picture and a motion to run it on: `tiny`, `hero.png` and `motion.json`.
    static func withTinyModel() throws -> Workplace {
        let workplace = try Workplace()
        try TinyModel.model().write(folder: workplace.path + "/tiny")
        _ = try workplace.run("character", "--seed", "7", "--size", "40", "--output", "hero.png")
        _ = try workplace.run("motion", "--seed", "3", "--seconds", "1", "--fps", "10", "--output", "motion.json")
        return workplace
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The command built beside the tests.
    static var command: URL {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("rain")
    }

    /// Starts `rain` here; its output goes to files, which cannot fill up as pipes do.
    ///
    /// - Parameters:
    ///   - program: what is started instead of `rain`
    ///   - output: where standard output goes instead of a file
    ///   - environment: what is other than in the tests' own
    ///   - script: a shell's, which runs `rain` as `"$0"` with the arguments `"$@"`
    func start(
        _ arguments: [String], program: String? = nil, output: String? = nil, script: String? = nil, environment: [String: String] = [:]
    ) throws -> Run {
        let streams = NSTemporaryDirectory() + "/rain-streams-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: streams, withIntermediateDirectories: true)
        let (outputFile, errorFile) = (output ?? streams + "/out", streams + "/err")
        for file in [streams + "/out", errorFile] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        let process = Process()
        process.executableURL = program.map { URL(fileURLWithPath: $0) } ?? Self.command
        process.arguments = arguments
        if let script {
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", script, Self.command.path] + arguments
        }
        process.currentDirectoryURL = URL(fileURLWithPath: path)
        // What the user of this machine has installed is not there, unless a test says so.
        process.environment = ProcessInfo.processInfo.environment.merging([
            "XDG_DATA_HOME": path + "/data", "XDG_STATE_HOME": path + "/state",
        ]) { $1 }
        .merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: outputFile)
        process.standardError = FileHandle(forWritingAtPath: errorFile)
        try process.run()
        return Run(process: process, streams: streams)
    }

    /// Runs `rain` here to its end.
    func run(_ arguments: String..., output: String? = nil) throws -> Outcome {
        try start(arguments, output: output).wait()
    }

    func run(_ arguments: [String], output: String? = nil) throws -> Outcome {
        try start(arguments, output: output).wait()
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }

    /// Every file and folder in here, by its path.
    var contents: [String] {
        get throws { try FileManager.default.subpathsOfDirectory(atPath: path).sorted() }
    }
}

/// A shell script that runs `rain` where files cannot grow beyond so many blocks of 512 bytes, as on a disk that is full.
func fileLimit(blocks: Int) -> String { "ulimit -f \(blocks) && exec \"$0\" \"$@\"" }

/// A run of `rain` that may still go on.
struct Run {
    let process: Process
    let streams: String

    /// Words of libraries and of the language, which no message may contain.
    private static let foreign = [
        "Invalid argument", "Invalid data", "Generic error", "external library", "Stream not found", "bind(", "NSCocoa", "NSPOSIX",
        "Optional(", "Error Domain", "Swift.", "Foundation.", "ptr:", "could not be completed", "isn\u{2019}t in the correct format",
        "fatal error",
    ]

    func wait() throws -> Outcome {
        process.waitUntilExit()
        defer { try? FileManager.default.removeItem(atPath: streams) }
        let outcome = Outcome(
            // A death by signal is no exit status; shells add 128 to tell.
            status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
            output: [UInt8]((try? Data(contentsOf: URL(fileURLWithPath: streams + "/out"))) ?? Data()),
            errors: try String(contentsOfFile: streams + "/err", encoding: .utf8))
        for word in Self.foreign { #expect(!outcome.errors.contains(word), "\(outcome.errors)") }
        return outcome
    }
}
