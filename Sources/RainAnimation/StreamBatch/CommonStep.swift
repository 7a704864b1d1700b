import Dispatch
public import RainGraph
import Synchronization

/// Lets streams of the same model and schedule compute together: groups that are ready at the same time go through pose guider,
/// denoising step and decoder as one batch, in which each character has a reference, latents and noise of its own.
///
/// Streams come from threads of their own. The first that finds the engine free leads: it waits a moment for companions, as
/// `Gathering` says, computes for all that are there, and hands over to the next that waits. One alone computes with programs of its own
/// and loses nothing but a lock. Only full streams take part; those that fill up or drain compute alone.
///
/// Programs for two to four streams are prepared when so many have joined, and forgotten when they have left; weights are shared with
/// the streams' own programs where the engine can do that.
public final class CommonStep: Sendable {
    /// The most streams of one step.
    public static let most = 4

    let schedule: StreamSchedule
    private let model: AnimationModel
    private let engine: any Engine

    private struct State {
        var gathering = Gathering()
        var requests: [Int: Request] = [:]
        var members: Set<Int> = []
        var nextMember = 0
        var counts = Counts()
    }
    private let state = Mutex(State())
    private let together = Mutex<[Int: Together]>([:])
    private let neighbours = Mutex<Neighbours?>(nil)

    /// The programs of the stream that joined first, whose weights and temporary memory all others share.
    private final class Neighbours: @unchecked Sendable {
        // Safe: what others take of them when they are prepared does not change once they are loaded.
        let executables: StreamExecutables
        init(_ executables: StreamExecutables) { self.executables = executables }
    }

    /// What has been computed in common.
    public struct Counts: Sendable, Hashable {
        /// Steps of more than one stream, and of one alone.
        public var common = 0
        public var alone = 0
        /// Streams in the common steps, counted once per step.
        public var streams = 0

        public init() {}
    }

    /// - Returns: `nil` for a model whose streams cannot compute together: one with layers, one whose decoder remembers what it has
    ///   shown, or whose networks are so large that every further program is a burden and every step fills the machine anyway
    /// - Throws: what the model's networks throw
    public init?(model: AnimationModel, engine: any Engine, schedule: StreamSchedule) throws {
        let programs = ModelPrograms(model.configuration)
        guard model.configuration.layeredGuide == nil, programs.decoderMemories.isEmpty, try !programs.isLarge() else { return nil }
        self.model = model
        self.engine = engine
        self.schedule = schedule
    }

    public var counts: Counts { state.withLock(\.counts) }

    // MARK: Who takes part

    /// - Returns: the stream's number
    func join() -> Int {
        state.withLock { state in
            state.nextMember += 1
            state.members.insert(state.nextMember)
            return state.nextMember
        }
    }

    func leave(_ member: Int) {
        let left = state.withLock { state in
            state.members.remove(member)
            state.gathering.leave(member)
            return state.members.count
        }
        together.withLock { known in known = known.filter { $0.key <= left } }
        if left == 0 { neighbours.withLock { $0 = nil } }
    }

    /// Beside which a stream's own programs are prepared; `nil` for the first.
    var known: StreamExecutables? { neighbours.withLock { $0?.executables } }

    /// A stream that has joined has its programs: prepares what as many streams as have joined need, on the caller's thread, while
    /// others go on.
    func prepare(beside executables: StreamExecutables) throws {
        neighbours.withLock { if $0 == nil { $0 = Neighbours(executables) } }
        let members = min(state.withLock(\.members.count), Self.most)
        guard members > 1 else { return }
        for count in 2...members where together.withLock({ $0[count] == nil }) {
            let made = try Together(count, model: model, engine: engine, schedule: schedule, beside: executables)
            together.withLock { $0[count] = made }
        }
    }

    /// How many can compute together just now.
    var largest: Int { together.withLock { $0.keys.max() ?? 1 } }

    // MARK: Computing

    /// A stream that wants its next step.
    private final class Request: @unchecked Sendable {
        enum Answer {
            case lead
            case done((any Error)?)
        }

        // Safe: the stream's own thread waits for the answer before it touches the batch again; the answer is only touched under the
        // lock of the state.
        let batch: StreamBatch
        var answer: Answer?
        private let semaphore = DispatchSemaphore(value: 0)

        init(_ batch: StreamBatch) { self.batch = batch }

        func signal() { semaphore.signal() }
        func wait() { semaphore.wait() }
        func wait(atMost time: Duration) { _ = semaphore.wait(timeout: .now() + .nanoseconds(Int(time / .nanoseconds(1)))) }
    }

    private static let start = ContinuousClock.now
    private static var now: Duration { ContinuousClock.now - start }

