/// Percentiles of latencies in memory that does not grow: counts per millisecond up to a minute.
struct LatencyHistogram {
    private var counts = [Int](repeating: 0, count: 60_001)
    private(set) var count = 0

    mutating func add(_ latency: Duration) {
        counts[min(max(0, Int((latency / .milliseconds(1)).rounded())), counts.count - 1)] += 1
        count += 1
    }

    mutating func reset() {
        for index in counts.indices { counts[index] = 0 }
        count = 0
    }

    /// The latency that the given share of frames did not exceed, to the millisecond; nil without any.
    func percentile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        var left = max(1, Int((share * Double(count)).rounded(.up)))
        for (milliseconds, count) in counts.enumerated() {
            left -= count
            if left <= 0 { return .milliseconds(milliseconds) }
        }
        return nil
    }

    /// For programs, in seconds; nil without any.
    var percentiles: [String: Double]? {
        guard let p50 = percentile(0.5), let p95 = percentile(0.95) else { return nil }
        return ["p50": p50 / .seconds(1), "p95": p95 / .seconds(1)]
    }

    /// For people: "p50 0.61 s, p95 0.64 s".
    var text: String {
        guard let p50 = percentile(0.5), let p95 = percentile(0.95) else { return "not measured" }
        return "p50 \(Self.seconds(p50)), p95 \(Self.seconds(p95))"
    }

    private static func seconds(_ duration: Duration) -> String {
        guard duration < .seconds(60) else { return "60 s or more" }
        return duration < .seconds(1) ? "\(Int(duration / .milliseconds(1))) ms" : "\((duration / .milliseconds(10)).rounded() / 100) s"
    }
}
