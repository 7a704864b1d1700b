import RainFiles

/// The two networks of a model folder.
public struct DetectorFiles: Sendable, Equatable {
    /// Finds people.
    public var detector: String
    /// Finds the points of a person.
    public var estimator: String

    public init(detector: String, estimator: String) {
        self.detector = detector
        self.estimator = estimator
    }

    /// Names of person detectors, the best first.
    public static let detectors = ["yolox_l.onnx", "yolox_m.onnx", "yolox_s.onnx"]
    /// Names of keypoint networks, the best first.
    public static let estimators = ["dw-ll_ucoco_384.onnx", "dw-ll_ucoco-384.onnx", "dw-ll_ucoco.onnx", "dw-mm_ucoco.onnx"]

    /// The networks that belong to a model: those in its folder, or, of a model in one file, in the folder of that file.
    ///
    /// - Throws: what `init(folder:)` throws
    public init(model path: String) throws(DetectionError) {
        guard FileSystem.isFile(path) else {
            try self.init(folder: path)
            return
        }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try self.init(folder: folder.isEmpty ? "/" : folder)
    }

    /// The best networks of each kind in a folder or its folder `DWPose`.
    ///
    /// - Throws: `DetectionError` naming both kinds at once where one is missing
    public init(folder: String) throws(DetectionError) {
        func first(_ names: [String]) -> String? {
            [folder, "\(folder)/DWPose"].lazy.flatMap { place in names.map { "\(place)/\($0)" } }
                .first { FileSystem.exists($0) }
        }
        let (detector, estimator) = (first(Self.detectors), first(Self.estimators))
        guard let detector, let estimator else {
            let missing = [
                detector == nil ? "a person detector (\(Self.detectors.joined(separator: ", ")))" : nil,
                estimator == nil ? "a keypoint network (\(Self.estimators.joined(separator: ", ")))" : nil,
            ].compactMap { $0 }
            throw DetectionError(
                .missing, file: folder, expected: missing.joined(separator: " and "), found: "none of these names",
                advice: "download them from huggingface.co/yzd-v/DWPose")
        }
        self.init(detector: detector, estimator: estimator)
    }
}
