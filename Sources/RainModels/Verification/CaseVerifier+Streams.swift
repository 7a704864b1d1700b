import RainCheckpoints
import RainGraph

extension CaseVerifier {
    private struct StreamForm: Decodable {
        let temporal_window_size: Int
        let temporal_adaptive_step: Int
        let num_inference_steps: Int
        let timesteps: [Int]?
        let steps: Int?
        let calls: Int?
        let scheduler: NoiseSchedule.Configuration

        /// Timesteps of the levels, cleanest first: one for every group in flight.
        func levels(_ schedule: NoiseSchedule, steps: Int? = nil) throws -> [Int] {
            let steps = steps ?? num_inference_steps
            guard temporal_window_size > 0, temporal_adaptive_step > 0, steps >= temporal_adaptive_step, steps % temporal_adaptive_step == 0
            else {
                throw ModelError(
                    .verification, at: "config",
                    "expected steps in multiples of temporal_adaptive_step, found \(steps) and \(temporal_adaptive_step)")
            }
            let jump = steps / temporal_adaptive_step
            return try schedule.timesteps(steps).enumerated().filter { $0.offset % jump == 0 }.map(\.element).reversed()
        }
    }

    // MARK: stream

    func stream(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.configuration(StreamForm.self)
        let schedule = try NoiseSchedule(form.scheduler)
        let p = form.temporal_window_size
        let timesteps = try form.timesteps ?? form.levels(schedule).flatMap { Array(repeating: $0, count: p) }
        try check(timesteps, schedule, reference)
        let steps = try reference.file.info("inputs/pose_index").shape.first ?? 0
        let networks = try StreamNetworks(self, reference, sample: "step0/add_noise")
        let pictures = try reference.input("pose_images_u8").unitRange()
        let poseIndex = try reference.integers("pose_index")
        var comparison = comparison(reference, loop: true)

        let starts = Set(reference.outputs.compactMap { $0.contains("/step") ? $0.split(separator: "/").first.map(String.init) : nil }).sorted()
        for start in starts {
            let size = timesteps.count * networks.frameSize
            var sample = [Float](repeating: 0, count: size)
            var poses = [Float](repeating: 0, count: (timesteps.count - p) * networks.poseSize)
            if reference.has("inputs/\(start)/sample") { sample = try reference.input("\(start)/sample").channelsLast().values }
            if reference.has("inputs/\(start)/pose_cond_fea") { poses = try reference.input("\(start)/pose_cond_fea").channelsLast().values }
            guard sample.count == size, poses.count == (timesteps.count - p) * networks.poseSize else {
                throw ModelError(.verification, at: "\(reference.path): inputs/\(start)", "does not hold \(timesteps.count) frames")
            }
            networks.forget()
            let showsFrames = reference.outputs.contains { $0.hasPrefix("\(start)/") && $0.hasSuffix("/frames") }
            for step in 0..<steps {
                let chosen = Array(poseIndex[step * p..<(step + 1) * p])
                poses += try networks.poseFeatures(pictures.rows(chosen))
                let output = try networks.denoise(sample, timesteps: timesteps, poses: poses)
                let noise = try reference.input("step\(step)/add_noise").channelsLast().values
                let next = schedule.step(
                    sample: sample, output: output, noise: noise, timesteps: timesteps, of: form.num_inference_steps
                ).next
                let emitted = Array(next.prefix(p * networks.frameSize))
                sample = try Array(next.dropFirst(p * networks.frameSize)) + reference.input("step\(step)/new_noise").channelsLast().values
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
        let form = try reference.configuration(StreamForm.self)
        let schedule = try NoiseSchedule(form.scheduler)
        let (p, groups) = (form.temporal_window_size, form.temporal_adaptive_step)
        let levels = try form.levels(schedule)
        let jump = form.num_inference_steps / groups
        let networks = try StreamNetworks(self, reference, sample: "call0/new_latents")
        let pictures = try reference.input("pose_images_u8").unitRange()
        let poseIndex = try reference.integers("pose_index")
        var comparison = comparison(reference, loop: true)

        var pile: [Float] = []
        var poses: [Float] = []
        for call in 0..<(try reference.file.info("inputs/pose_index").shape.first ?? 0) {
            pile += try reference.input("call\(call)/new_latents").channelsLast().values
            poses += try networks.poseFeatures(pictures.rows(Array(poseIndex[call * p..<(call + 1) * p])))
            let inFlight = pile.count / (p * networks.frameSize)
            guard (1...groups).contains(inFlight) else {
                throw ModelError(.verification, at: reference.path, "call \(call) has \(inFlight) groups in flight, expected at most \(groups)")
            }
            for pass in 0..<jump {
                let lowered = pass * (form.scheduler.trainingSteps / form.num_inference_steps)
                let timesteps = levels.suffix(inFlight).flatMap { Array(repeating: $0 - lowered, count: p) }
                try check(timesteps, schedule, reference)
                try comparison.compareTimesteps("call\(call)/timesteps\(pass)", timesteps)
                let output = try networks.denoise(pile, timesteps: timesteps, poses: poses)
                let noise = try reference.input("call\(call)/step_noise\(pass)").channelsLast().values
                pile = schedule.step(sample: pile, output: output, noise: noise, timesteps: timesteps, of: form.num_inference_steps).next
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
        let temporal_window_size: Int
        let temporal_adaptive_step: Int
        let steps: [Int]
        let scheduler: NoiseSchedule.Configuration
    }

    func pipeline(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.configuration(PipelineForm.self)
        let schedule = try NoiseSchedule(form.scheduler)
        let (p, groups) = (form.temporal_window_size, form.temporal_adaptive_step)
        let networks = try StreamNetworks(self, reference, sample: "initial_latents")
        let initial = try reference.input("initial_latents").channelsLast().values
        let poses = try reference.input("pose_fea").channelsLast().values
        let windows = p > 0 ? initial.count / (p * networks.frameSize) : 0
        guard windows > 0, windows * p * networks.frameSize == initial.count, poses.count == windows * p * networks.poseSize else {
            throw ModelError(.verification, at: reference.path, "video_length is not a multiple of temporal_window_size \(p)")
        }
        var comparison = comparison(reference, loop: true)
        for steps in form.steps {
            let stream = StreamForm(
                temporal_window_size: p, temporal_adaptive_step: groups, num_inference_steps: steps, timesteps: nil, steps: nil, calls: nil,
                scheduler: form.scheduler)
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
                    let lowered = pass * (form.scheduler.trainingSteps / steps)
                    let timesteps = own.flatMap { Array(repeating: $0 - lowered, count: p) }
                    try check(timesteps, schedule, reference)
                    try comparison.compareTimesteps("steps\(steps)/timesteps\(call)", timesteps)
                    let sample = Array(latents[range])
                    let output = try networks.denoise(sample, timesteps: timesteps, poses: pose)
                    let noise = try reference.input("steps\(steps)/noise\(call)").channelsLast().values
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

    /// - Parameter sample: an input with the shape of latents
    init(_ verifier: CaseVerifier, _ reference: ReferenceCase, sample: String) throws {
        self.verifier = verifier
        self.reference = reference
        let source = try reference.source("unet")
        configuration = try source.configuration(UNetConfiguration.self)
        weights = source.weights
        var shape = try reference.input(sample).channelsLast().shape
        shape[0] = 1
        frameShape = shape
        poseSize = shape[1] * shape[2] * configuration.blockOutChannels[0]
    }

    func forget() { decoder = nil }

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
        let decoder = try self.decoder ?? {
            let source = try reference.source("taesdv")
            let model = try source.configuration(CaseVerifier.TAESDVForm.self).model(latentChannels: shape[3])
            return try TAESDVDecoder(verifier, model, source.weights, latentShape: shape)
        }()
        self.decoder = decoder
        return (try decoder.decode(latents), decoder.pictureShape)
    }
}
