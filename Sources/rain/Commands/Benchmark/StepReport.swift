import Foundation
import RainGraph
import RainNumbers

/// What was measured of a step.
struct StepReport {
    /// What is done in a step.
    struct Subject {
        let model: String
        let size: Int
        /// The frames in flight: of a group x noise levels; in training, characters x frames.
        let window: String
        /// Pictures in a step.
        let pictures: Int
    }

    let subject: Subject
    let threads: Int
    let instructions: String
    /// Until the first step could run: planning, making up and packing weights, the reference stage.
    let loadSeconds: Double
    let stepSeconds: [Double]
    let peer: String?
    let peerSeconds: [Double]
    let program: Program
    /// Of the fastest step: nodes and their seconds, in order.
    let times: [(node: Int, seconds: Double)]
    /// Of the fastest step: what followed the program.
    let updateSeconds: Double?

    struct Summary: Encodable {
        var model: String
        var size: Int
        var window: String
        var threads: Int
        var instructions: String
        var loadSeconds: Double
        var stepSeconds: [Double]
        var medianSeconds: Double
        var picturesPerSecond: Double
        var gigaflop: Double
        var peakMemoryBytes: Int
        var peer: String?
        var peerSeconds: [Double]
        var ratio: Double?
        var operations: [OperationTimes]
    }

    /// Median of the ratios of the rounds, the peer's time by ours.
    private var ratio: Double? { peerSeconds.isEmpty ? nil : zip(peerSeconds, stepSeconds).map { $0 / $1 }.median }

    var summary: Summary {
        let median = stepSeconds.median ?? 0
        let update = updateSeconds.map { [OperationTimes(operation: "update", count: 1, seconds: $0)] } ?? []
        return Summary(
            model: subject.model, size: subject.size, window: subject.window, threads: threads, instructions: instructions,
            loadSeconds: loadSeconds, stepSeconds: stepSeconds, medianSeconds: median,
            picturesPerSecond: Double(subject.pictures) / median, gigaflop: 2e-9 * Double(program.multiplyAdds(in: .step)),
            peakMemoryBytes: ProcessMemory.peak, peer: peer, peerSeconds: peerSeconds, ratio: ratio,
            operations: (OperationTimes.sums(of: times, in: program) + update).sorted { $0.seconds > $1.seconds })
    }

    private var title: String {
        "\(subject.model), \(subject.size)×\(subject.size), window \(subject.window), \(instructions), \(threads) threads"
    }

    var text: String {
        let summary = summary
        var text = """
            \(title)
            step: \(Self.time(summary.medianSeconds)) (median of \(stepSeconds.count)), \
            \(String(format: "%.1f", summary.picturesPerSecond)) pictures/s, \(Int(summary.gigaflop)) GFLOP as the plain algorithm \
            counts, \(Int(summary.gigaflop / summary.medianSeconds)) GFLOP/s; ready after \(String(format: "%.1f s", loadSeconds)); \
            memory \(Terminal.bytes(summary.peakMemoryBytes)) at most

            """
        if let peer, let ratio {
            text += """
                peer: \(Self.time(peerSeconds.median ?? 0)), \(peer)
                ratio: \(String(format: "%.2f", ratio))

                """
        }
        let total = summary.operations.reduce(0) { $0 + $1.seconds }
        let table = summary.operations.prefix(14).map { row in
            [
                row.operation, "\(row.count)", Self.time(row.seconds), String(format: "%.1f %%", 100 * row.seconds / total),
                row.multiplyAdds > 0 ? "\(Int(row.gigaflops)) GFLOP/s" : "",
            ]
        }
        return text + "\n" + Terminal.table([["operation", "count", "time", "share", "rate"]] + table, rightAligned: [1, 2, 3, 4])
    }

    private static func time(_ seconds: Double) -> String {
        seconds < 1 ? String(format: "%.2f ms", 1000 * seconds) : String(format: "%.2f s", seconds)
    }

    // MARK: Timeline

    /// One complete event of the trace event format, times in microseconds.
    private struct Event: Encodable {
        var name: String
        var cat: String
        var ph = "X"
        var ts: Double
        var dur: Double
        var pid = 1
        var tid = 1
        var args: [String: String]
    }

    /// The fastest step, to be drawn.
    var timeline: StepTimeline {
        let spans = times.map { index, seconds in
            StepTimeline.Span(
                place: program.graph.nodes[index].place, operation: program.graph.nodes[index].operation.name, seconds: seconds)
        }
        let update = updateSeconds.map { [StepTimeline.Span(place: "update", operation: "update", seconds: $0)] } ?? []
        return StepTimeline(title: title, spans: spans + update)
    }

    /// The fastest step in Chrome's trace event format (JSON).
    func trace() throws -> [UInt8] {
        var (events, now): ([Event], Double) = ([], 0)
        for (index, seconds) in times {
            let node = program.graph.nodes[index]
            var arguments = [
                "place": node.place, "result": node.results.map(\.description).joined(separator: " "),
                "operands": node.operands.map { program.graph.shape($0).description }.joined(separator: " "),
            ]
            let multiplyAdds = program.multiplyAdds(of: index)
            if multiplyAdds > 0, seconds > 0 { arguments["GFLOP/s"] = "\(Int(2e-9 * Double(multiplyAdds) / seconds))" }
            events.append(
                Event(name: node.operation.name, cat: node.operation.name, ts: 1e6 * now, dur: 1e6 * seconds, args: arguments))
            now += seconds
        }
        return Array(try JSONEncoder().encode(["traceEvents": events]))
    }
}
