import Foundation
import RainAnimation
public import RainCheckpoints
import RainGraph
public import RainModels

/// A folder of the published layout with random weights, no larger than it must be.
public enum TinyPublished {
    /// Writes the folder, made if need be.
    ///
    /// - Parameters:
    ///   - configuration: what the weights are for
    ///   - change: what to do to a part's tensors before they are written; `nil` leaves the part out
    public static func write(
        to folder: String, _ configuration: PublishedConfiguration = .tiny, seed: UInt64 = 1,
        change: (PublishedConfiguration.Part, [SafetensorsWriter.Tensor]) -> [SafetensorsWriter.Tensor]? = { $1 }
    ) throws {
        let random = try ModelConfiguration(configuration).randomParameters(seed: seed)
        for (path, text) in try configuration.descriptions() {
            let file = URL(fileURLWithPath: "\(folder)/\(path)")
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        for part in PublishedConfiguration.Part.allCases {
            let tensors = try configuration.parameters(of: part).map { name, shape in
                (name: name, shape: shape.dimensions, dtype: .float32, values: try random("\(part.rawValue).\(name)", shape))
                    as SafetensorsWriter.Tensor
            }
            guard let tensors = change(part, tensors) else { continue }
            try SafetensorsWriter.write(to: "\(folder)/\(weightsFile(of: part))", tensors: tensors, metadata: [:])
        }
    }

    /// Where the weights of a part are, in a format that is quick to write.
    public static func weightsFile(of part: PublishedConfiguration.Part) -> String {
        switch part {
        case .referenceUNet, .motionUNet, .poseGuider, .taesdv: part.rawValue + ".safetensors"
        case .autoencoder: part.rawValue + "/diffusion_pytorch_model.safetensors"
        case .imageEncoder: part.rawValue + "/model.safetensors"
        }
    }
}
