import Foundation
import RainAnimation
import RainPose

/// All sessions: made while there is room, parked when nobody watches, freed when nobody comes back, and kept over the end of the program.
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
    /// What is kept over the end of the program.
    nonisolated let kept: StudioState

    /// The character that is shown first: a clear face, and a braid, ears and a chain that move.
    static let firstCharacter: UInt64 = 23

    init(
        host: ModelHost, desk: DetectorDesk? = nil, time: Timekeeper, limits: Limits, settings: SessionSettings, metrics: StudioMetrics,
        outputs: [StudioOutput] = [], kept: StudioState
    ) {
        self.kept = kept
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

    /// A character by its id, and the settings that go with it.
    ///
    /// - Throws: `StudioError` of code `badRequest` or `notFound`
    nonisolated func character(_ id: String) async throws(StudioError) -> (reference: Reference, look: SettingsChange?) {
        let known = kept.character(id)
        if let seed = UInt64(id) { return (await host.character(seed), known?.look) }
        guard let known else {
            throw StudioError(
                .notFound, "character '\(id.prefix(40))': expected the number of a drawn one, or the id of a picture that is kept")
        }
        return (try kept.reference(known), known.look)
    }

    /// The sessions of the last time, not yet running.
    ///
    /// - Parameters:
    ///   - given: settings that hold whatever was kept
    ///   - told: is given what could not be restored, for people
    func restore(given: SettingsChange, told: (String) -> Void) async {
        for one in kept.sessions {
            guard sessions.count < limits.sessions else {
                kept.forget(session: one.id)
                continue
            }
            var settings = usual
            do {
                settings = try host.checked(given.applied(to: one.settings.applied(to: usual)))
            } catch {
                told("the settings of a session are of another model and begin anew: \(error.message)")
            }
            var reference: Reference?
            do {
                reference = try await character(one.character).reference
            } catch {
                told("\(error.message); another character takes its place")
            }
            let face = one.restingFace.flatMap { points in
                try? LandmarkFrame(checking: points.map { LandmarkPoint(x: $0.x, y: $0.y, visibility: 1) })
            }
            if reference == nil { reference = await host.character(Self.firstCharacter) }
            if let reference { await add(session(one.id, settings, reference, restingFace: face)) }
        }
    }

    /// - Parameters:
    ///   - character: its id; nil for the last on stage
    ///   - reference: a character that is not among those kept
    /// - Throws: `StudioError` of code `busy` if there is no room, `notFound` for a character
    func make(_ change: SettingsChange?, character: String? = nil, reference given: Reference? = nil) async throws -> StudioSession {
        let settings = try host.checked(change?.applied(to: usual) ?? usual)
        guard sessions.count < limits.sessions else {
            metrics.sessionRefused()
            throw full
        }
        let reference =
            if let given {
                given
            } else if let character {
                try await self.character(character).reference
            } else if let last = kept.characters.first, let known = try? await self.character(last.id).reference {
                known
            } else {
                await host.character(Self.firstCharacter)
            }
        let session = session(Self.identifier(), settings, reference)
        do {
            try await admit(session)
            // Others may have come meanwhile.
            guard sessions.count < limits.sessions else { throw full }
        } catch {
            await session.close()
            throw error
        }
        await add(session)
        return session
    }

    private var full: StudioError {
        StudioError(.busy, "expected at most \(limits.sessions) sessions, found as many; delete one, or watch one of them")
    }

    private func session(
        _ id: String, _ settings: SessionSettings, _ reference: Reference, restingFace: LandmarkFrame? = nil
    ) -> StudioSession {
        StudioSession(
            id: id, settings: settings, reference: reference, restingFace: restingFace, host: host, desk: desk, time: time,
            metrics: metrics, kept: kept)
    }

    private func add(_ session: StudioSession) async {
        sessions[session.id] = session
        order.append(session.id)
        await session.keep()
        await assignOutputs()
    }

    /// Whether the machine has time for one more. Where it might not, that is tried out: what another session really costs depends on what
    /// it computes together with the others.
    ///
    /// - Throws: `StudioError` of code `busy` that tells what was measured
    private func admit(_ session: StudioSession) async throws {
        let (before, largest) = await load()
        guard before + largest > limits.load, !sessions.isEmpty else { return }
        try await session.wake()
        var measured: [Double] = []
        let end = time.now() + Self.trial
        while time.now() < end, !Task.isCancelled {
            await time.wait(time.now() + Self.trial / 10)
            // The first frames of a stream take longer than those that follow.
            guard await session.stats.frames > Self.framesBeforeMeasuring else { continue }
            measured.append(await load().sum + session.load)
        }
        let after = measured.isEmpty ? before + largest : measured.reduce(0, +) / Double(measured.count)
        guard after > limits.load else { return }
        metrics.sessionRefused()
        func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
        throw StudioError(
            .busy,
            "expected room for one more session, found the model computing \(percent(before)) of the time for \(sessions.count), and "
                + (measured.isEmpty ? "too slow to show the new one" : "\(percent(after)) with the new one, as was tried")
                + "; beyond \(percent(limits.load)) all would be slowed: lower a session's frame rate, or delete one")
    }

    /// How long a session is tried.
    private static let trial = Duration.seconds(2)
    private static let framesBeforeMeasuring = 8

    /// The shares of the time in which the model computes, all sessions together, and of the dearest of them.
    private func load() async -> (sum: Double, largest: Double) {
        var (sum, largest) = (0.0, 0.0)
        for session in all {
            let one = await session.load
            (sum, largest) = (sum + one, max(largest, one))
        }
        return (sum, largest)
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
        kept.forget(session: id)
    }

    /// Parks and frees what has been left alone; to be called every few seconds.
    func sweep() async {
        let now = time.now()
        for session in all {
            let (isWatched, idle) = await (session.isWanted, now - session.lastUse)
            guard !isWatched else { continue }
            // The oldest is the studio's own, and waits for its user.
            if idle > limits.free, session.id != order.first {
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
