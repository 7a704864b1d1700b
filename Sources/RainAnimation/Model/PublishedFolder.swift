import Foundation
import RainFiles
import RainModels

/// A folder of the layout in which RAIN is published: which file is which part.
///
/// Files may lie in the folder itself or where the authors' repository keeps them (`torch`, `weights`, `weights/torch`). The paths
/// of a `rain_morpher.yaml` are looked for inside the folder only, leaving out leading components until something is there.
struct PublishedFolder {
    typealias Part = PublishedConfiguration.Part

    let path: String
    let settings: PublishedSettings
    /// The weights of the parts that were found.
    private(set) var weights: [Part: String] = [:]
    /// Files that say how the parts are made; a part without one is as published.
    private(set) var descriptions: [Part: String] = [:]
    private(set) var missing: [Part: String] = [:]
    private(set) var surplus: [String] = []

    /// Where what is missing can be had, as the authors' instructions say.
    static func origin(of part: Part) -> String {
        switch part {
        case .referenceUNet, .motionUNet, .poseGuider: "https://huggingface.co/Pscgylotti/RAIN-v0.1"
        case .taesdv: "https://github.com/madebyollin/taesdv"
        case .autoencoder: "https://huggingface.co/stabilityai/sd-vae-ft-mse"
        case .imageEncoder: "https://huggingface.co/lambdalabs/sd-image-variations-diffusers"
        }
    }

    private static let folders = ["", "torch/", "weights/", "weights/torch/"]
    private static let endings = ["pth", "safetensors", "pt", "bin", "ckpt"]

    /// The weights of a part that is a folder, best first: without executing anything they are the same.
    private static let weightsInside: [Part: [String]] = [
        .autoencoder: ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"],
        .imageEncoder: ["model.safetensors", "pytorch_model.safetensors", "pytorch_model.bin"],
    ]

    /// What a part is called where it is missing.
    private static func usualName(of part: Part) -> String { weightsInside[part] == nil ? part.rawValue + ".pth" : part.rawValue + "/" }

    /// Whether there is anything of the layout in a folder.
    static func isPresent(at path: String) -> Bool {
        if PublishedSettings.file(in: path) != nil { return true }
        let folder = PublishedFolder(path, settings: PublishedSettings())
        return !folder.weights.isEmpty
            || Part.allCases.contains { weightsInside[$0] != nil && folder.find($0.rawValue, isFolder: true) != nil }
    }

    /// Looks for all parts.
    ///
    /// - Throws: `AnimationError.model` naming all parts that are missing and all files that are none of them, with what to do;
    ///   what `PublishedSettings` throws
    init(_ path: String) throws {
        self.init(path, settings: try PublishedSettings(folder: path))
        guard missing.isEmpty, surplus.isEmpty else { throw AnimationError(.model, problems) }
    }

    /// Looks for all parts, whatever is found.
    init(_ path: String, settings: PublishedSettings) {
        self.path = path
        self.settings = settings
        for part in Part.allCases { locate(part) }
        let known = Set(weights.values)
        for folder in Self.folders {
            for name in Self.files(in: path + "/" + folder) where Self.endings.contains((name as NSString).pathExtension.lowercased()) {
                let file = "\(path)/\(folder)\(name)"
                // One file made of this folder, where the detectors are found beside it.
                if !known.contains(file), !ModelFiles.isModel(file) { surplus.append(folder + name) }
            }
        }
        surplus.sort()
    }

    private mutating func locate(_ part: Part) {
        if let inside = Self.weightsInside[part] {
            guard let folder = settings.path(of: part).flatMap({ find($0, isFolder: true) }) ?? find(part.rawValue, isFolder: true) else {
                missing[part] = Self.usualName(of: part)
                return
            }
            if FileSystem.isFile(folder + "/config.json") { descriptions[part] = folder + "/config.json" }
            if let file = inside.first(where: { FileSystem.isFile("\(folder)/\($0)") }) {
                weights[part] = "\(folder)/\(file)"
            } else {
                missing[part] = Self.usualName(of: part) + inside[0]
            }
            return
        }
        let named = settings.path(of: part).flatMap { find($0, isFolder: false) }
        let usual = Self.endings.compactMap { find("\(part.rawValue).\($0)", isFolder: false) }.first
        if let file = named ?? usual { weights[part] = file } else { missing[part] = Self.usualName(of: part) }
    }

    /// The file or folder of that path, or of a tail of it, in one of the usual places.
    func find(_ wanted: String, isFolder: Bool) -> String? {
        let parts = wanted.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { return nil }
        for start in parts.indices {
            let tail = parts[start...].joined(separator: "/")
            for folder in Self.folders {
                let candidate = "\(path)/\(folder)\(tail)"
                if isFolder ? FileSystem.isFolder(candidate) : FileSystem.isFile(candidate) { return candidate }
            }
        }
        return nil
    }

    private var problems: String {
        var sentences: [String] = []
        if !missing.isEmpty {
            let absent = Part.allCases.filter { missing[$0] != nil }
            let origins = absent.map(Self.origin).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            let list = origins.map { origin in
                absent.filter { Self.origin(of: $0) == origin }.compactMap { missing[$0] }.joined(separator: ", ") + " from " + origin
            }
            sentences.append("missing are " + list.joined(separator: ", "))
        }
        if !surplus.isEmpty {
            let shown = surplus.prefix(20).joined(separator: ", ") + (surplus.count > 20 ? ", …" : "")
            sentences.append("\(shown) \(surplus.count == 1 ? "is" : "are") no part of the published model and must be moved away")
        }
        return "\(path): " + sentences.joined(separator: "; ")
    }

    private static func files(in folder: String) -> [String] {
        ((try? FileSystem.names(in: folder)) ?? []).filter { FileSystem.isFile("\(folder)/\($0)") }
    }
}
