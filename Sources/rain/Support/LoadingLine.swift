import Foundation
import RainAnimation
import RainGraph
import Synchronization

/// One line on standard error that tells what a command waits for before its first frame, and for how long yet.
///
/// It appears when a second has passed, and goes away with the first frame. On a terminal it is rewritten in place; elsewhere a new line
/// appears every five seconds, as of every long work.
final class LoadingLine: Sendable {
    private struct State {
        var progress = LoadingProgress()
        var model: ModelConfiguration?
        /// Elements of all weights, counted when they are first told of.
        var total: Int?
        var startedSteps: (@Sendable () -> Int)?
        var isDone = false
    }

    private let state = Mutex(State())
    private let launch: ContinuousClock.Instant

    /// - Parameter launch: when the command began its work
    init(launch: ContinuousClock.Instant = .now) {
        self.launch = launch
        let isWatched = Terminal.isWatched
        // A thread of its own, which needs none of those that load.
        Thread.detachNewThread { [weak self] in
            let clock = ContinuousClock()
            var next = launch + (isWatched ? .seconds(1) : .seconds(5))
            while true {
                Thread.sleep(forTimeInterval: 0.1)
                guard let self, !self.state.withLock(\.isDone) else { return }
                guard clock.now >= next else { continue }
                next = clock.now + (isWatched ? .milliseconds(200) : .seconds(5))
                self.show(isWatched: isWatched)
            }
        }
    }

    /// Says what is being done now, e.g. "reading motion.json".
    func begin(_ what: String) {
        let time = ContinuousClock.now - launch
        state.withLock { $0.progress.begin(Terminal.oneLine(what), at: time) }
    }

    /// The model, with its weights counted as they are read.
    func counting(_ model: AnimationModel) throws -> AnimationModel {
        begin("preparing \(model.configuration.name)")
        state.withLock { $0.model = model.configuration }
        return try model.observed { [self] name, elements in
            let time = ContinuousClock.now - launch
            state.withLock { $0.progress.read(name, elements: elements, at: time) }
        }
    }

    /// From now on its steps are counted.
    func watch(_ animator: Animator) {
        state.withLock { $0.startedSteps = { animator.startedSteps } }
    }

    /// The first frame is there, or something has gone wrong.
    func finish() {
        state.withLock { state in
            guard !state.isDone else { return }
            state.isDone = true
            if Terminal.isWatched { Terminal.eraseLine() }
        }
    }

    private func show(isWatched: Bool) {
        let now = ContinuousClock.now - launch
        state.withLock { state in
            guard !state.isDone else { return }
            if state.total == nil, let model = state.model {
                state.total = (try? ModelPrograms(model).parameters())?.reduce(0) { $0 + $1.shape.count }
            }
            if let started = state.startedSteps?() { state.progress.begunSteps(started, at: now) }
            let parts = state.progress.parts(
                weights: state.total, levels: state.model?.window.levels ?? 1, at: now)
            let text = Terminal.line(parts, width: isWatched ? Terminal.width : nil)
            if isWatched { Terminal.rewrite(text) } else { Terminal.note(text) }
        }
    }
}

/// The way to the first frame: what is done, in which time, and so what is left. Pure: time is handed in, since the launch.
struct LoadingProgress {
    private var what = "loading"
    private var since = Duration.zero
    private var names: Set<String> = []
    private var elements = 0
    /// When the first weight had been read, and the newest.
    private var firstRead: Duration?
    private var lastRead = Duration.zero
    /// Steps begun, when the newest was first seen, and how long the one before it took.
    private var steps = (begun: 0, at: Duration.zero, last: Duration?.none)

    /// Something else is being done from now on.
    mutating func begin(_ what: String, at time: Duration) { (self.what, since) = (what, time) }

    /// A weight has been read; again and again is once.
    mutating func read(_ name: String, elements count: Int, at time: Duration) {
        guard names.insert(name).inserted else { return }
        if firstRead == nil { firstRead = time }
        lastRead = time
        elements += count
    }

    /// So many steps of the stream have been begun.
    mutating func begunSteps(_ count: Int, at time: Duration) {
        guard count > steps.begun else { return }
        // The first waits for its weights, which says nothing of the second.
        let start = max(steps.at, lastRead)
        steps = (count, time, steps.begun > 0 ? (time - start) / (count - steps.begun) : nil)
    }

    /// - Parameters:
    ///   - weights: elements of all weights; nil if not known
    ///   - levels: steps until the first frame
    func parts(weights: Int?, levels: Int, at now: Duration) -> [Terminal.Part] {
        if steps.begun > 1 || (steps.begun > 0 && elements >= weights ?? 0) {
            let text: Terminal.Part = ("first frame: step \(min(steps.begun, levels)) of \(levels)", 2)
            guard let last = steps.last else { return [text, (ProgressLine.span((now - steps.at) / .seconds(1)), 1)] }
            // The n-th step is of n groups of frames.
            let ahead = (min(steps.begun, levels)...levels).reduce(0, +)
            let seconds = last / .seconds(1) * Double(ahead) / Double(max(steps.begun - 1, 1)) - (now - steps.at) / .seconds(1)
            return [text, ("\(ProgressLine.span(max(seconds, 0))) left", 1)]
        }
        if let firstRead, let weights, weights > 0, elements > 0, elements < weights {
            let share = Double(elements) / Double(weights)
            let seconds = (now - firstRead) / .seconds(1) * (1 - share) / share
            // Some weights may not be needed at all; what is waited for then is something else.
            if seconds >= 0.5 {
                return [(what, 2), ("\(Int(100 * share)) % of its weights", 0), ("\(ProgressLine.span(seconds)) left", 1)]
            }
        }
        return [(what, 2), (ProgressLine.span((now - since) / .seconds(1)), 1)]
    }
}
