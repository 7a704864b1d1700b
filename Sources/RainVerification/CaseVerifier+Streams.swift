import RainCheckpoints
import RainGraph
import RainModels

extension CaseVerifier {
    /// The scheduler of a loop; decoded apart, since it spells its keys.
    private struct SchedulerPart: Decodable { let scheduler: NoiseSchedule.Configuration }

    private struct StreamForm: Decodable {
        let temporalWindowSize: Int
        let temporalAdaptiveStep: Int
        let numInferenceSteps: Int
        let timesteps: [Int]?

        /// Timesteps of the levels, cleanest first: one for every group in flight.
        func levels(_ schedule: NoiseSchedule, steps: Int? = nil) throws -> [Int] {
            let steps = steps ?? numInferenceSteps
            guard temporalWindowSize > 0, temporalAdaptiveStep > 0, steps >= temporalAdaptiveStep, steps % temporalAdaptiveStep == 0
            else {
                throw ModelError(
                    .verification, at: "config",
                    "expected steps in multiples of temporal_adaptive_step, found \(steps) and \(temporalAdaptiveStep)")
            }
            let jump = steps / temporalAdaptiveStep
            return try schedule.timesteps(steps).enumerated().filter { $0.offset % jump == 0 }.map(\.element).reversed()
        }
    }

    // MARK: stream

    func stream(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.form(StreamForm.self)
        let schedule = try NoiseSchedule(reference.configuration(SchedulerPart.self).scheduler)
        let p = form.temporalWindowSize
        let levels = try form.levels(schedule)
        let networks = try StreamNetworks(self, reference, sample: "step0/add_noise", window: p)
        let timesteps = form.timesteps ?? levels.flatMap { Array(repeating: $0, count: p) }
        try check(timesteps, schedule, reference)
        guard timesteps.count > p, timesteps.count % p == 0 else {
            throw ModelError(
                .verification, at: "\(reference.path): config.timesteps", "expected groups of \(p) frames, found \(timesteps.count)")
        }
        let pictures = try reference.input("pose_images_u8").unitRange()
        let poseIndex = try reference.rows("inputs/pose_index", of: p)
        var comparison = comparison(reference, loop: true)

        let starts = Set(reference.outputs.compactMap { $0.contains("/step") ? $0.split(separator: "/").first.map(String.init) : nil })
            .sorted()
        for start in starts {
            var sample = [Float](repeating: 0, count: timesteps.count * networks.frameSize)
            var poses = [Float](repeating: 0, count: (timesteps.count - p) * networks.poseSize)
            if reference.has("inputs/\(start)/sample") { sample = try networks.latents("\(start)/sample", frames: timesteps.count) }
            if reference.has("inputs/\(start)/pose_cond_fea") {
                let given = try reference.input("\(start)/pose_cond_fea").channelsLast().values
                guard given.count == poses.count else {
                    throw ModelError(
                        .verification, at: "\(reference.path): inputs/\(start)/pose_cond_fea", "does not hold \(timesteps.count - p) frames"
                    )
                }
                poses = given
            }
            networks.forget()
            let showsFrames = reference.outputs.contains { $0.hasPrefix("\(start)/") && $0.hasSuffix("/frames") }
            for (step, chosen) in poseIndex.enumerated() {
                poses += try networks.poseFeatures(pictures.rows(chosen))
                let output = try networks.denoise(sample, timesteps: timesteps, poses: poses)
                let noise = try networks.latents("step\(step)/add_noise", frames: timesteps.count)
                let next = schedule.step(
                    sample: sample, output: output, noise: noise, timesteps: timesteps, of: form.numInferenceSteps
                ).next
                let emitted = Array(next.prefix(p * networks.frameSize))
                sample = try Array(next.dropFirst(p * networks.frameSize)) + networks.latents("step\(step)/new_noise", frames: p)
                poses.removeFirst(p * networks.poseSize)
                let place = "\(start)/step\(step)"
                try comparison.compareLatents("\(place)/emitted_latents", emitted, networks)
                if showsFrames {
                    let frames = try networks.decode(emitted, frames: p)
                    if reference.has("outputs/\(place)/frames") {
                        // [1, f, c, h, w]
                        try comparison.compare(
                            "\(place)/frames", CaseTensor.channelsFirst(frames.values.map { min(max($0, 0), 1) }, frames.shape, batch: p))
                    }
                }
                try comparison.compareLatents("\(place)/latents", sample, networks)
            }
        }
        return try complete(comparison)
    }

    // MARK: stream_warmup

