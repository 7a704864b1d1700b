import Foundation
import RainFiles

/// Another program that does the same work when asked: one line in, one line with seconds out.
final class PeerProcess {
    private let process = Process()
    private let asking = Pipe()
    private let answering = Pipe()
    private var buffer: [UInt8] = []
    /// What it says of itself.
    private(set) var description = ""

    /// - Parameter command: the program and its arguments, separated by spaces
    /// - Throws: `Failure` if it cannot be started or ends before it is ready
    init(command: String) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command.split(separator: " ").map(String.init)
        process.standardInput = asking
        process.standardOutput = answering
        do {
            try process.run()
        } catch {
            throw Failure(description: "--peer: cannot start '\(command)': \(FileError.reason(error))")
        }
        description = Terminal.oneLine(try line())
    }

    deinit {
        try? asking.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Has it do its work once.
    ///
    /// - Returns: the seconds it took, by its own account
    func step() throws -> Double {
        try asking.fileHandleForWriting.write(contentsOf: Data("step\n".utf8))
        let answer = try line()
        guard let seconds = Double(answer), seconds.isFinite, seconds > 0 else {
            throw Failure(description: "--peer: expected the seconds of a step, found '\(answer.prefix(80))'")
        }
        return seconds
    }

    private func line() throws -> String {
        let longest = 4096
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer.removeSubrange(...end) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            guard buffer.count <= longest else {
                throw Failure(description: "--peer: expected a line, found \(buffer.count) bytes without an end")
            }
            let data = answering.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Failure(description: "--peer: it ended without an answer; what it said is above") }
            buffer += data
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}
