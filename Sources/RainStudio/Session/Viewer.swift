import Synchronization

/// One who watches a session: the newest frame it has not yet had, and what is to be told to it.
///
/// Nothing piles up for a client that is slow or gone: of frames only the newest waits, of each kind of text the newest, and no more
/// than `window` frames are under way that the client has not acknowledged. What to do is decided by `StateMachine` under a lock.
final class Viewer: Sendable {
    /// What the writer sends next.
    enum Outgoing: Sendable {
        case frame(StudioFrame)
        case text(String)
        case pong(page: Double)
        /// An answer to a picture of the client's camera.
        case answer(PictureAnswer)
    }

    /// The kinds of text, of which the newest is kept.
    enum Kind: Int, Hashable, Sendable { case hello, state, stats, notice, refusal }

    /// Pure bookkeeping.
    struct StateMachine {
        /// Frames sent and not yet acknowledged, at most.
        let window: Int
        private(set) var waiting: StudioFrame?
        private(set) var unacknowledged: [UInt32] = []
        private var texts: [Kind: String] = [:]
        private var pong: Double?
        /// Of answers to pictures the newest of each kind counts.
        private var received: Double?
        private var seen: PictureAnswer?
        private(set) var dropped = 0
        private(set) var sent = 0
        private(set) var isClosed = false

        init(window: Int) { self.window = window }

        mutating func offer(_ frame: StudioFrame) {
            guard !isClosed else { return }
            if waiting != nil { dropped += 1 }
            waiting = frame
        }

        mutating func post(_ kind: Kind, _ text: String) { if !isClosed { texts[kind] = text } }

        mutating func pong(_ page: Double) { if !isClosed { pong = page } }

        mutating func answer(_ answer: PictureAnswer) {
            guard !isClosed else { return }
            if case .received(let time) = answer { received = time } else { seen = answer }
        }

        /// Everything up to `sequence` has arrived; of what was never sent nothing is believed.
        mutating func acknowledge(_ sequence: UInt32) { unacknowledged.removeAll { $0 <= sequence } }

        mutating func close() {
            isClosed = true
            waiting = nil
            texts = [:]
        }

        mutating func next() -> Outgoing? {
            if let pong {
                self.pong = nil
                return .pong(page: pong)
            }
            if let time = received {
                received = nil
                return .answer(.received(time: time))
            }
            if let seen {
                self.seen = nil
                return .answer(seen)
            }
            if let kind = texts.keys.min(by: { $0.rawValue < $1.rawValue }), let text = texts.removeValue(forKey: kind) {
                return .text(text)
            }
            if let frame = waiting, unacknowledged.count < window {
                waiting = nil
                unacknowledged.append(frame.sequence)
                sent += 1
                return .frame(frame)
            }
            return nil
        }
    }

    private struct State {
        var machine: StateMachine
        var writer: CheckedContinuation<Void, Never>?
    }

    /// Number within the session.
    let number: UInt16
    private let state: Mutex<State>

    init(number: UInt16, window: Int) {
        self.number = number
        state = Mutex(State(machine: StateMachine(window: window)))
    }

    var dropped: Int { state.withLock(\.machine.dropped) }
    var sent: Int { state.withLock(\.machine.sent) }
    var unacknowledged: Int { state.withLock(\.machine.unacknowledged.count) }

    func offer(_ frame: StudioFrame) { change { $0.offer(frame) } }
    func post(_ kind: Kind, _ text: String) { change { $0.post(kind, text) } }
    func pong(_ page: Double) { change { $0.pong(page) } }
    func answer(_ answer: PictureAnswer) { change { $0.answer(answer) } }
    func acknowledge(_ sequence: UInt32) { change { $0.acknowledge(sequence) } }
    func close() { change { $0.close() } }

    /// What to send next; waits for it. `nil` once the viewer is closed or the task cancelled. For one task.
    func next() async -> Outgoing? {
        while true {
            enum Step {
                case send(Outgoing)
                case end
                case wait
            }
            let step = state.withLock { state -> Step in
                if state.machine.isClosed || Task.isCancelled { return .end }
                return state.machine.next().map { .send($0) } ?? .wait
            }
            switch step {
            case .send(let outgoing): return outgoing
            case .end: return nil
            case .wait: await pause()
            }
        }
    }

    private func pause() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumed = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    var probe = state.machine
                    // What came between the last look and now must not be slept through.
                    guard !probe.isClosed, !Task.isCancelled, probe.next() == nil else { return continuation }
                    state.writer = continuation
                    return nil
                }
                resumed?.resume()
            }
        } onCancel: {
            wake()
        }
    }

    private func change(_ body: (inout StateMachine) -> Void) {
        state.withLock { body(&$0.machine) }
        wake()
    }

    private func wake() {
        let writer = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume()
    }
}