    func warmUp(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.form(StreamForm.self)
        let schedule = try NoiseSchedule(reference.configuration(SchedulerPart.self).scheduler)
        let (p, groups) = (form.temporalWindowSize, form.temporalAdaptiveStep)
        let levels = try form.levels(schedule)
        let jump = form.numInferenceSteps / groups
        let networks = try StreamNetworks(self, reference, sample: "call0/new_latents", window: p)
        let pictures = try reference.input("pose_images_u8").unitRange()
        let poseIndex = try reference.rows("inputs/pose_index", of: p)
        var comparison = comparison(reference, loop: true)

        var pile: [Float] = []
        var poses: [Float] = []
        for (call, chosen) in poseIndex.enumerated() {
            pile += try networks.latents("call\(call)/new_latents", frames: p)
            poses += try networks.poseFeatures(pictures.rows(chosen))
            let inFlight = pile.count / (p * networks.frameSize)
            guard (1...groups).contains(inFlight) else {
                throw ModelError(
                    .verification, at: reference.path, "call \(call) has \(inFlight) groups in flight, expected at most \(groups)")
            }
            for pass in 0..<jump {
                let lowered = pass * (schedule.configuration.trainingSteps / form.numInferenceSteps)
                let timesteps = levels.suffix(inFlight).flatMap { Array(repeating: $0 - lowered, count: p) }
                try check(timesteps, schedule, reference)
                try comparison.compareTimesteps("call\(call)/timesteps\(pass)", timesteps)
                let output = try networks.denoise(pile, timesteps: timesteps, poses: poses)
                let noise = try networks.latents("call\(call)/step_noise\(pass)", frames: timesteps.count)
                pile = schedule.step(sample: pile, output: output, noise: noise, timesteps: timesteps, of: form.numInferenceSteps).next
            }
            if inFlight == groups {
                try comparison.compareLatents("call\(call)/emitted_latents", Array(pile.prefix(p * networks.frameSize)), networks)
                pile.removeFirst(p * networks.frameSize)
                poses.removeFirst(p * networks.poseSize)
            }
            try comparison.compareLatents("call\(call)/pile", pile, networks)
        }
        return try complete(comparison)
    }

    // MARK: pipeline_lcm

    private struct PipelineForm: Decodable {
        let temporalWindowSize: Int
        let temporalAdaptiveStep: Int
        let steps: [Int]
    }

    func pipeline(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.form(PipelineForm.self)
        let schedule = try NoiseSchedule(reference.configuration(SchedulerPart.self).scheduler)
        let (p, groups) = (form.temporalWindowSize, form.temporalAdaptiveStep)
        let networks = try StreamNetworks(self, reference, sample: "initial_latents", window: p)
        let initial = try reference.input("initial_latents").channelsLast().values
        let poses = try reference.input("pose_fea").channelsLast().values
        let windows = initial.count / (p * networks.frameSize)
        guard windows > 0, windows * p * networks.frameSize == initial.count, poses.count == windows * p * networks.poseSize else {
            throw ModelError(.verification, at: reference.path, "video_length is not a multiple of temporal_window_size \(p)")
        }
        var comparison = comparison(reference, loop: true)
        for steps in form.steps {
            let stream = StreamForm(
                temporalWindowSize: p, temporalAdaptiveStep: groups, numInferenceSteps: steps, timesteps: nil)
            let levels = try stream.levels(schedule)
            var latents = initial
            var call = 0
            for iteration in 0..<windows + groups - 1 {
                let active = max(0, iteration - groups + 1)..<min(windows, iteration + 1)
                // The window that entered k iterations ago has come down k levels.
                let own = active.map { levels[groups - 1 - (iteration - $0)] }
                let range = active.lowerBound * p * networks.frameSize..<active.upperBound * p * networks.frameSize
                let pose = Array(poses[active.lowerBound * p * networks.poseSize..<active.upperBound * p * networks.poseSize])
                for pass in 0..<steps / groups {
                    let lowered = pass * (schedule.configuration.trainingSteps / steps)
                    let timesteps = own.flatMap { Array(repeating: $0 - lowered, count: p) }
                    try check(timesteps, schedule, reference)
                    try comparison.compareTimesteps("steps\(steps)/timesteps\(call)", timesteps)
                    let sample = Array(latents[range])
                    let output = try networks.denoise(sample, timesteps: timesteps, poses: pose)
                    let noise = try networks.latents("steps\(steps)/noise\(call)", frames: timesteps.count)
                    latents.replaceSubrange(
                        range, with: schedule.step(sample: sample, output: output, noise: noise, timesteps: timesteps, of: steps).next)
                    call += 1
                }
                try comparison.compareLatents("steps\(steps)/after_iteration\(iteration)", latents, networks)
            }
            try comparison.compareLatents("steps\(steps)/latents", latents, networks)
        }
        return try complete(comparison)
    }

    /// Steps are only defined within the schedule, and files may say anything.
    private func check(_ timesteps: [Int], _ schedule: NoiseSchedule, _ reference: ReferenceCase) throws {
        guard timesteps.allSatisfy(schedule.alphasCumulative.indices.contains) else {
            throw ModelError(.verification, at: reference.path, "timesteps outside the schedule: \(timesteps.prefix(32))")
        }
    }
}

extension Comparison {
    /// Compares `[f, h, w, c]` with `[1, c, f, h, w]`, if the case stores it.
    fileprivate mutating func compareLatents(_ name: String, _ values: [Float], _ networks: StreamNetworks) throws {
        guard reference.has("outputs/" + name) else { return }
        var shape = networks.frameShape
        shape[0] = values.count / networks.frameSize
        try compare(name, CaseTensor.channelsFirst(values, shape, batch: 1))
    }

