import RainCheckpoints
import RainGraph
import RainModels

extension CaseVerifier {
    // MARK: denoising_unet

    private struct DenoisingForm: Decodable { let intermediateFrames: [Int]? }

    func denoisingUNet(_ reference: ReferenceCase) throws -> VerificationReport {
        let configuration = try reference.source("unet").configuration(UNetConfiguration.self)
        let unet = try DenoisingUNet(configuration)
        let (shape, sample) = try reference.input("sample").channelsLast()
        let batch = try reference.input("sample").shape[0]
        let frames = shape[0] / batch
        let given = try reference.form(DenoisingForm.self).intermediateFrames
        let chosen = given ?? Array(0..<frames)
        guard chosen.allSatisfy((0..<frames).contains) else {
            throw ModelError(
                .verification, at: "\(reference.path): intermediate_frames", "expected frames below \(frames), found \(chosen.prefix(40))")
        }

        let g = GraphBuilder()
        let recording = Recording()
        let timesteps = try reference.input("timesteps").values
        var inputs = CaseInputs(reference)
        let result = try unet(
            g, sample: g.input("sample", shape), timesteps: g.constant(timesteps, [timesteps.count]),
            context: configuration.crossAttentionChannels == nil ? nil : inputs.tokens(g, "encoder_hidden_states"),
            guidance: configuration.guidanceChannels == nil ? nil : inputs.plain(g, "timestep_cond"),
            pose: reference.has("inputs/pose_cond_fea") ? inputs.pictures(g, "pose_cond_fea", .step) : nil,
            references: inputs.banks(g, configuration, height: shape[1], width: shape[2], prefix: ""), frames: frames,
            record: { recording($0, $1) })
        recording("noise_pred", result)
        let outputs = recording.outputs(g, wanted: Set(reference.outputs))

        let executable = try prepared(g.graph(), reference.source("unet").weights, isWhole: true)
        try inputs.write(to: executable)
        try executable.write("sample", sample)
        try executable.run(.reference)
        try executable.run(.step)
        var comparison = comparison(reference)
        for (name, shape) in outputs {
            let values = try executable.read(name)
            let isWhole = name == "noise_pred"
            try comparison.compare(
                name, shape.rank == 4 ? CaseTensor.channelsFirst(values, shape, batch: batch, frames: isWhole ? nil : chosen) : values)
        }
        return try complete(comparison)
    }

    // MARK: reference_unet

    func referenceUNet(_ reference: ReferenceCase) throws -> VerificationReport {
        let configuration = try reference.configuration(UNetConfiguration.self)
        let unet = try ReferenceUNet(configuration)
        let (shape, latents) = try reference.input("latents").channelsLast()
        let g = GraphBuilder()
        let recording = Recording()
        let timestep = try reference.has("inputs/timestep") ? reference.input("timestep").values : [0]
        var inputs = CaseInputs(reference)
        let (banks, hidden) = try unet.throughout(
            g, latents: g.input("latents", shape, .reference), timestep: g.constant(timestep, [timestep.count]),
            context: configuration.crossAttentionChannels == nil ? nil : inputs.tokens(g, "clip_embeds"),
            record: { recording($0, $1) })
        for bank in banks { recording(bank.name, bank.tokens) }
        recording("last_hidden", hidden)
        let outputs = recording.outputs(g, wanted: Set(reference.outputs))

        let source = try reference.source("")
        let executable = try prepared(g.graph(), source.weights, isWhole: !reference.takesWeightsFromOthers)
        try inputs.write(to: executable)
        try executable.write("latents", latents)
        try executable.run(.reference)
        var comparison = comparison(reference)
        for (name, shape) in outputs {
            let values = try executable.read(name)
            try comparison.compare(name, shape.rank == 4 ? CaseTensor.channelsFirst(values, shape, batch: shape[0]) : values)
        }
        return try complete(comparison)
    }

    // MARK: unet_blocks

