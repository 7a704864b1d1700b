import RainGraph
import RainModels

/// Says of a checkpoint that is not the one it should be what it is instead.
struct PublishedDiagnosis {
    typealias Part = PublishedConfiguration.Part

    let part: Part
    let configuration: PublishedConfiguration

    /// Checks names and shapes of all tensors.
    ///
    /// - Throws: `ModelError.checkpoint`, one sentence naming file, tensor, expected and found
    func check(_ source: ParameterSource) throws {
        let parameters = try configuration.parameters(of: part)
        let needed = Dictionary(parameters.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
        let names = source.names
        let surplus = names.filter { needed[$0] == nil && !isHarmless($0) }
        let missing = parameters.filter { !source.contains($0.name) && isUsed($0.name) }
        func refuse(_ message: String) -> ModelError { ModelError(.checkpoint, at: source.description, message) }
        guard names.count > 0 else { throw refuse("expected the \(parameters.count) tensors of \(part.title), found none") }
        if let prefix = WrappedNames(part).foreignPrefix(names, parameters: parameters.map(\.name)) {
            throw refuse(
                "expected the \(parameters.count) tensors of \(part.title), such as '\(parameters[0].name)', found names behind '\(prefix)'; "
                    + "save them without it, or take the file from \(PublishedFolder.origin(of: part))")
        }
        if let kind = try kind(names) {
            throw refuse(
                "expected the \(parameters.count) tensors of \(part.title), such as '\(parameters[0].name)' \(parameters[0].shape), "
                    + "found \(kind), such as '\(surplus.first ?? names[0])'; the right file is at \(PublishedFolder.origin(of: part))")
        }
        let misshapen = try parameters.compactMap { parameter -> (name: String, expected: Shape, found: [Int])? in
            guard let found = try source.shape(parameter.name), found != parameter.shape.dimensions else { return nil }
            return (parameter.name, parameter.shape, found)
        }
        if let first = misshapen.first {
            throw refuse(
                "tensor '\(first.name)': expected shape \(first.expected), found \(first.found)"
                    + others(misshapen.count, "of another shape"))
        }
        if let first = missing.first {
            throw refuse("expected a tensor '\(first.name)' of shape \(first.shape), found none" + others(missing.count, "missing"))
        }
        if let first = surplus.first {
            throw refuse(
                "tensor '\(first)': expected no tensor of this name in \(part.title)" + others(surplus.count, "that do not belong here"))
        }
    }

    private func others(_ count: Int, _ what: String) -> String {
        (count > 1 ? ", and \(count - 1) more \(what)" : "")
            + "; check that the file is the one from \(PublishedFolder.origin(of: part))"
    }

    /// Tensors that may be missing, since RAIN uses only one half of each auto-encoder.
    private func isUsed(_ name: String) -> Bool {
        switch part {
        case .taesdv: name.hasPrefix("decoder.")
        case .autoencoder: name.hasPrefix("encoder.") || name.hasPrefix("quant_conv.")
        default: true
        }
    }

    /// Tensors that may be there although the network does not have them.
    private func isHarmless(_ name: String) -> Bool {
        switch part {
        // The layers behind the last bank, which the authors' module does not have but Stable Diffusion's does.
        case .referenceUNet: name.hasPrefix("conv_norm_out.") || name.hasPrefix("conv_out.")
        case .imageEncoder: CLIPVisionEncoder.isBuffer(name)
        case .taesdv: name.hasPrefix("encoder.")
        case .autoencoder: name.hasPrefix("decoder.") || name.hasPrefix("post_quant_conv.")
        default: false
        }
    }

    /// What a checkpoint is that has little to do with the part; `nil` if it is about the right one.
    private func kind(_ names: [String]) throws -> String? {
        if names.contains(where: { $0.lowercased().contains("lora") }) { return "LoRA weights" }
        if names.contains(where: { $0.hasPrefix("add_embedding.") || $0.hasPrefix("conditioner.") }) {
            return "Stable Diffusion XL weights"
        }
        let original = ["model.diffusion_model.", "diffusion_model.", "first_stage_model."]
        if names.contains(where: { name in original.contains { name.hasPrefix($0) } }) {
            return "a Stable Diffusion checkpoint of the original layout"
        }
        if names.contains(where: { $0.hasPrefix("text_model.") }) { return "CLIP's text encoder" }
        let found = Set(names)
        func share(_ part: Part) throws -> Double {
            let parameters = try configuration.parameters(of: part)
            return Double(parameters.count { found.contains($0.name) }) / Double(max(parameters.count, 1))
        }
        // The reference network's names are a part of the denoising one's.
        if part == .motionUNet, !names.contains(where: { $0.contains("motion_modules.") }), try share(.referenceUNet) > 0.5 {
            return "a UNet without motion modules"
        }
        if part == .referenceUNet, names.contains(where: { $0.contains("motion_modules.") }) { return "a UNet with motion modules" }
        if try share(part) > 0.5 { return nil }
        for other in Part.allCases where other != part {
            if try share(other) > 0.9 { return "those of \(other.title)" }
        }
        return try share(part) > 0.1 ? nil : "\(names.count) tensors of something else"
    }
}

extension PublishedConfiguration.Part {
    /// For error messages.
    var title: String {
        switch self {
        case .referenceUNet: "the reference network"
        case .motionUNet: "the denoising network with motion modules"
        case .poseGuider: "the pose guider"
        case .taesdv: "TAESDV"
        case .autoencoder: "Stable Diffusion's auto-encoder"
        case .imageEncoder: "CLIP's image encoder"
        }
    }
}
