import RainGraph
import RainModels

/// The stream batch: frames in flight as latents and pose features, group by group, each group at its own noise level.
///
/// Start and end are the same rule as the middle: groups present are denoised together, oldest first, each at its level. So the
/// batch grows with the noisiest levels first and drains over the cleanest, and a stream of any length, even shorter than the
/// window, is denoised exactly once per level.
///
/// All buffers are made once. So are executables, by `prepareAll` or when a number of groups first occurs; of a
/// large model, whose executables are large themselves, stays the one of the full batch, and beside it the one just needed.
final class LatentStream {
    /// Where noise comes from: draw 0 starts a frame, draw `n` follows its `n`-th denoising step.
    typealias Noise = (_ buffer: inout [Float], _ range: Range<Int>, _ frame: Int, _ draw: Int) -> Void

    /// A group of frames in flight.
    private struct Group {
        let firstFrame: Int
        /// 0 the cleanest.
        var level: Int
    }

    let schedule: StreamSchedule
    /// Floats of one frame's latents and of its pose features.
    let latentCount: Int
    let poseCount: Int
    private let step: DenoisingStep
    private let noiseSchedule: NoiseSchedule
    private let timesteps: [Int]
    private let noise: Noise
    private let keepsAll: Bool
    private let prepare: (Program, (any Executable)?) throws -> any Executable

    private var groups: [Group] = []
    private var nextFrame = 0
    private var latents: [Float]
    private var pose: [Float]
    private var noiseBuffer: [Float]
    /// The latents of the group that left last.
    private(set) var leaving: [Float]
    /// What the denoiser is told about the reference: input name → values.
    private(set) var reference: [String: [Float]] = [:]
    /// Grows with every reference.
    private(set) var referenceVersion = 0
    private var executables: [Int: Prepared] = [:]

    private final class Prepared {
        let executable: any Executable
        /// Levels of the groups its timesteps were set for.
        var levels: [Int] = []
        var hasReference = false
        init(_ executable: any Executable) { self.executable = executable }
    }

    /// - Parameters:
    ///   - keepsAll: whether an executable stays for every number of groups that occurs
    ///   - prepare: makes a loaded executable of a program; given the one of the full batch, if that is another
    /// - Throws: `AnimationError.schedule` if the network has too few temporal positions for the window, or the noise schedule too
    ///   few timesteps
    init(
        step: DenoisingStep, noiseSchedule: NoiseSchedule, schedule: StreamSchedule, noise: @escaping Noise,
        keepsAll: Bool = true, prepare: @escaping (Program, (any Executable)?) throws -> any Executable
    ) throws {
        if let longest = step.network.motion?.longestWindow, schedule.frames > longest {
            throw AnimationError(
                .schedule, "window \(schedule): \(schedule.frames) frames in flight, but this model has positions for \(longest)")
        }
        self.step = step
        self.schedule = schedule
        self.noiseSchedule = noiseSchedule
        self.noise = noise
        self.keepsAll = keepsAll
        self.prepare = prepare
        timesteps = try noiseSchedule.timesteps(schedule.steps)
        let positions = step.latentHeight * step.latentWidth
        latentCount = positions * step.network.inChannels
        poseCount = positions * step.network.blockOutChannels[0]
        latents = [Float](repeating: 0, count: schedule.frames * latentCount)
        noiseBuffer = latents
        pose = [Float](repeating: 0, count: schedule.frames * poseCount)
        leaving = [Float](repeating: 0, count: schedule.framesPerGroup * latentCount)
    }

    /// Groups in flight.
    var groupCount: Int { groups.count }
    /// Number of the first frame of the group that leaves next.
    var oldestFrame: Int? { groups.first?.firstFrame }

    /// Replaces the reference of all frames in flight and to come.
    ///
    /// - Parameter inputs: `bank_<name>` for every bank, `context` and `guidance` where the network has them
    func setReference(_ inputs: [String: [Float]]) {
        reference = inputs
        referenceVersion += 1
        for prepared in executables.values { prepared.hasReference = false }
    }

    /// Prepares all executables, so that no push waits for one; those of a large model only when they are needed, so that the
    /// reference, which comes first, has the memory to itself.
    func prepareAll() throws {
        guard keepsAll else { return }
        for groups in 1...schedule.levels { _ = try prepared(groups: groups) }
    }

    /// Forgets all frames; the next is number 0.
    func reset() {
        groups.removeAll(keepingCapacity: true)
        nextFrame = 0
    }

    /// Takes a new group in, if there is one, and moves every group down one level.
    ///
    /// - Parameter features: pose features of the new group, `[framesPerGroup, h, w, C0]`; `nil` to let the stream drain
    /// - Returns: the number of the first frame of the group that left, whose latents are then in `leaving`; `nil` if none did
    func push(_ features: [Float]?) throws -> Int? {
        if let features { enter(features) }
        guard !groups.isEmpty else { return nil }
        try run()
        return descend()
    }

    /// Whether the next group makes the stream full, as all that follow do while none is left out.
    var isFullWithNext: Bool { groups.count == schedule.levels - 1 }

    /// Takes a new group in, of which `push` says more; a step and `descend` must follow.
    func enter(_ features: [Float]) {
        precondition(features.count == schedule.framesPerGroup * poseCount, "pose features of one group")
        precondition(groups.count < schedule.levels, "the cleanest group has left")
        let frame = groups.count * schedule.framesPerGroup
        copy(features, features.count, into: &pose, at: frame * poseCount)
        for offset in 0..<schedule.framesPerGroup {
            let start = (frame + offset) * latentCount
            noise(&latents, start..<(start + latentCount), nextFrame + offset, 0)
        }
        groups.append(Group(firstFrame: nextFrame, level: schedule.levels - 1))
        nextFrame += schedule.framesPerGroup
    }