    private struct BlocksForm: Decodable {
        let block: String
        let index: Int
        let inputScales: [String: Float]
    }

    func blocks(_ reference: ReferenceCase) throws -> VerificationReport {
        let form = try reference.form(BlocksForm.self)
        let source = try reference.source("")
        let configuration = try source.configuration(UNetConfiguration.self)
        let level = try level(of: form.block, configuration, reference)
        let (hiddenShape, hidden) = try reference.input("hidden").channelsLast()
        guard try reference.input("hidden").shape.count == 5, try reference.input("tokens").shape.count == 3 else {
            throw ModelError(.verification, at: reference.path, "expected hidden [b, c, f, h, w] and tokens [f, l, c]")
        }
        let frames = try reference.input("hidden").shape[2]
        let batch = hiddenShape[0] / frames
        let tokens = try reference.input("tokens")
        var comparison = comparison(reference)

        let g = GraphBuilder()
        let recording = Recording()
        var inputs = CaseInputs(reference)
        let x = try g.input("hidden", hiddenShape)
        let t = try g.input("tokens", Shape(tokens.shape))
        // One column per frame in the file, one row here.
        let time = try inputs.columns(g, "temb")
        let context = configuration.crossAttentionChannels == nil ? nil : try inputs.tokens(g, "encoder_hidden_states")
        let bank = try inputs.tokens(g, "reference")
        try g.scoped(form.block) {
            let resnet = ResnetBlock(configuration, outChannels: configuration.blockOutChannels[level])
            recording("resnet", try g.scoped("resnets.\(form.index)") { try resnet(g, x, time: time) })
            try g.scoped("attentions.\(form.index)") {
                let pass = UNetPass(g, time: time, context: context, references: [Bank(name: "reference", tokens: bank)])
                if let result = try SpatialTransformer(configuration, level: level)(pass, x, bank: "reference") {
                    recording("spatial_transformer", result)
                }
                let block = SpatialBlock(configuration, level: level)
                try g.scoped("transformer_blocks.0") {
                    let normed = try block.normed(g, t)
                    recording("spatial_block", try block(g, t, normed: normed, reference: bank, context: context))
                    recording("spatial_block_no_reference", try block(g, t, normed: normed, reference: nil, context: context))
                }
            }
            if let motion = configuration.motion {
                try g.scoped("motion_modules.\(form.index)") {
                    recording("motion_module", try MotionModule(motion, configuration, level: level)(g, x, frames: frames))
                    let shape = t.shape
                    recording(
                        "motion_block",
                        try g.scoped("temporal_transformer.transformer_blocks.0") {
                            try MotionBlock(motion, configuration, level: level)(g, t.reshaped([1, shape[0], shape[1], shape[2]])).reshaped(
                                shape)
                        })
                }
            }
            if source.weights.contains(form.block + ".downsamplers.0.conv.weight") {
                recording("downsample", try g.scoped("downsamplers.0") { try Downsample()(g, x) })
            }
        }
        let upsampler = "up_blocks.1.upsamplers.0"
        if source.has("weights/\(upsampler).conv.weight") {
            let channels = try source.file.info("weights/\(upsampler).conv.weight").shape.first ?? 0
            let doubled = try x.concatenated(with: [x], axis: 3).sliced(axis: 3, start: 0, count: channels)
            recording("upsample", try g.scoped(upsampler) { try Upsample()(g, doubled) })
        }
        let wanted = Set(reference.outputs.map { $0.split(separator: "/", maxSplits: 1).last.map(String.init) ?? $0 })
        let outputs = recording.outputs(g, wanted: wanted)
        let executable = try prepared(g.graph(), source.weights, isWhole: false)
        try inputs.write(to: executable)
        for (scale, factor) in form.inputScales.sorted(by: { $0.key < $1.key }) {
            try executable.write("hidden", hidden.map { $0 * factor })
            try executable.write("tokens", tokens.values.map { $0 * factor })
            try executable.run(.reference)
            try executable.run(.step)
            for (name, shape) in outputs where reference.has("outputs/\(scale)/\(name)") {
                let values = try executable.read(name)
                try comparison.compare(
                    "\(scale)/\(name)", shape.rank == 4 ? CaseTensor.channelsFirst(values, shape, batch: batch) : values)
            }
        }
        return try complete(comparison)
    }

