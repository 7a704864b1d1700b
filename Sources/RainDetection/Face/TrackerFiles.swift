import RainFiles

/// The three networks of the face tracker that comes along: MediaPipe's, Apache-2.0, from the Python package `mediapipe` 0.10.21.
public struct TrackerFiles: Sendable, Equatable {
    /// Where they are.
    public let folder: String

    /// One of the networks, as published.
    public struct File: Sendable, Equatable {
        /// Its name in the folder.
        public let name: String
        /// Where it is in the package.
        public let member: String
        /// Of its bytes, in hexadecimal digits.
        public let sha256: String
    }

    /// Finds faces in a picture.
    public static let detector = File(
        name: "face_detection_short_range.tflite", member: "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        sha256: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8")
    /// Finds the points of a face, looking again at lips and eyes.
    public static let mesh = File(
        name: "face_landmark_with_attention.tflite", member: "mediapipe/modules/face_landmark/face_landmark_with_attention.tflite",
        sha256: "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4")
    /// Finds the points of a body.
    public static let body = File(
        name: "pose_landmark_full.tflite", member: "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        sha256: "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f")

    public static let all = [detector, mesh, body]
    /// Their licence, which is kept beside them.
    public static let licence = File(
        name: "LICENSE", member: "mediapipe-0.10.21.dist-info/LICENSE",
        sha256: "8707eef0533987efc5b155d64761eeb6e20793f50b9bd1a68dad1cf4719d0ed8")

    /// - Parameter folder: by default where `rain tracker install` puts them
    public init(folder: String = standardFolder) { self.folder = folder }

    /// The user's data folder for them: `$XDG_DATA_HOME/rain/tracker`, usually `~/.local/share/rain/tracker`.
    public static var standardFolder: String { UserFolder.data.path + "/rain/tracker" }

    public func path(_ file: File) -> String { "\(folder)/\(file.name)" }

    /// The networks that are not in the folder.
    public var missing: [File] { Self.all.filter { !FileSystem.exists(path($0)) } }

    /// Whether the folder has all three.
    public var areComplete: Bool { missing.isEmpty }

    /// What is wrong where networks are missing.
    var failure: DetectionError? {
        let missing = missing
        guard !missing.isEmpty else { return nil }
        return DetectionError(
            .missing, file: folder, expected: missing.map(\.name).joined(separator: ", "),
            found: missing.count == Self.all.count ? "none of them" : "only the others", advice: "run 'rain tracker install'")
    }
}
