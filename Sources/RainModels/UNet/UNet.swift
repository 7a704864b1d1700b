import RainGraph

/// The U of a UNet, between `conv_in` and `conv_norm_out`: one family for reference and denoising networks
/// (arXiv 1505.04597, 2112.10752).
struct UNet {
    let configuration: UNetConfiguration

    /// The time embedding.
    ///
    /// - Parameters:
    ///   - timesteps: `[t]`
    ///   - guidance: `[1 or t, guidanceChannels]`
    /// - Returns: `[t, 4 C0]`, before the SiLU of each resnet
    func timeEmbedding(_ g: GraphBuilder, _ timesteps: Value, guidance: Value? = nil, record: Recorder? = nil) throws -> Value {
        let c = configuration
        var embedding = try Sinusoids.timesteps(
            g, timesteps, channels: c.blockOutChannels[0], cosinesFirst: c.flipSinToCos, shift: c.frequencyShift)
        record?("time_proj", embedding)
        return try g.scoped("time_embedding") {
            if c.guidanceChannels != nil {
                guard let guidance else {
                    throw GraphError(.name, at: g.scope, "a network with cond_proj needs a guidance embedding, none given")
                }
                embedding = try embedding.adding(g.linear("cond_proj", guidance, c.blockOutChannels[0], bias: false))
            }
            let hidden = try g.linear("linear_1", embedding, c.timeChannels).silu()
            let result = try g.linear("linear_2", hidden, c.timeChannels)
            record?("time_embedding", result)
            return result
        }
    }

    /// `conv_in`, plus the pose features where given.
    func entrance(_ g: GraphBuilder, _ sample: Value, pose: Value?, record: Recorder? = nil) throws -> Value {
        var x = try g.convolution("conv_in", sample, configuration.blockOutChannels[0])
        if let positions = configuration.positions {
            x = try x.adding(g.parameter("position_embedding", Shape([1] + positions + [x.shape[3]])))
        }
        if let pose { x = try x.adding(pose) }
        record?("conv_in_plus_pose", x)
        return x
    }

    /// Down, middle, up.
    ///
    /// - Parameter entrance: `[n, h, w, C0]`
    /// - Returns: `[n, h, w, C0]`, or `nil` if the pass found its last bank on the way.
    func callAsFunction(_ pass: UNetPass, _ entrance: Value) throws -> Value? {
        let g = pass.g
        var x = entrance
        var skips = [x]
        for level in 0..<configuration.levels {
            let block: Value? = try g.scoped("down_blocks.\(level)") {
                for layer in 0..<configuration.layersPerBlock {
                    guard
                        let next = try self.layer(
                            pass, x, level: level, layer: layer, block: level, down: true, attention: configuration.downAttention[level])
                    else { return nil }
                    x = next
                    skips.append(x)
                }
                if level < configuration.levels - 1 {
                    x = try g.scoped("downsamplers.0") { try Downsample()(g, x) }
                    skips.append(x)
                }
                return x
            }
            guard let block else { return nil }
            pass.note("down\(level)", block)
        }
        guard let middle = try g.scoped("mid_block", { try self.middle(pass, x) }) else { return nil }
        pass.note("mid", middle)
        x = middle
        for index in 0..<configuration.levels {
            let level = configuration.levels - 1 - index
            let block: Value? = try g.scoped("up_blocks.\(index)") {
                for layer in 0...configuration.layersPerBlock {
                    let joined = try x.concatenated(with: [skips.removeLast()], axis: 3)
                    guard
                        let next = try self.layer(
                            pass, joined, level: level, layer: layer, block: index, down: false,
                            attention: configuration.upAttention[index])
                    else { return nil }
                    x = next
                }
                if level > 0 {
                    let finer = skips.last?.shape ?? x.shape
                    x = try g.scoped("upsamplers.0") { try Upsample()(g, x, size: (finer[1], finer[2])) }
                }
                return x
            }
            guard let block else { return nil }
            pass.note("up\(index)", block)
        }
        return x
    }

    /// ResNet, spatial transformer and motion module of one layer.
    private func layer(
        _ pass: UNetPass, _ input: Value, level: Int, layer: Int, block: Int, down: Bool, attention: Bool
    ) throws -> Value? {
        let g = pass.g
        let place = "\(down ? "down" : "up")\(block)"
        var x = try g.scoped("resnets.\(layer)") {
            try ResnetBlock(configuration, outChannels: configuration.blockOutChannels[level])(g, input, time: pass.time)
        }
        pass.note("\(place)_resnet\(layer)", x)
        if attention {
            let attended = try g.scoped("attentions.\(layer)") {
                try SpatialTransformer(configuration, level: level)(pass, x, bank: "\(down ? "d" : "u")\(block)\(layer)")
            }
            guard let attended else { return nil }
            x = attended
            pass.note("\(place)_attention\(layer)", x)
        }
        if pass.motion, let motion = configuration.motion, motion.isPresent(level: level, down: down) {
            x = try g.scoped("motion_modules.\(layer)") { try MotionModule(motion, configuration, level: level)(g, x, frames: pass.frames) }
            pass.note("\(place)_motion\(layer)", x)
        }
        return x
    }

    private func middle(_ pass: UNetPass, _ input: Value) throws -> Value? {
        let g = pass.g
        let level = configuration.levels - 1
        let resnet = ResnetBlock(configuration, outChannels: configuration.blockOutChannels[level])
        let first = try g.scoped("resnets.0") { try resnet(g, input, time: pass.time) }
        pass.note("mid_resnet0", first)
        let attended = try g.scoped("attentions.0") { try SpatialTransformer(configuration, level: level)(pass, first, bank: "m") }
        guard var x = attended else { return nil }
        pass.note("mid_attention0", x)
        if pass.motion, let motion = configuration.motion, motion.inMiddle {
            x = try g.scoped("motion_modules.0") { try MotionModule(motion, configuration, level: level)(g, x, frames: pass.frames) }
            pass.note("mid_motion0", x)
        }
        return try g.scoped("resnets.1") { try resnet(g, x, time: pass.time) }
    }
}