    private func level(of block: String, _ configuration: UNetConfiguration, _ reference: ReferenceCase) throws -> Int {
        let parts = block.split(separator: ".")
        let number = parts.count == 2 ? Int(parts[1]) : nil
        let level: Int? =
            switch (parts.first, number) {
            case ("down_blocks", let number?): number
            case ("up_blocks", let number?): configuration.levels - 1 - number
            case ("mid_block", nil): configuration.levels - 1
            default: nil
            }
        guard let level, (0..<configuration.levels).contains(level) else {
            throw ModelError(
                .verification, at: "\(reference.path): config.block",
                "expected down_blocks.N, up_blocks.N or mid_block of \(configuration.levels) levels, found '\(block.prefix(80))'")
        }
        return level
    }

    /// A case is only verified if every one of its outputs was compared.
    func complete(_ comparison: Comparison) throws -> VerificationReport {
        let done = Set(comparison.report.outputs.map(\.name))
        let left = comparison.reference.outputs.filter { !done.contains($0) }
        guard left.isEmpty else {
            throw ModelError(
                .verification, at: comparison.reference.path,
                "outputs this verifier cannot compute for that configuration: \(left.prefix(20).joined(separator: ", "))")
        }
        return comparison.report
    }
}

/// Inputs of a graph together with the values a case gives them.
struct CaseInputs {
    let reference: ReferenceCase
    private var values: [(name: String, values: [Float])] = []

    init(_ reference: ReferenceCase) { self.reference = reference }

    /// Tokens `[b, l, c]`, as in the file.
    mutating func tokens(_ g: GraphBuilder, _ name: String) throws -> Value { try plain(g, name, rank: 3) }

    mutating func plain(_ g: GraphBuilder, _ name: String, rank: Int = 2) throws -> Value {
        let tensor = try reference.input(name)
        guard tensor.shape.count == rank else {
            throw ModelError(.verification, at: "\(reference.path): inputs/\(name)", "expected \(rank) axes, found \(tensor.shape)")
        }
        values.append((name, tensor.values))
        return try g.input(name, Shape(tensor.shape), .reference)
    }

    /// Pictures of `[b, c, f, h, w]`.
    mutating func pictures(_ g: GraphBuilder, _ name: String, _ lifetime: Lifetime) throws -> Value {
        let (shape, tensor) = try reference.input(name).channelsLast()
        values.append((name, tensor))
        return try g.input(name, shape, lifetime)
    }

    /// `[b, c, f]` → `[b · f, c]`
    mutating func columns(_ g: GraphBuilder, _ name: String) throws -> Value {
        let tensor = try reference.input(name)
        guard tensor.shape.count == 3 else {
            throw ModelError(.verification, at: "\(reference.path): inputs/\(name)", "expected [b, c, f], found \(tensor.shape)")
        }
        let (shape, rows) = try CaseTensor(shape: tensor.shape + [1, 1], values: tensor.values).channelsLast()
        values.append((name, rows))
        return try g.input(name, [shape[0], shape[3]])
    }

    /// The banks a configuration has places for; none if the case has none.
    mutating func banks(_ g: GraphBuilder, _ configuration: UNetConfiguration, height: Int, width: Int, prefix: String) throws -> [Bank] {
        let banks = configuration.banks(height: height, width: width)
        guard banks.contains(where: { reference.has("inputs/" + prefix + $0.name) }) else { return [] }
        return try banks.map { Bank(name: $0.name, tokens: try tokens(g, prefix + $0.name)) }
    }

    func write(to executable: any Executable) throws {
        for (name, values) in values { try executable.write(name, values) }
    }
}
