import RainCheckpoints
import RainGraph
import RainModels

extension CaseVerifier {
    // MARK: pose_guider

    func poseGuider(_ reference: ReferenceCase) throws -> VerificationReport {
        let guider = try reference.configuration(PoseGuider.self)
        let pictures = try reference.input("pose_u8").unitRange()
        let g = GraphBuilder()
        let features = try guider(g, g.input("pictures", Shape(pictures.shape)))
        g.output("embedding", features)
        let executable = try prepared(g.graph(), reference.source("").weights, isWhole: true)
        try executable.write("pictures", pictures.values)
        try executable.run(.step)
        var comparison = comparison(reference)
        try comparison.compare("embedding", CaseTensor.channelsFirst(executable.read("embedding"), features.shape, batch: 1))
        return try complete(comparison)
    }

    // MARK: taesdv

    struct TAESDVForm: Decodable {
        let channels: Int

        func model(latentChannels: Int) throws -> TAESDV {
            guard (1...4096).contains(channels) else {
                throw ModelError(.configuration, at: "TAESDV configuration: channels", "expected 1 to 4096, found \(channels)")
            }
            return TAESDV(channels: channels, latentChannels: latentChannels)
        }
    }

    func taesdv(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.configuration(TAESDVForm.self)
        let weights = try reference.source("").weights
        var comparison = comparison(reference)
        var slice = 0
        var decoder: TAESDVDecoder?
        while reference.has("inputs/latents\(slice)") {
            // [1, f, c, h, w] is the batched layout [f, c, h, w].
            let tensor = try reference.input("latents\(slice)")
            guard tensor.shape.count == 5, tensor.shape[0] == 1 else {
                throw ModelError(
                    .verification, at: "\(reference.path): inputs/latents\(slice)", "expected [1, f, c, h, w], found \(tensor.shape)")
            }
            let (shape, latents) = try CaseTensor(shape: Array(tensor.shape.dropFirst()), values: tensor.values).channelsLast()
            if decoder?.latentShape != shape {
                let next = try TAESDVDecoder(self, form.model(latentChannels: shape[3]), weights, latentShape: shape)
                next.memories = decoder?.memories ?? next.memories
                decoder = next
            }
            guard let decoder else { break }
            let frames = try decoder.decode(latents)
            for (index, memory) in decoder.memories.enumerated() where reference.has("outputs/mem\(slice)_\(index)") {
                try comparison.compare("mem\(slice)_\(index)", CaseTensor.channelsFirst(memory, decoder.memoryShapes[index], batch: 1))
            }
            try comparison.compare("frames\(slice)", CaseTensor.channelsFirst(frames, decoder.pictureShape, batch: shape[0]))
            slice += 1
        }
        if reference.has("inputs/image") {
            let (shape, image) = try reference.input("image").channelsLast()
            let g = GraphBuilder()
            let latentChannels = try reference.tensor("outputs/encoded").shape.dropFirst().first ?? 4
            let encoded = try form.model(latentChannels: latentChannels).encode(g, g.input("image", shape))
            g.output("encoded", encoded)
            let executable = try prepared(g.graph(), weights, isWhole: false)
            try executable.write("image", image)
            try executable.run(.step)
            try comparison.compare("encoded", CaseTensor.channelsFirst(executable.read("encoded"), encoded.shape, batch: shape[0]))
        }
        return try complete(comparison)
    }

    // MARK: lcm_scheduler

    private struct SchedulerForm: Decodable {
        let guidanceScales: [Double]?
        let inferenceSteps: [Int]?
        let condProjDim: Int?
    }

