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

    init(host: ModelHost, desk: DetectorDesk? = nil, time: Timekeeper, limits: Limits, settings: SessionSettings, metrics: StudioMetrics) {
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
    func make(_ change: SettingsChange?, character: UInt64?) async throws -> StudioSession {
        let settings = try change?.applied(to: usual) ?? usual
        guard sessions.count < limits.sessions else {
            metrics.sessionRefused()
            throw StudioError(.busy, "expected at most \(limits.sessions) sessions, found as many; delete one, or watch one of them")
        }
        var load = 0.0
        var largest = 0.0
        for session in all {
            let one = await session.load
            load += one
            largest = max(largest, one)
        }
        guard load + largest <= limits.load || sessions.isEmpty else {
            metrics.sessionRefused()
            throw StudioError(
                .busy,
                "the model already computes \(Int(load * 100)) % of the time for \(sessions.count) sessions, and another would slow all; "
                    + "lower a session's frame rate, or delete one")
        }
        let id = Self.identifier()
        let reference = await host.character(character ?? UInt64.random(in: 0..<1 << 20))
        let session = StudioSession(
            id: id, settings: settings, reference: reference, host: host, desk: desk, time: time, metrics: metrics)
        // Others may have come while the character was drawn.
        guard sessions.count < limits.sessions else {
            throw StudioError(.busy, "expected at most \(limits.sessions) sessions, found as many; delete one, or watch one of them")
        }
        sessions[id] = session
        order.append(id)
        return session
    }

    /// - Throws: `StudioError` of code `notFound`
    func remove(_ id: String) async throws {
        let session = try session(id)
        forget(session.id)
        await session.close()
    }

    private func forget(_ id: String) {
        sessions[id] = nil
        order.removeAll { $0 == id }
    }

    /// Parks and frees what has been left alone; to be called every few seconds.
    func sweep() async {
        let now = time.now()
        for session in all {
            let (isWatched, idle) = await (!session.viewers.isEmpty, now - session.lastUse)
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
