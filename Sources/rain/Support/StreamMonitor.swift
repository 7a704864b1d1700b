import RainAnimation

/// Watches a stream: progress while it runs, and at the end rate, end-to-end latency and memory. An endless stream's latency and
/// memory are also told soon after the start and every minute, so that one sees that they do not grow.
struct StreamMonitor {
    private let isEndless: Bool
    private var progress: ProgressLine
    private var all = LatencyHistogram()
    private var recent = LatencyHistogram()
    private let clock = ContinuousClock()
    private let launch: ContinuousClock.Instant
    private let start: ContinuousClock.Instant
    /// Of the step that each frame was delivered by.
    private var steps = LatencyHistogram()
    private var firstFrame: ContinuousClock.Instant?
    private var nextReport: Duration

    /// - Parameters:
    ///   - total: frames; nil for an endless stream
    ///   - launch: when the program began its work
    init(total: Int?, launch: ContinuousClock.Instant) {
        self.launch = launch
        isEndless = total == nil
        progress = ProgressLine("animating", unit: "frames", total: total)
        start = clock.now
        nextReport = .seconds(5)
    }

    mutating func delivered(_ frame: AnimatedFrame) {
        let now = clock.now
        if firstFrame == nil { firstFrame = now }
        all.add(frame.latency)
        steps.add(frame.computation)
        progress.update(all.count)
        guard isEndless else { return }
        recent.add(frame.latency)
        guard now - start >= nextReport else { return }
        nextReport = nextReport < .seconds(60) ? .seconds(60) : nextReport + .seconds(60)
        Terminal.note(
            "after \(ProgressLine.span((now - start) / .seconds(1))): memory \(Terminal.bytes(ProcessMemory.resident)), "
                + "latency \(recent.text) over the last \(recent.count) frames")
        recent.reset()
    }

    /// What `--json` tells of a stream.
    struct Figures: Encodable {
        var frames: Int
        /// Driving frames that gave way to newer ones.
        var dropped: Int
        /// From the beginning of the stream to its end.
        var seconds: Double
        var framesPerSecond: Double
        /// From the launch of the program; nil without any.
        var firstFrameSeconds: Double?
        var stepSeconds: [String: Double]?
        /// From a driving frame to its picture.
        var latencySeconds: [String: Double]?
        var memoryBytes: Int
        var peakMemoryBytes: Int

        enum CodingKeys: String, CodingKey {
            case frames, dropped, seconds
            case framesPerSecond = "frames_per_second"
            case firstFrameSeconds = "first_frame_seconds"
            case stepSeconds = "step_seconds"
            case latencySeconds = "latency_seconds"
            case memoryBytes = "memory_bytes"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }

    /// Tells how the stream was, for people on standard error.
    mutating func finish(dropped: Int, output: String) -> Figures {
        progress.finish(all.count)
        let elapsed = (clock.now - start) / .seconds(1)
        var lines = ["\(output == "-" ? "standard output" : output): \(all.count) frames, \(Self.rate(all.count, elapsed))"]
        if let firstFrame { lines.append("first frame \(Self.milliseconds(firstFrame - launch)) ms after launch") }
        lines.append("steps \(steps.text)")
        lines.append("end-to-end latency \(all.text)")
        if dropped > 0 { lines.append("\(dropped) driving frames dropped") }
        lines.append("memory \(Terminal.bytes(ProcessMemory.resident)), at most \(Terminal.bytes(ProcessMemory.peak))")
        Terminal.note(lines.joined(separator: "; "))
        return Figures(
            frames: all.count, dropped: dropped, seconds: elapsed, framesPerSecond: Double(all.count) / max(elapsed, 1e-9),
            firstFrameSeconds: firstFrame.map { ($0 - launch) / .seconds(1) }, stepSeconds: steps.percentiles,
            latencySeconds: all.percentiles, memoryBytes: ProcessMemory.resident, peakMemoryBytes: ProcessMemory.peak)
    }

    private static func rate(_ count: Int, _ seconds: Double) -> String {
        "\((10 * Double(count) / max(seconds, 1e-9)).rounded() / 10) frames/s"
    }

    private static func milliseconds(_ duration: Duration) -> Int { Int((duration / .milliseconds(1)).rounded()) }
}