    fileprivate mutating func compareTimesteps(_ name: String, _ timesteps: [Int]) throws {
        if reference.has("outputs/" + name) { try compare(name, timesteps.map { Float($0) }, limit: 0) }
    }
}

/// The networks of a stream, prepared for every number of frames in flight when it first occurs.
private final class StreamNetworks {
    /// Of one frame's latents, `[1, h, w, c]`.
    let frameShape: Shape
    let poseSize: Int
    var frameSize: Int { frameShape.count }

    private let verifier: CaseVerifier
    private let reference: ReferenceCase
    private let configuration: UNetConfiguration
    private let weights: ParameterSource
    private var denoisers: [Int: any Executable] = [:]
    private var guiders: [Shape: any Executable] = [:]
    private var decoder: TAESDVDecoder?

    /// - Parameters:
    ///   - sample: an input with the shape of latents
    ///   - window: how many frames enter at a time, as the file says; that input bounds what is believed
    init(_ verifier: CaseVerifier, _ reference: ReferenceCase, sample: String, window: Int) throws {
        self.verifier = verifier
        self.reference = reference
        let source = try reference.source("unet")
        configuration = try source.configuration(UNetConfiguration.self)
        weights = source.weights
        var shape = try reference.input(sample).channelsLast().shape
        guard (1...shape[0]).contains(window) else {
            throw ModelError(
                .verification, at: "\(reference.path): config.temporal_window_size",
                "expected 1 to \(shape[0]), the frames of inputs/\(sample), found \(window)")
        }
        shape[0] = 1
        frameShape = shape
        poseSize = shape[1] * shape[2] * configuration.blockOutChannels[0]
    }

    func forget() { decoder = nil }

    /// An input `[1, c, frames, h, w]` as `[frames, h, w, c]`.
    func latents(_ name: String, frames: Int) throws -> [Float] {
        let (shape, values) = try reference.input(name).channelsLast()
        var expected = frameShape
        expected[0] = frames
        guard shape == expected else {
            throw ModelError(.verification, at: "\(reference.path): inputs/\(name)", "expected frames \(expected), found \(shape)")
        }
        return values
    }

    /// `[f, h, w, c]` → the network's output of the same shape
    func denoise(_ sample: [Float], timesteps: [Int], poses: [Float]) throws -> [Float] {
        let frames = timesteps.count
        let executable = try denoisers[frames] ?? denoiser(frames: frames)
        denoisers[frames] = executable
        try executable.write("sample", sample)
        try executable.write("timesteps", timesteps.map { Float($0) })
        try executable.write("pose", poses)
        try executable.run(.step)
        return try executable.read("output")
    }

    private func denoiser(frames: Int) throws -> any Executable {
        let g = GraphBuilder()
        var inputs = CaseInputs(reference)
        var shape = frameShape
        shape[0] = frames
        var pose = shape
        pose[3] = configuration.blockOutChannels[0]
        let output = try DenoisingUNet(configuration)(
            g, sample: g.input("sample", shape), timesteps: g.input("timesteps", [frames]),
            context: configuration.crossAttentionChannels == nil ? nil : inputs.tokens(g, "encoder_hidden_states"),
            guidance: configuration.guidanceChannels == nil ? nil : inputs.plain(g, "timestep_cond"), pose: g.input("pose", pose),
            references: inputs.banks(g, configuration, height: shape[1], width: shape[2], prefix: "ref_"), frames: frames)
        g.output("output", output)
        let executable = try verifier.prepared(g.graph(), weights, isWhole: true)
        try inputs.write(to: executable)
        try executable.run(.reference)
        return executable
    }

    /// Pictures `[f, H, W, 3]` → features `[f, h, w, C0]`
    func poseFeatures(_ pictures: CaseTensor) throws -> [Float] {
        let shape = Shape(pictures.shape)
        let executable = try guiders[shape] ?? guider(shape)
        guiders[shape] = executable
        try executable.write("pictures", pictures.values)
        try executable.run(.step)
        return try executable.read("features")
    }

    private func guider(_ shape: Shape) throws -> any Executable {
        let source = try reference.source("pose_guider")
        let g = GraphBuilder()
        let features = try source.configuration(PoseGuider.self)(g, g.input("pictures", shape))
        g.output("features", features)
        guard features.shape.count == shape[0] * poseSize else {
            throw ModelError(.verification, at: reference.path, "pose features \(features.shape) do not fit latents \(frameShape)")
        }
        return try verifier.prepared(g.graph(), source.weights, isWhole: true)
    }

    /// Latents `[frames, h, w, c]` → pictures, remembering the previous ones.
    func decode(_ latents: [Float], frames: Int) throws -> (values: [Float], shape: Shape) {
        var shape = frameShape
        shape[0] = frames
        let decoder =
            try self.decoder
            ?? {
                let source = try reference.source("taesdv")
                let model = try source.configuration(CaseVerifier.TAESDVForm.self).model(latentChannels: shape[3])
                return try TAESDVDecoder(verifier, model, source.weights, latentShape: shape)
            }()
        self.decoder = decoder
        return (try decoder.decode(latents), decoder.pictureShape)
    }
}
