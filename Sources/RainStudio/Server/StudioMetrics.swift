import RainAnimation
import Synchronization

/// What the studio counts, as Prometheus reads it.
final class StudioMetrics: Sendable {
    private struct Counts {
        var frames = 0
        var step = 0.0
        var latency = 0.0
        var requests: [Int: Int] = [:]
        var messages = 0
        var malformed = 0
        var refusedSessions = 0
        var connections = 0
        var refusedConnections = 0
        var timeouts = 0
        var failures = 0
        var sent = 0
    }

    private let counts = Mutex(Counts())

    func frameShown(step: Duration, latency: Duration) {
        counts.withLock {
            $0.frames += 1
            $0.step = step.seconds
            $0.latency = latency.seconds
        }
    }
    func responded(_ status: Int) { counts.withLock { $0.requests[status, default: 0] += 1 } }
    func messageTaken() { counts.withLock { $0.messages += 1 } }
    func messageRefused() { counts.withLock { $0.malformed += 1 } }
    func sessionRefused() { counts.withLock { $0.refusedSessions += 1 } }
    func timedOut() { counts.withLock { $0.timeouts += 1 } }
    func connectionFailed() { counts.withLock { $0.failures += 1 } }
    func frameSent() { counts.withLock { $0.sent += 1 } }
    /// - Returns: false if there is no room for another connection
    func connect(most: Int) -> Bool {
        counts.withLock {
            guard $0.connections < most else {
                $0.refusedConnections += 1
                return false
            }
            $0.connections += 1
            return true
        }
    }
    func disconnect() { counts.withLock { $0.connections -= 1 } }

    /// Prometheus' text format, version 0.0.4.
    func text(
        sessions: Int, running: Int, watchers: Int, droppedInput: Int, steps: CommonStep.Counts, outputs: [StudioOutput.State] = []
    ) -> String {
        let counts = counts.withLock { $0 }
        var lines: [String] = []
        func add(_ name: String, _ type: String, _ help: String, _ values: [(labels: String, value: String)]) {
            lines.append("# HELP rain_\(name) \(help)")
            lines.append("# TYPE rain_\(name) \(type)")
            for (labels, value) in values { lines.append("rain_\(name)\(labels) \(value)") }
        }
        func gauge(_ name: String, _ help: String, _ value: some CustomStringConvertible) { add(name, "gauge", help, [("", "\(value)")]) }
        func counter(_ name: String, _ help: String, _ value: Int) { add(name, "counter", help, [("", "\(value)")]) }
        gauge("sessions", "Sessions there are.", sessions)
        gauge("sessions_running", "Sessions that make frames.", running)
        gauge("watchers", "Clients that watch a session.", watchers)
        gauge("connections", "Open connections.", counts.connections)
        counter("frames_total", "Frames shown, all sessions together.", counts.frames)
        counter("frames_sent_total", "Frames sent to watchers.", counts.sent)
        counter("driving_frames_dropped_total", "Driving frames that gave way to newer ones, of the sessions there are.", droppedInput)
        counter("steps_alone_total", "Steps of full streams that were of one session.", steps.alone)
        counter("steps_common_total", "Steps of full streams that were of several sessions.", steps.common)
        counter("step_sessions_total", "Sessions in the steps of several, counted once per step.", steps.streams)
        gauge("step_seconds", "How long the newest step took.", counts.step)
        gauge("model_latency_seconds", "From driving frame to finished picture, the newest.", counts.latency)
        counter("messages_total", "Messages taken from WebSockets.", counts.messages)
        counter("messages_refused_total", "Messages from WebSockets that were malformed or too many.", counts.malformed)
        counter("sessions_refused_total", "Sessions refused for lack of room.", counts.refusedSessions)
        counter("connections_refused_total", "Connections refused for lack of room.", counts.refusedConnections)
        counter("timeouts_total", "Connections closed because nothing, or too little, came.", counts.timeouts)
        counter("connections_failed_total", "Connections that broke off.", counts.failures)
        gauge("outputs_writing", "Outputs outside the browser that take frames.", outputs.count { $0.status == .writing })
        counter("output_frames_total", "Frames written to outputs, repeated ones counted.", outputs.reduce(0) { $0 + $1.frames })
        counter(
            "output_frames_dropped_total", "Frames that an output was too slow or not there for.", outputs.reduce(0) { $0 + $1.dropped })
        counter("output_failures_total", "How often an output could not be opened or written to.", outputs.reduce(0) { $0 + $1.failures })
        add(
            "http_requests_total", "counter", "HTTP responses by status.",
            counts.requests.sorted { $0.key < $1.key }.map { ("{status=\"\($0.key)\"}", "\($0.value)") })
        return lines.joined(separator: "\n") + "\n"
    }
}
