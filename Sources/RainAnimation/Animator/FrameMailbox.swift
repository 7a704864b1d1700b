import RainPose
import Synchronization

/// What happens to driving frames that come faster than they can be animated. Frames that have entered the batch are delivered in
/// any case, in order.
public enum InputPolicy: Hashable, Sendable {
    /// The giver waits; nothing is lost. For files.
    case backPressure
    /// The newest group's worth of frames is kept and older ones, not yet in the batch, are dropped and counted. For live input.
    case newestWins
}

/// A driving frame on its way into the batch.
struct CapturedFrame: Sendable {
    var pose: DrivingPose
    var timestamp: Duration
    var tag: UInt64 = 0
}

/// The bounded queue between whoever gives frames and the animator, which takes them group by group.
///
/// What to do is decided by `StateMachine` under a lock; tasks are resumed outside of it.
final class FrameMailbox: Sendable {
    typealias Taker = CheckedContinuation<[CapturedFrame]?, Never>
    typealias Giver = CheckedContinuation<Void, Never>

    /// Pure bookkeeping; `Taker` and `Giver` are opaque to it.
    struct StateMachine<Taker, Giver> {
        let groupSize: Int
        let policy: InputPolicy
        private(set) var frames: [CapturedFrame] = []
        private(set) var dropped = 0
        /// How often frames were taken, or found at an end.
        private(set) var takes = 0
        private(set) var isFinished = false
        private var taker: Taker?
        private var givers: [(id: Int, frame: CapturedFrame, giver: Giver)] = []

        /// Whether all that was given has been taken, and more is asked for.
        var isHungry: Bool { taker != nil && frames.isEmpty }

        init(groupSize: Int, policy: InputPolicy) {
            self.groupSize = groupSize
            self.policy = policy
        }

        /// Who is to be resumed, with what.
        struct Actions {
            var taker: (Taker, [CapturedFrame]?)?
            var givers: [Giver] = []
        }

        /// A frame is offered; `giver` waits if there is no room and the policy is to wait.
        mutating func give(_ frame: CapturedFrame, id: Int, _ giver: Giver?) -> Actions {
            var actions = Actions()
            guard !isFinished else {
                actions.givers = giver.map { [$0] } ?? []
                return actions
            }
            if let giver, policy == .backPressure, frames.count >= groupSize {
                givers.append((id, frame, giver))
                return actions
            }
            if frames.count >= groupSize {
                frames.removeFirst()
                dropped += 1
            }
            frames.append(frame)
            actions.givers = giver.map { [$0] } ?? []
            serve(&actions)
            return actions
        }

        /// The next group is asked for; `nil` in the result means that `taker` waits.
        mutating func take(_ taker: Taker) -> Actions {
            precondition(self.taker == nil, "one task takes frames at a time")
            self.taker = taker
            var actions = Actions()
            serve(&actions)
            return actions
        }

        /// No more frames will come; what is there, even less than a group, is still taken.
        mutating func finish() -> Actions {
            var actions = Actions()
            isFinished = true
            serve(&actions)
            return actions
        }

        /// The task that takes was cancelled: it gets nothing.
        mutating func cancelTaker() -> Actions {
            var actions = Actions()
            if let taker {
                self.taker = nil
                actions.taker = (taker, nil)
            }
            return actions
        }

        /// A task that waits to give was cancelled: its frame is not taken.
        mutating func cancelGiver(_ id: Int) -> Actions {
            var actions = Actions()
            if let index = givers.firstIndex(where: { $0.id == id }) { actions.givers = [givers.remove(at: index).giver] }
            return actions
        }

        private mutating func serve(_ actions: inout Actions) {
            if let taker, frames.count >= groupSize || isFinished {
                self.taker = nil
                takes += 1
                actions.taker = (taker, frames.isEmpty ? nil : frames)
                frames.removeAll(keepingCapacity: true)
            }
            while !givers.isEmpty, frames.count < groupSize {
                let next = givers.removeFirst()
                frames.append(next.frame)
                actions.givers.append(next.giver)
            }
        }
    }

    private let state: Mutex<StateMachine<Taker, Giver>>
    private let nextID = Atomic<Int>(0)

    init(groupSize: Int, policy: InputPolicy) {
        state = Mutex(StateMachine(groupSize: groupSize, policy: policy))
    }

    var dropped: Int { state.withLock(\.dropped) }
    var takes: Int { state.withLock(\.takes) }
    var waiting: Int { state.withLock(\.frames.count) }
    var isHungry: Bool { state.withLock(\.isHungry) }

    /// Hands over a frame; waits for room if the policy says so. A frame given after `finish()` or by a cancelled task is not taken.
    func give(_ frame: CapturedFrame) async {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).newValue
        await withTaskCancellationHandler {
            await withCheckedContinuation { giver in
                // Asked under the lock: a cancellation that comes later finds the giver.
                let actions = state.withLock { state in
                    Task.isCancelled ? StateMachine.Actions(givers: [giver]) : state.give(frame, id: id, giver)
                }
                run(actions)
            }
        } onCancel: {
            run(state.withLock { $0.cancelGiver(id) })
        }
    }

    /// Hands over a frame without waiting; if there is no room, the oldest is dropped.
    func offer(_ frame: CapturedFrame) { run(state.withLock { $0.give(frame, id: 0, nil) }) }

    /// The next group; less than a group at the end, `nil` after it or when the task is cancelled.
    func take() async -> [CapturedFrame]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { taker in
                let actions = state.withLock { state in
                    Task.isCancelled ? StateMachine.Actions(taker: (taker, nil)) : state.take(taker)
                }
                run(actions)
            }
        } onCancel: {
            run(state.withLock { $0.cancelTaker() })
        }
    }

    func finish() { run(state.withLock { $0.finish() }) }

    private func run(_ actions: StateMachine<Taker, Giver>.Actions) {
        if let (taker, frames) = actions.taker { taker.resume(returning: frames) }
        for giver in actions.givers { giver.resume() }
    }
}
