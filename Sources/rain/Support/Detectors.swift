import ArgumentParser
import Foundation
import RainAnimation
import RainDetection
import RainMedia
import RainPose

/// Which landmark detector looks at pictures; shared by the commands that are driven by them.
struct DetectorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            What finds landmarks in pictures: mediapipe (the face tracker of 'rain tracker install'), dwpose (whole persons, networks in the \
            folder --model), or a folder with either's networks. By default the face tracker for drawn models, and for published ones \
            dwpose where the model's folder has it.
            """, valueName: "name or folder"), completion: .file())
    var detector: String?

    /// The detectors that there are for a model.
    ///
    /// - Parameters:
    ///   - model: its folder, or its file, beside which networks may be
    ///   - persons: whether it is shown whole persons
    func choice(model: String?, persons: Bool) -> Detectors { Detectors(name: detector, model: model, persons: persons) }
}

/// The landmark detectors of a machine and a model, of which one is opened where pictures are looked at, once for all of them.
final class Detectors {
    /// As `--detector` names it; nil for the usual one.
    var name: String?
    /// The model's folder, or its file.
    private let model: String?
    /// Whether whole persons are wanted rather than faces with pupils.
    private let persons: Bool
    /// DWPose's keypoint network, where `name` is the file of its person detector.
    var keypoints: String?
    /// From which score DWPose believes in a person.
    var threshold = PersonDetections.Thresholds().personScore
    var threads: Int?
    /// Where the face tracker is.
    private let tracker: TrackerFiles
    private var opened: (any LandmarkDetecting)?

    init(name: String?, model: String?, persons: Bool = false, tracker: TrackerFiles = TrackerFiles()) {
        (self.name, self.model, self.persons, self.tracker) = (name, model, persons, tracker)
    }

    /// - Throws: `AnimationError.driving` where there is none, `DetectionError` and `NetworkError` for files that are others
    func open(for path: String) throws -> any LandmarkDetecting {
        guard let detector = try openIfAny() else {
            throw AnimationError(
                .driving,
                "\(path): expected a landmark file; driving by pictures needs a landmark detector, found none: 'rain tracker install' brings "
                    + "one for faces, and for whole persons yolox_s.onnx, _m or _l and dw-mm_ucoco.onnx or dw-ll_ucoco_384.onnx from "
                    + "huggingface.co/yzd-v/DWPose go into the folder that --model names or beside the file")
        }
        return detector
    }

    /// The detector that is named, else the usual one, else any that there is.
    ///
    /// - Throws: `DetectionError` and `NetworkError` for one that was named and is not there, or for files that are others
    func openIfAny() throws -> (any LandmarkDetecting)? {
        opened = try opened ?? build()
        return opened
    }

    private func build() throws -> (any LandmarkDetecting)? {
        if let name, let keypoints { return try wholePersons(DetectorFiles(detector: name, estimator: keypoints)) }
        switch name {
        case "mediapipe": return try faces(tracker)
        case "dwpose":
            guard let model else {
                throw DetectionError(
                    .missing, file: "--detector dwpose", expected: "--model with the folder of its networks", found: "no --model",
                    advice: "name the folder")
            }
            return try wholePersons(DetectorFiles(model: model))
        case let folder?:
            let files = TrackerFiles(folder: folder)
            return files.missing.count < TrackerFiles.all.count ? try faces(files) : try wholePersons(DetectorFiles(model: folder))
        case nil:
            let beside = model.flatMap { try? DetectorFiles(model: $0) }
            if persons, let beside { return try wholePersons(beside) }
            if tracker.areComplete { return try faces(tracker) }
            return try beside.map { try wholePersons($0) }
        }
    }

    /// One thread: the face tracker takes a few milliseconds a picture, and the others are the stream's.
    private func faces(_ files: TrackerFiles) throws -> FaceTracker {
        var settings = FaceTracker.Settings()
        settings.points = persons ? .person : .face
        return try FaceTracker(TrackerInstallation.verified(files), engine: Engines.best(threads: threads ?? 1), settings: settings)
    }

    /// Half of the processors, beside the stream.
    private func wholePersons(_ files: DetectorFiles) throws -> LandmarkDetector {
        var settings = LandmarkDetector.Settings()
        settings.thresholds.personScore = threshold
        return try LandmarkDetector(files, engine: Engines.best(threads: threads ?? Engines.processorCount / 2), settings: settings)
    }
}
