import Foundation
import RainCheckpoints
import RainFiles
import RainGraph
import RainModels

/// A model in the layout in which RAIN is published, its checkpoints open.
struct PublishedModel {
    typealias Part = PublishedConfiguration.Part

    let configuration: PublishedConfiguration
    /// All parameters that `ModelPrograms` asks for, behind the prefixes of their networks.
    let parameters: ParameterSource

    /// Opens the parts, finds out how they are made and checks every tensor's name and shape.
    ///
    /// - Throws: `AnimationError.model`, `CheckpointError` or `ModelError` naming file, tensor, expected and found
    init(_ folder: PublishedFolder) throws {
        var sources: [Part: ParameterSource] = [:]
        for (part, file) in folder.weights { sources[part] = try WrappedNames(part).unwrap(ParameterSource(path: file)) }
        sources[.autoencoder] = sources[.autoencoder]?.renamed(AutoencoderKL.currentName)
        configuration = try Self.configuration(folder, sources)
        for part in Part.allCases {
            guard let source = sources[part] else { continue }
            try PublishedDiagnosis(part: part, configuration: configuration).check(source)
        }
        func source(_ part: Part) -> ParameterSource { sources[part] ?? ParameterSource([]) }
        parameters = ParameterSource(
            joining: [
                (ModelConfiguration.Network.referenceUNet.rawValue, source(.referenceUNet)),
                (ModelConfiguration.Network.denoisingUNet.rawValue, source(.motionUNet)),
                (ModelConfiguration.Network.poseGuider.rawValue, source(.poseGuider)),
                (ModelConfiguration.Network.taesdv.rawValue, source(.taesdv)),
                (ModelConfiguration.Network.vae.rawValue, source(.autoencoder)),
                (ModelConfiguration.Network.imageEncoder.rawValue, source(.imageEncoder)),
            ].map { (prefix: $0 + ".", source: $1) })
    }

    /// How the parts are made, as far as there are any.
    static func configuration(_ folder: PublishedFolder, _ sources: [Part: ParameterSource]) throws -> PublishedConfiguration {
        let settings = folder.settings
        var configuration = PublishedConfiguration.rain
        configuration.unet = try unet(folder) ?? configuration.unet
        if let file = folder.descriptions[.autoencoder] {
            configuration.autoencoder = try SmallFile.json(AutoencoderKL.self, file)
        }
        if let file = folder.descriptions[.imageEncoder] {
            configuration.imageEncoder = try SmallFile.json(CLIPVisionEncoder.self, file)
        }
        // These two have no description; the shapes of their tensors are one.
        configuration.poseGuider = PoseGuider(
            embeddingChannels: configuration.unet.blockOutChannels[0],
            blockOutChannels: try sources[.poseGuider].flatMap(poseChannels) ?? configuration.poseGuider.blockOutChannels)
        if let channels = try sources[.taesdv]?.shape("decoder.1.weight")?.first, (1...4096).contains(channels) {
            configuration.taesdv.channels = channels
        }
        configuration.taesdv.latentChannels = configuration.autoencoder.latentChannels
        if let scheduler = settings.scheduler { configuration.scheduler = scheduler }
        configuration.size = settings.height ?? settings.width ?? configuration.size
        configuration.framesPerGroup = settings.windowSize ?? configuration.framesPerGroup
        configuration.levels = settings.adaptiveStep ?? configuration.levels
        configuration.steps = settings.steps ?? configuration.levels
        configuration.guidanceScale = settings.guidanceScale ?? configuration.guidanceScale
        do {
            try configuration.validate()
        } catch {
            throw ModelError(error.code, at: folder.path, error.description)
        }
        return configuration
    }

    /// The network of the authors' `unet.json`, with what their settings add; `nil` if the folder says nothing of it.
    private static func unet(_ folder: PublishedFolder) throws -> UNetConfiguration? {
        let file = folder.settings.unetFile.flatMap { folder.find($0, isFolder: false) } ?? folder.find("unet.json", isFolder: false)
        guard file != nil || folder.settings.unet != nil else { return nil }
        let place = file ?? PublishedSettings.file(in: folder.path) ?? folder.path
        let plain: Any =
            try file.map { try JSONSerialization.jsonObject(with: Data(SmallFile.read($0)), options: .fragmentsAllowed) }
            ?? JSONSerialization.jsonObject(with: JSONEncoder().encode(PublishedConfiguration.rain.unet))
        guard var object = plain as? [String: Any] else { throw AnimationError(.model, "\(place): expected a JSON object") }
        let additions = PublishedSettings.UNetAdditions.published(with: folder.settings.unet)
        object["motion_module"] = try JSONSerialization.jsonObject(with: JSONEncoder().encode(additions))
        object["cond_proj_dim"] = additions.guidanceChannels
        return try SmallFile.decode(UNetConfiguration.self, JSONSerialization.data(withJSONObject: object), file: place)
    }

    /// Channels at every resolution of a pose guider; `nil` if the tensors are those of something else.
    private static func poseChannels(_ source: ParameterSource) throws -> [Int]? {
        guard let first = try source.shape("conv_in.weight")?.first else { return nil }
        var channels = [first]
        while channels.count < 16, let next = try source.shape("blocks.\(2 * channels.count - 1).weight")?.first { channels.append(next) }
        return channels.count > 1 && channels.allSatisfy((1...65536).contains) ? channels : nil
    }
}

/// Descriptions and settings: files that are small, or not what they are taken for.
package enum SmallFile {
    /// - Throws: `AnimationError.model` for what is no regular file, links followed, or larger
    package static func read(_ path: String, atMost limit: Int = 1 << 20) throws(AnimationError) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(path, upTo: limit + 1)
        } catch {
            throw AnimationError(.model, "\(path): expected a regular file that can be read, found \(error.found)")
        }
        guard bytes.count <= limit else { throw AnimationError(.model, "\(path): larger than \(limit) bytes; this is no description") }
        return bytes
    }

    /// - Throws: `AnimationError.model` naming file, field, expected and found
    package static func json<T: Decodable>(_ type: T.Type, _ path: String) throws(AnimationError) -> T {
        try decode(type, Data(read(path)), file: path)
    }

    static func decode<T: Decodable>(_ type: T.Type, _ data: Data, file: String) throws(AnimationError) -> T {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw AnimationError(.model, "\(file): \(error.sentence)")
        } catch {
            throw AnimationError(.model, "\(file): \(error)")
        }
    }
}
