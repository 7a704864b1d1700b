public import RainGraph
import RainModels
public import RainPictures
public import RainPose

/// A character in motion: driving landmarks in, pictures out, one group of frames at a time.
///
/// The synchronous heart of `Animator`, for whoever needs no clock and no tasks. All memory is made in `init` and in `fuse`; a
/// push makes only the pictures it returns. Belongs to one task at a time.
public final class StreamBatch {
    public let configuration: ModelConfiguration
    public let schedule: StreamSchedule

    let stream: LatentStream
    private let ends: any StreamEnds
    private let guidance: [Float]?
    private var features: [Float]
    /// Whether a reference has been fused.
    public private(set) var hasReference = false
    /// How long the newest push or drain computed, and of how many streams; without waiting for other streams.
    var computation: (time: Duration, streams: Int) = (.zero, 1)
    /// What left with the newest push.
    private var left = Result<[Picture], any Error>.success([])
    private let common: CommonStep?
    /// Number among the streams of the common step.
    let member: Int

    /// - Parameters:
    ///   - schedule: `nil` for the window the model was trained for
    ///   - seed: of all noise
    ///   - guidance: how strongly a model with a guidance embedding follows its reference; `nil` for its own scale
    ///   - poseStyle: how driving frames are drawn for the model; `nil` for its usual way
    ///   - common: of the same model, engine and schedule, for streams that compute together where they can
    /// - Throws: `AnimationError` for a schedule or setting the model cannot have; what the engine and the model's parameters throw
    public init(
        model: AnimationModel, engine: any Engine, schedule: StreamSchedule? = nil, seed: UInt64 = 0, guidance: Float? = nil,
        poseStyle: PoseStyle? = nil, common: CommonStep? = nil
    ) throws {
        let configuration = model.configuration
        let schedule =
            try schedule
            ?? StreamSchedule(
                framesPerGroup: configuration.window.framesPerGroup, levels: configuration.window.levels, steps: configuration.window.steps)
        let prepare = { (program: Program, options: CompileOptions) in
            let executable = try engine.compile(program, options)
            try executable.load(model.tensors)
            return executable
        }
        precondition(common == nil || common?.schedule == schedule, "streams that compute together have one schedule")
        let known = common?.known
        self.guidance = try Self.embedding(of: guidance, for: configuration)
        let programs = ModelPrograms(configuration)
        let noise = FrameNoise(seed: seed)
        stream = try LatentStream(
            step: programs.denoisingStep, noiseSchedule: NoiseSchedule(configuration.scheduler), schedule: schedule,
            noise: { noise.fill(&$0, $1, frame: $2, draw: $3) }, keepsAll: !programs.isLarge(),
            prepare: { try prepare($0, CompileOptions(beside: $1 ?? known?.step)) })
        // What runs rarely has its parameters in memory only while it does.
        let evaluate = { (program: Program, inputs: [String: [Float]]) in
            try engine.evaluate(program, inputs: inputs, parameters: model.tensors)
        }
        let frames = schedule.framesPerGroup
        if let graph = LayeredGraph(configuration) {
            ends = try LayeredEnds(graph, frames: frames, beside: known, prepare: prepare, evaluate: evaluate)
        } else {
            ends = try PoseEnds(
                programs, frames: frames, poseStyle: poseStyle, beside: known, engine: engine, prepare: prepare, evaluate: evaluate)
        }
        features = [Float](repeating: 0, count: schedule.framesPerGroup * stream.poseCount)
        self.configuration = configuration
        self.schedule = schedule
        self.common = common
        member = common?.join() ?? 0
        try stream.prepareAll()
        if let common, let step = stream.fullExecutable {
            try common.prepare(beside: StreamExecutables(guider: ends.guider, step: step, decoder: ends.decoder))
        }
    }

    deinit { common?.leave(member) }

    /// The scale of guidance RAIN is published with.
    public static let usualGuidance: Float = 2.5

    private static func embedding(of guidance: Float?, for configuration: ModelConfiguration) throws -> [Float]? {
        guard let channels = configuration.denoisingUNet.guidanceChannels else {
            guard guidance == nil else {
                throw AnimationError(.usage, "guidance: \(configuration.name) has no guidance embedding; leave the setting out")
            }
            return nil
        }
        let scale = guidance ?? configuration.guidanceScale ?? usualGuidance
        guard scale >= 0, scale <= 100 else { throw AnimationError(.usage, "guidance: expected 0 to 100, found \(scale)") }
        guard channels >= 4, channels % 2 == 0 else {
            throw AnimationError(.model, "denoising_unet.cond_proj_dim: expected an even number of at least 4, found \(channels)")
        }
        return Sinusoids.guidanceEmbedding(scale: scale, dimensions: channels)
    }

