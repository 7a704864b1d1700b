import RainFiles

/// What went wrong with a checkpoint file: which file, which tensor, what was expected, what was found and what to do.
public struct CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure, for callers that react to it.
    public enum Code: String, Sendable, CaseIterable {
        /// The file could not be opened, read or mapped.
        case unreadable
        /// The file ends before what its header promises.
        case truncated
        /// The file is none of the formats that are read.
        case unsupportedFormat
        /// The header breaks the safetensors format.
        case malformedHeader
        /// The zip archive of a PyTorch file is damaged, or uses what PyTorch does not.
        case malformedArchive
        /// The pickle of a PyTorch file is damaged, or is not what PyTorch writes for tensors.
        case malformedPickle
        /// The pickle asks for something other than tensors and plain containers, i.e. for code to be run.
        case refusedGlobal
        /// A tensor's offsets, shape and element type contradict each other or the file.
        case inconsistentTensor
        /// An element type this reader does not know.
        case unsupportedType
        /// No tensor of this name.
        case missingTensor
        /// The tensor holds another kind of element than was asked for.
        case wrongType
        /// The tensor has another shape than was asked for.
        case wrongShape
        /// A value is infinite or not a number.
        case notFinite
        /// A value does not fit the element type it should be written in.
        case outOfRange
        /// What was handed to the writer is not a valid set of tensors.
        case invalidInput
        /// The file could not be written.
        case unwritable
    }

    /// The kind of failure.
    public let code: Code
    /// The file as the caller named it.
    public let file: String
    /// The tensor concerned, if one is.
    public let tensor: String?
    /// What a correct file would have held.
    public let expected: String
    /// What was there instead.
    public let found: String
    /// What the reader of the message can do about it.
    public let advice: String

    /// Describes one failure.
    public init(_ code: Code, file: String, tensor: String? = nil, expected: String, found: String, advice: String) {
        self.code = code
        self.file = file
        self.tensor = tensor
        self.expected = expected
        self.found = found
        self.advice = advice
    }

    init(_ error: FileError) {
        self.init(
            .unwritable, file: error.path, expected: "a file that can be written", found: error.found,
            advice: "choose another place, or free some space")
    }

    /// One sentence on one line, whatever bytes the file put into its names.
    public var description: String {
        let place = tensor.map { "\(printable(file)): tensor '\(printable($0))'" } ?? printable(file)
        return "\(place): expected \(printable(expected)), found \(printable(found)); \(advice)"
    }
}

/// `text` without control characters and of bounded length, since names and values in it come from hostile files.
package func printable(_ text: String, limit: Int = 200) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if result.count >= limit {
            result.append("…")
            break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: result.append("\u{FFFD}")
        default: result.append(scalar)
        }
    }
    return String(result)
}