    /// Computes a step of a stream that is full with the group that has been painted, beside others that are ready.
    ///
    /// - Throws: what the engine throws
    func run(_ batch: StreamBatch, member: Int) throws {
        let request = Request(batch)
        let leads = state.withLock { state in
            state.requests[member] = request
            let isFree = state.gathering.running.isEmpty && state.gathering.waiting.isEmpty
            state.gathering.arrive(member, at: Self.now)
            return isFree
        }
        if !leads {
            leaderAmongWaiting()?.signal()
            var answer: Request.Answer?
            while answer == nil {
                request.wait()
                answer = state.withLock { _ in request.answer }
            }
            if case .done(let error) = answer {
                if let error { throw error }
                return
            }
        }
        try lead(request)
    }

    /// The one that waits for companions just now, so that it looks again who is there.
    private func leaderAmongWaiting() -> Request? {
        state.withLock { state in
            guard state.gathering.running.isEmpty, let first = state.gathering.waiting.first else { return nil }
            return state.requests[first]
        }
    }

    private func lead(_ own: Request) throws {
        let most = largest
        while let rest = state.withLock({ $0.gathering.rest(at: Self.now, most: most) }) { own.wait(atMost: rest) }
        let crew = state.withLock { state in
            state.gathering.begin(most: most, at: Self.now).compactMap { state.requests.removeValue(forKey: $0) }
        }
        let failure = compute(crew)
        let next = state.withLock { state -> Request? in
            if crew.count > 1 {
                state.counts.common += 1
                state.counts.streams += crew.count
            } else {
                state.counts.alone += 1
            }
            state.gathering.end(at: Self.now)
            for other in crew where other !== own { other.answer = .done(failure) }
            let next = state.gathering.waiting.first.flatMap { state.requests[$0] }
            next?.answer = .lead
            return next
        }
        for other in crew where other !== own { other.signal() }
        next?.signal()
        if let failure { throw failure }
    }

    private func compute(_ crew: [Request]) -> (any Error)? {
        do {
            let known = crew.count > 1 ? together.withLock { $0[crew.count] } : nil
            if let known {
                try known.run(crew.map(\.batch))
            } else {
                // Somebody has left meanwhile, and the programs with them.
                for request in crew { try request.batch.computeAlone() }
            }
            return nil
        } catch {
            return error
        }
    }
}

/// The programs of one stream.
struct StreamExecutables {
    let guider: any Executable
    /// Of the full stream.
    let step: any Executable
    let decoder: any Executable
}

/// The programs of a number of streams.
private final class Together: @unchecked Sendable {
    // Safe: `CommonStep` lets one stream lead at a time, and only the leader runs this.
    private let count: Int
    private let schedule: StreamSchedule
    private let guider: any Executable
    private let step: any Executable
    private let decoder: any Executable
    /// Whose reference is in which slot.
    private var slots: [(member: Int, version: Int)] = []

    init(_ count: Int, model: AnimationModel, engine: any Engine, schedule: StreamSchedule, beside own: StreamExecutables) throws {
        let programs = ModelPrograms(model.configuration)
        func prepare(_ program: Program, beside other: (any Executable)?) throws -> any Executable {
            let executable = try engine.compile(program, beside: other)
            try executable.load(model.tensors)
            return executable
        }
        self.count = count
        self.schedule = schedule
        let frames = count * schedule.framesPerGroup
        guider = try prepare(programs.pose(frames: frames), beside: own.guider)
        step = try prepare(
            programs.denoisingStep.program(frames: schedule.frames, passes: schedule.jump, characters: count), beside: own.step)
        decoder = try prepare(programs.decoder(frames: frames), beside: own.decoder)
    }

    func run(_ batches: [StreamBatch]) throws {
        let start = ContinuousClock.now
        for (slot, batch) in batches.enumerated() { try batch.writeGuide(into: guider, slot: slot) }
        try guider.run(.step)
        try bringReferences(of: batches)
        for (slot, batch) in batches.enumerated() {
            try batch.enter(from: guider, slot: slot)
            try batch.stream.write(into: step, slot: slot)
        }
        try step.run(.step)
        for (slot, batch) in batches.enumerated() {
            try batch.stream.read(from: step, slot: slot)
            _ = batch.stream.descend()
            try batch.writeLeaving(into: decoder, slot: slot)
        }
        try decoder.run(.step)
        for (slot, batch) in batches.enumerated() {
            batch.takePictures(from: decoder, slot: slot)
            batch.computation = (ContinuousClock.now - start, count)
        }
    }

    /// The reference part is computed again where another stream, or another reference, has come into a slot.
    private func bringReferences(of batches: [StreamBatch]) throws {
        let now = batches.map { (member: $0.member, version: $0.stream.referenceVersion) }
        guard now.count != slots.count || !zip(now, slots).allSatisfy({ $0 == $1 }) else { return }
        slots = []
        try batches[0].stream.write(levels: Array(0..<schedule.levels), into: step, characters: count)
        for name in batches[0].stream.reference.keys.sorted() {
            // Guidance is embedded with the timesteps, of which every frame has its own.
            let times = name == "guidance" ? schedule.frames : 1
            let values = batches.flatMap { batch in
                let one = batch.stream.reference[name] ?? []
                return times == 1 ? one : Array(repeatElement(one, count: times).joined())
            }
            try step.write(name, values)
        }
        try step.run(.reference)
        slots = now
    }
}