    /// Makes a picture the reference of all frames in flight and to come; a former one is forgotten.
    ///
    /// - Parameters:
    ///   - reference: fitted to the model's size by cropping, if it has another
    ///   - landmarks: of the reference picture; `nil` for `LandmarkFrame.neutral`
    /// - Throws: `AnimationError.numbers` if the model makes nothing finite of it; what the engine throws
    public func fuse(reference: Picture, landmarks: LandmarkFrame? = nil) throws {
        try fuse(.picture(reference), landmarks: landmarks)
    }

    /// The same for a character in layers.
    public func fuse(_ reference: CharacterArt, landmarks: LandmarkFrame?) throws {
        var inputs = try ends.fuse(reference, landmarks: landmarks)
        guard inputs.values.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            throw AnimationError(.numbers, "\(configuration.name): the reference network's results are not finite; use another model")
        }
        inputs["guidance"] = guidance
        stream.setReference(inputs)
        hasReference = true
    }

    /// Forgets the frames in flight; the next frame is number 0 again. The reference stays.
    public func reset() throws {
        stream.reset()
        try ends.reset()
    }

    /// Frames that have entered and not yet left.
    public var framesInFlight: Int { stream.groupCount * schedule.framesPerGroup }

    /// Takes in the next `schedule.framesPerGroup` frames and moves every frame in flight down one level.
    ///
    /// - Returns: the group that left, in order; empty as long as the stream fills up
    /// - Throws: `AnimationError.usage` without a reference; `.numbers` if a result is not finite; what the engine throws
    public func push(_ frames: [LandmarkFrame]) throws -> [Picture] { try push(frames.map { .face($0) }) }

    /// Takes in the next `schedule.framesPerGroup` frames of either set of points.
    public func push(_ frames: [DrivingPose]) throws -> [Picture] {
        precondition(frames.count == schedule.framesPerGroup, "a group has \(schedule.framesPerGroup) frames, found \(frames.count)")
        guard hasReference else { throw AnimationError(.usage, "a reference picture must be fused before frames can be animated") }
        ends.take(frames)
        if let common, stream.isFullWithNext {
            try common.run(self, member: member)
        } else {
            try computeAlone()
        }
        return try left.get()
    }

    /// Computes the push of the frames that have been painted.
    func computeAlone() throws {
        let start = ContinuousClock.now
        try ends.write(into: ends.guider, slot: 0)
        try ends.guider.run(.step)
        try ends.guider.read("features") { copy($0, into: &features) }
        try ends.enter(from: ends.guider, slot: 0)
        try decode(ifLeft: stream.push(features))
        computation = (ContinuousClock.now - start, 1)
    }

    /// Moves the frames in flight down one level without new ones.
    ///
    /// - Returns: the group that left; empty if none did; `nil` if no frames are in flight
    public func drain() throws -> [Picture]? {
        guard stream.groupCount > 0 else { return nil }
        let start = ContinuousClock.now
        try decode(ifLeft: stream.push(nil))
        computation = (ContinuousClock.now - start, 1)
        return try left.get()
    }

    private func decode(ifLeft first: Int?) throws {
        guard first != nil else {
            left = .success([])
            return
        }
        try writeLeaving(into: ends.decoder, slot: 0)
        try ends.decoder.run(.step)
        takePictures(from: ends.decoder, slot: 0)
    }

    // MARK: As one of several streams in a program

    func writeGuide(into executable: any Executable, slot: Int) throws { try ends.write(into: executable, slot: slot) }

    /// Takes in the group whose features a pose guider has computed.
    func enter(from executable: any Executable, slot: Int) throws {
        try executable.read("features") { copy($0, from: slot * features.count, into: &features) }
        try ends.enter(from: executable, slot: slot)
        stream.enter(features)
    }

    func writeLeaving(into executable: any Executable, slot: Int) throws {
        try executable.write("latents") { copy(stream.leaving, stream.leaving.count, into: &$0, at: slot * stream.leaving.count) }
        try ends.writeLeaving(into: executable, slot: slot)
    }

    /// Keeps the pictures of the group that has left; one that is not finite is this stream's failure alone.
    func takePictures(from executable: any Executable, slot: Int) {
        let size = configuration.imageSize
        left = Result {
            try ends.leave()
            return try (0..<schedule.framesPerGroup).map { frame in
                let index = slot * schedule.framesPerGroup + frame
                guard try executable.read("finite", { (areFinite: Span<UInt8>) in areFinite[index] != 0 }) else {
                    throw AnimationError(.numbers, "\(configuration.name): a picture is not finite; use another model")
                }
                let count = size * size * 3
                let bytes = try executable.read("pictures") { (span: Span<UInt8>) in span.copied(index * count, count: count) }
                return Picture(width: size, height: size, bytes: bytes)
            }
        }
    }
}
