import ArgumentParser
import Foundation
import RainCPU
import RainFiles
import RainGraph
import RainPictures

/// How a step is measured, and what is written of it.
struct MeasurementOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Steps that are measured, after one that is not.", valueName: "n"))
    var rounds = 5

    @OptionGroup var processor: EngineOptions

    @Option(
        help: ArgumentHelp(
            "A program to compare with, and its arguments. It is told the work, the threads and the instruction set as further arguments, "
                + "prints a line about itself when it is ready, and then answers every line with the seconds of one step.",
            valueName: "command"))
    var peer: String?

    @Option(
        help: ArgumentHelp(
            "Write a timeline of one step, for chrome://tracing or ui.perfetto.dev; an existing file is replaced.", valueName: "trace.json"),
        completion: .file()
    )
    var trace: String?

    @Option(
        help: ArgumentHelp("Draw the timeline of one step; an existing file is replaced.", valueName: "timeline.png"), completion: .file())
    var timeline: String?

    @OptionGroup var result: ResultOptions

    mutating func validate() throws {
        guard (1...1000).contains(rounds) else { throw ValidationError("--rounds: expected 1 to 1000, found \(rounds)") }
        try files.check()
    }

    /// What is read and written.
    var files: FileRoles {
        FileRoles(reading: ["--tuning": processor.tuning], writing: ["--trace": trace, "--timeline": timeline])
    }

    /// Measures steps, in turn with the peer's if there is one, and prints and writes what was asked for.
    ///
    /// - Parameters:
    ///   - work: what a step is, as the peer is told it
    ///   - prepare: makes the executable ready for its first step
    ///   - update: what follows the program in a step, if anything does
    func report(
        _ subject: StepReport.Subject, work: String, engine: CPUEngine, prepare: () throws -> CPUExecutable,
        update: ((CPUExecutable) throws -> Void)? = nil
    ) throws {
        let traceFile = try trace.map { try ReplacementFile(path: $0) }
        let timelineFile = try timeline.map { try ReplacementFile(path: $0) }
        let clock = ContinuousClock()
        let start = clock.now
        let executable = try prepare()
        let loading = (clock.now - start) / .seconds(1)

        let peer = try self.peer.map {
            try PeerProcess(command: "\($0) \(work) \(engine.threads) \(engine.instructionSet.rawValue)")
        }
        if let peer { Terminal.note("peer: \(peer.description)") }
        var (own, others): ([Double], [Double]) = ([], [])
        var best: (nodes: [(node: Int, seconds: Double)], update: Double) = ([], 0)
        var progress = ProgressLine("measuring", unit: "steps", total: rounds + 1)
        for round in 0...rounds {
            let times = executable.runTimed(.step)
            let updating = try clock.measure { try update?(executable) } / .seconds(1)
            let seconds = times.reduce(updating) { $0 + $1.seconds }
            let other = try peer?.step()
            progress.update(round + 1)
            guard round > 0 else { continue }
            if own.allSatisfy({ seconds < $0 }) { best = (times, updating) }
            own.append(seconds)
            if let other { others.append(other) }
        }
        progress.finish(rounds + 1)

        let report = StepReport(
            subject: subject, threads: engine.threads, instructions: engine.instructionSet.rawValue, loadSeconds: loading, stepSeconds: own,
            peer: peer?.description, peerSeconds: others, program: executable.program, times: best.nodes,
            updateSeconds: update == nil ? nil : best.update)
        if let traceFile {
            try traceFile.append(report.trace())
            try traceFile.commit()
        }
        if let timelineFile {
            try timelineFile.append(report.timeline.picture().pngBytes())
            try timelineFile.commit()
        }
        if result.json {
            try Terminal.printJSON(report.summary)
        } else {
            print(report.text)
        }
    }
}