    /// Moves every group down one level after a step.
    ///
    /// - Returns: as `push`
    func descend() -> Int? {
        for index in groups.indices { groups[index].level -= 1 }
        guard groups[0].level < 0 else { return nil }
        return leave()
    }

    private func run() throws {
        let prepared = try prepared(groups: groups.count)
        let executable = prepared.executable
        try setLevels(prepared)
        try write(into: executable, slot: 0)
        try executable.run(.step)
        try executable.read("next") { copy($0, into: &latents) }
    }

    /// Writes what a step reads: as character `slot` of those that a program is for, all of which have as many frames in flight.
    func write(into executable: any Executable, slot: Int) throws {
        let frames = groups.count * schedule.framesPerGroup
        try executable.write("latents") { copy(latents, frames * latentCount, into: &$0, at: slot * frames * latentCount) }
        try executable.write("pose") { copy(pose, frames * poseCount, into: &$0, at: slot * frames * poseCount) }
        for pass in 0..<schedule.jump {
            for (index, group) in groups.enumerated() {
                let done = schedule.step(level: group.level, pass: pass) + 1
                for offset in 0..<schedule.framesPerGroup {
                    let start = (index * schedule.framesPerGroup + offset) * latentCount
                    let range = start..<(start + latentCount)
                    if done < schedule.steps {
                        noise(&noiseBuffer, range, group.firstFrame + offset, done)
                    } else {
                        // The last step ends without noise; what is multiplied by zero must still be finite.
                        for element in range { noiseBuffer[element] = 0 }
                    }
                }
            }
            try executable.write("noise\(pass)") {
                copy(noiseBuffer, frames * latentCount, into: &$0, at: slot * frames * latentCount)
            }
        }
    }

    /// Takes what a step of the full stream has made of character `slot`.
    func read(from executable: any Executable, slot: Int) throws {
        try executable.read("next") { copy($0, from: slot * latents.count, into: &latents) }
    }

    private func leave() -> Int {
        let (latents, pose) = (schedule.framesPerGroup * latentCount, schedule.framesPerGroup * poseCount)
        copy(self.latents, latents, into: &leaving, at: 0)
        shift(&self.latents, by: latents)
        shift(&self.pose, by: pose)
        return groups.removeFirst().firstFrame
    }

    private func prepared(groups count: Int) throws -> Prepared {
        if let known = executables[count] {
            if !keepsAll, count == schedule.levels { executables = [count: known] }
            return known
        }
        let program = try step.program(frames: count * schedule.framesPerGroup, passes: schedule.jump)
        // All keep to the form of weights that is best for the full batch.
        let full = try count == schedule.levels ? nil : prepared(groups: schedule.levels).executable
        if !keepsAll { executables = executables.filter { $0.key == schedule.levels } }
        let made = Prepared(try prepare(program, full))
        executables[count] = made
        return made
    }

    /// Brings an executable up to date with the levels of the groups and the reference.
    private func setLevels(_ prepared: Prepared) throws {
        let levels = groups.map(\.level)
        guard prepared.levels != levels || !prepared.hasReference else { return }
        let executable = prepared.executable
        try write(levels: levels, into: executable, characters: 1)
        if !prepared.hasReference {
            for (name, values) in reference { try executable.write(name, values) }
        }
        try executable.run(.reference)
        prepared.levels = levels
        prepared.hasReference = true
    }

    /// Writes timesteps and factors of frames at levels; all characters have the same.
    func write(levels: [Int], into executable: any Executable, characters: Int) throws {
        for pass in 0..<schedule.jump {
            var values: (timesteps: [Float], sample: [Float], output: [Float], noise: [Float]) = ([], [], [], [])
            for level in levels {
                let timestep = timesteps[schedule.step(level: level, pass: pass)]
                let factors = noiseSchedule.step(at: timestep, of: schedule.steps)
                for _ in 0..<schedule.framesPerGroup {
                    values.timesteps.append(Float(timestep))
                    values.sample.append(factors.signal * factors.denoisedFromSample)
                    values.output.append(factors.signal * factors.denoisedFromOutput)
                    values.noise.append(factors.noise)
                }
            }
            func repeated(_ values: [Float]) -> [Float] { Array(repeatElement(values, count: characters).joined()) }
            try executable.write("timesteps\(pass)", repeated(values.timesteps))
            try executable.write("sample_weight\(pass)", repeated(values.sample))
            try executable.write("output_weight\(pass)", repeated(values.output))
            try executable.write("noise_weight\(pass)", repeated(values.noise))
        }
    }

    /// The executable of the full batch; `nil` before it is prepared.
    var fullExecutable: (any Executable)? { executables[schedule.levels]?.executable }
}

extension LatentStream {
    /// Fills all slots at once, as if the stream had run before; frame numbers go on after them.
    ///
    /// - Parameters:
    ///   - latents: `[n, h, w, c]` of the oldest groups, one group per level from the cleanest
    ///   - pose: `[n, h, w, C0]`
    func restore(latents: [Float], pose: [Float]) {
        precondition(latents.count <= self.latents.count && latents.count / latentCount == pose.count / poseCount)
        self.latents.replaceSubrange(latents.indices, with: latents)
        self.pose.replaceSubrange(pose.indices, with: pose)
        groups = (0..<(latents.count / latentCount / schedule.framesPerGroup)).map {
            Group(firstFrame: $0 * schedule.framesPerGroup, level: $0)
        }
        nextFrame = groups.count * schedule.framesPerGroup
    }

    /// The latents of the frames in flight, for tests.
    var latentsInFlight: [Float] { Array(latents[0..<(groups.count * schedule.framesPerGroup * latentCount)]) }
}
