import Foundation
import RainAnimation

/// All sessions: made while there is room, parked when nobody watches, freed when nobody comes back.
actor SessionStore {
    struct Limits: Sendable {
        var sessions = 4
        /// The share of the time in which models may compute, all sessions together, before the next one is refused.
        var load = 0.9
        /// How long a session goes on that nobody watches.
        var park = Duration.seconds(15)
        /// How long it is kept.
        var free = Duration.seconds(1800)
    }

    private let host: ModelHost
    nonisolated let desk: DetectorDesk?
    private let time: Timekeeper
    let limits: Limits
    private let usual: SessionSettings
    nonisolated let metrics: StudioMetrics
    private var sessions: [String: StudioSession] = [:]
    /// Ids in the order in which they were made.
    private var order: [String] = []
    /// Where the frames of the oldest session go besides.
    nonisolated let outputs: [StudioOutput]

    init(
        host: ModelHost, desk: DetectorDesk? = nil, time: Timekeeper, limits: Limits, settings: SessionSettings, metrics: StudioMetrics,
        outputs: [StudioOutput] = []
    ) {
        self.outputs = outputs
        self.host = host
        self.desk = desk
        self.time = time
        self.limits = limits
        usual = settings
        self.metrics = metrics
    }

    var all: [StudioSession] { order.compactMap { sessions[$0] } }

    /// The name by which programs that cannot look up ids call the oldest session.
    static let first = "first"

    /// - Throws: `StudioError` of code `notFound`
    func session(_ id: String) throws(StudioError) -> StudioSession {
        guard let session = sessions[id == Self.first ? order.first ?? "" : id] else {
            throw StudioError(.notFound, "session '\(id.prefix(40))' is not here: it was deleted or left alone too long; make a new one")
        }
        return session
    }

    /// - Throws: `StudioError` of code `busy` if there is no room
    func make(_ change: SettingsChange?, character: UInt64?, reference given: Reference? = nil) async throws -> StudioSession {
        let settings = try host.checked(change?.applied(to: usual) ?? usual)
        guard sessions.count < limits.sessions else {
            metrics.sessionRefused()
            throw StudioError(.busy, "expected at most \(limits.sessions) sessions, found as many; delete one, or watch one of them")
        }
        try await admit()
        let id = Self.identifier()
        let reference = if let given { given } else { await host.character(character ?? UInt64.random(in: 0..<1 << 20)) }
        let session = StudioSession(
            id: id, settings: settings, reference: reference, host: host, desk: desk, time: time, metrics: metrics)
        // Others may have come while the character was drawn.
        guard sessions.count < limits.sessions else {
            throw StudioError(.busy, "expected at most \(limits.sessions) sessions, found as many; delete one, or watch one of them")
        }
        sessions[id] = session
        order.append(id)
        await assignOutputs()
        return session
    }

    /// Whether the machine has time for one more: as the next one is not known yet, it is taken to cost as much as the dearest there is.
    ///
    /// - Throws: `StudioError` of code `busy` that tells what was measured
    private func admit() async throws {
        var (load, largest, step) = (0.0, 0.0, 0.0)
        for session in all {
            let one = await session.load
            load += one
            guard one > largest else { continue }
            (largest, step) = (one, await session.stats.stepMilliseconds)
        }
        guard load + largest > limits.load, !sessions.isEmpty else { return }
        metrics.sessionRefused()
        func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
        throw StudioError(
            .busy,
            "expected room for one more session, found the model computing \(percent(load)) of the time for \(sessions.count); the dearest "
                + "of them takes \(percent(largest)) (a step takes \(Int(step.rounded(.up))) ms), and another "
                + "such would go beyond \(percent(limits.load)) and slow all; lower a session's frame rate, or delete one")
    }

    /// - Throws: `StudioError` of code `notFound`
    func remove(_ id: String) async throws {
        let session = try session(id)
        forget(session.id)
        await session.close()
        await assignOutputs()
    }

    private func assignOutputs() async {
        guard !outputs.isEmpty else { return }
        for (index, session) in all.enumerated() { await session.send(to: index == 0 ? outputs : []) }
    }

    private func forget(_ id: String) {
        sessions[id] = nil
        order.removeAll { $0 == id }
    }

    /// Parks and frees what has been left alone; to be called every few seconds.
    func sweep() async {
        let now = time.now()
        for session in all {
            let (isWatched, idle) = await (session.isWanted, now - session.lastUse)
            guard !isWatched else { continue }
            if idle > limits.free {
                forget(session.id)
                await session.close()
            } else if idle > limits.park, await session.isRunning {
                await session.park()
            }
        }
    }

    func closeAll() async {
        for session in all { await session.close() }
        sessions = [:]
        order = []
    }

    /// Nobody guesses it, and nobody confuses its letters.
    private static func identifier() -> String {
        let letters = Array("abcdefghjkmnpqrstuvwxyz23456789")
        return String((0..<16).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }
}
