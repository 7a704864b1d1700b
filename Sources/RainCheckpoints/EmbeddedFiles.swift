import EmbeddedModel

/// The files of rain-mini, the model that is part of the program.
public enum EmbeddedFiles {
    /// The name by which errors call the weights.
    public static let weightsName = "rain-mini.safetensors (embedded)"
    /// The name by which errors call the description.
    public static let descriptionName = "model.json (embedded)"

    /// The bytes of `model.json`; `nil` in a program built without the model.
    public static func description() -> [UInt8]? {
        let file = rain_mini_description()
        return file.count > 0 ? [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.count)) : nil
    }

    /// The weights, in place; `nil` in a program built without the model.
    ///
    /// - Throws: `CheckpointError` as for any other file
    public static func weights() throws -> Checkpoint? {
        let file = rain_mini_weights()
        guard file.count > 0 else { return nil }
        return try Checkpoint(MappedFile(constant: UnsafeRawBufferPointer(start: file.bytes, count: file.count), name: weightsName))
    }
}