    func scheduler(_ reference: ReferenceCase) throws -> VerificationReport {
        let schedule = try NoiseSchedule(reference.configuration(NoiseSchedule.Configuration.self))
        let form = try reference.form(SchedulerForm.self)
        var comparison = comparison(reference)
        func compare(_ name: String, _ values: @autoclosure () throws -> [Float], limit: Float? = nil) throws {
            if reference.has("outputs/" + name) { try comparison.compare(name, values(), limit: limit) }
        }
        try compare("betas", schedule.betas)
        try compare("alphas_cumprod", schedule.alphasCumulative)
        try compare("alphas_cumprod_f64", schedule.alphasCumulative)
        try compare("final_alpha_cumprod", [1])
        for steps in form.inferenceSteps ?? [] {
            let timesteps = try schedule.timesteps(steps)
            try compare("timesteps_\(steps)", timesteps.map { Float($0) }, limit: 0)
            try compare("c_skip_\(steps)", timesteps.map(schedule.skipWeight))
            try compare("c_out_\(steps)", timesteps.map(schedule.outputWeight))
            guard reference.has("outputs/step_timesteps_\(steps)") else { continue }
            let sample = try reference.input("sample")
            let (shape, values) = try sample.channelsLast()
            let perFrame = try reference.rows("outputs/step_timesteps_\(steps)").flatMap { $0 }
            let (output, noise) = (try reference.input("model_output").channelsLast(), try reference.input("noise").channelsLast())
            guard output.shape == shape, noise.shape == shape else {
                throw ModelError(
                    .verification, at: reference.path, "sample, model_output and noise differ: \(shape), \(output.shape), \(noise.shape)")
            }
            guard perFrame.count == shape[0], perFrame.allSatisfy(schedule.alphasCumulative.indices.contains) else {
                throw ModelError(
                    .verification, at: "\(reference.path): step_timesteps_\(steps)", "expected \(shape[0]) timesteps of the schedule")
            }
            // The case chooses which frame has which; all must be timesteps of the run.
            try compare("step_timesteps_\(steps)", perFrame.map { timesteps.contains($0) ? Float($0) : -1 }, limit: 0)
            let (next, denoised) = schedule.step(
                sample: values, output: output.values, noise: noise.values, timesteps: perFrame, of: steps)
            try compare("prev_sample_\(steps)", CaseTensor.channelsFirst(next, shape, batch: sample.shape[0]))
            try compare("denoised_\(steps)", CaseTensor.channelsFirst(denoised, shape, batch: sample.shape[0]))
        }
        for scale in form.guidanceScales ?? [] {
            let dimensions = form.condProjDim ?? 512
            guard (4...65536).contains(dimensions), dimensions % 2 == 0 else {
                throw ModelError(
                    .verification, at: "\(reference.path): cond_proj_dim", "expected an even number of at least 4, found \(dimensions)")
            }
            let embedding = Sinusoids.guidanceEmbedding(scale: Float(scale), dimensions: dimensions)
            // Ours are the correctly rounded frequencies; the official library's exponential is off in the last place now and then,
            // which 1000 · scale turns into an angle of up to this.
            try compare("w_embedding_\(scale)", embedding, limit: max(comparison.tolerance, Float(scale) * 1000 * 0x1p-24))
            // Against double precision the rounding of the angles themselves comes on top.
            try compare("w_embedding_f64_\(scale)", embedding, limit: max(comparison.tolerance, Float(scale) * 1000 * 0x1p-23))
        }
        return try complete(comparison)
    }
}

/// A TAESDV decoder for slices of one size, with its memories.
final class TAESDVDecoder {
    let latentShape: Shape
    let pictureShape: Shape
    let memoryShapes: [Shape]
    var memories: [[Float]]
    private let executable: any Executable

    init(_ verifier: CaseVerifier, _ model: TAESDV, _ weights: ParameterSource, latentShape: Shape) throws {
        self.latentShape = latentShape
        memoryShapes = model.memoryShapes(height: latentShape[1], width: latentShape[2])
        memories = memoryShapes.map { [Float](repeating: 0, count: $0.count) }
        let g = GraphBuilder()
        let inputs = try memoryShapes.enumerated().map { try g.input("memory\($0.offset)", $0.element) }
        let (pictures, left) = try model.decode(g, g.input("latents", latentShape), memories: inputs)
        g.output("pictures", pictures)
        for (index, memory) in left.enumerated() { g.output("left\(index)", memory) }
        pictureShape = pictures.shape
        executable = try verifier.prepared(g.graph(), weights, isWhole: false)
    }

    /// `[frames, h, w, c]` → `[frames, 8 h, 8 w, 3]`, not clamped
    func decode(_ latents: [Float]) throws -> [Float] {
        try executable.write("latents", latents)
        for (index, memory) in memories.enumerated() { try executable.write("memory\(index)", memory) }
        try executable.run(.step)
        memories = try memories.indices.map { try executable.read("left\($0)") }
        return try executable.read("pictures")
    }
}
