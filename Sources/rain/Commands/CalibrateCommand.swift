import ArgumentParser
import Foundation
import RainAnimation
import RainFiles
import RainMedia
import RainPictures
import RainPose

/// Fits the face parameters of published models to a driver and a reference.
struct CalibrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Fits the face parameters of published models to a driver and a reference picture.",
        discussion: """
            Compares the proportions of the driver's face, looking ahead at rest, with those of the reference's, and writes the parameters \\
            that turn the one into the other, for 'rain animate --retarget'. Values that are set with --retarget are kept, and the others \\
            fitted to them. Corrections for faces that are turned sideways cannot be seen in faces that look ahead and keep their values.

            Example: rain calibrate --driving me.mp4 --reference hero.png --output me.hero.json
            """)

    @Option(
        help: ArgumentHelp(
            "The driver: a landmark file, a video, a folder of pictures, or a camera such as /dev/video0.", valueName: "path"),
        completion: .file())
    var driving: String

    @Option(help: ArgumentHelp("The picture that will be animated.", valueName: "picture"), completion: .file())
    var reference: String?

    @Option(
        help: ArgumentHelp(
            "Where the reference's face is: the first frame of a landmark file; by default one beside the picture, or detected.",
            valueName: "file.json"), completion: .file())
    var referenceLandmarks: String?

    @Option(help: ArgumentHelp("Where the parameters go; an existing file is replaced.", valueName: "file.json"), completion: .file())
    var output: String

    @Option(help: ArgumentHelp("Values set by hand, as for 'rain animate'.", valueName: "file,name=value,..."))
    var retarget: String?

    @Option(
        help: ArgumentHelp("The model's folder, with a landmark detector, or its file beside one.", valueName: "path"), completion: .file())
    var model: String?

    @OptionGroup var detection: DetectorOptions

    @Option(help: ArgumentHelp("How many frames of the driver to look at, 1 to 10000.", valueName: "n"))
    var frames = 50

    @OptionGroup var result: ResultOptions

    func validate() throws {
        try checkRetarget(retarget)
        var files = FileRoles(
            reading: [
                "--driving": driving, "--reference": reference,
                "--reference-landmarks": referenceLandmarks ?? reference.map(ReferenceFace.landmarkFile), "--model": model,
                "--detector": detection.detector,
            ], writing: ["--output": output])
        files.readParameters(retarget)
        try files.check()
        guard reference != nil || referenceLandmarks != nil else {
            throw ValidationError("expected --reference or --reference-landmarks, found neither")
        }
        if !(1...10_000).contains(frames) { throw ValidationError("--frames: expected 1 to 10000, found \(frames)") }
    }

    func run() async throws {
        Interrupt.install()
        let given = try retarget.map { try FaceParameterValues(text: $0) } ?? FaceParameterValues()
        // Face parameters are fitted to the 68 points of a person's face.
        let detectors = detection.choice(model: model, persons: true)
        let source = try DrivingInput.open(driving, detector: { try detectors.open(for: driving) }).frames
        let target = try await referencePose(detectors)
        var poses: [DrivingPose] = []
        var iterator = source.makeAsyncIterator()
        while poses.count < frames, !Interrupt.requested, let frame = try await iterator.next() { poses.append(frame.pose) }
        let calibration = try FaceCalibration(driver: poses, reference: target, given: given)
        try FaceParameterValues(calibration.parameters).write(to: URL(fileURLWithPath: output))
        let report = Report(output: output, frames: poses.count, calibration, given)
        if result.json {
            try Terminal.printJSON(report)
        } else {
            print(report.table)
        }
        Terminal.note("\(output): fitted to \(poses.count) \(poses.count == 1 ? "frame" : "frames")")
    }

    /// The reference's landmarks: given, beside the picture, or detected.
    private func referencePose(_ detectors: Detectors) async throws -> DrivingPose {
        if let file = referenceLandmarks ?? reference.flatMap(ReferenceFace.fileBeside) {
            return try LandmarkFile(contentsOf: URL(fileURLWithPath: file))[0]
        }
        guard let reference else { throw ValidationError("expected --reference or --reference-landmarks, found neither") }
        let picture = try PictureReader.read(reference)
        guard let pose = try await detectors.open(for: reference).detect(picture.middleSquare()) else {
            throw AnimationError(
                .reference, "\(reference): expected a face, the landmark detector found none; say where it is with --reference-landmarks")
        }
        return pose
    }

    /// What was found; the keys of its JSON.
    private struct Report: Encodable {
        struct Row: Encodable {
            var name: String
            var value: Double
            var origin: Origin
            /// The proportion in the driver's face, in the reference's, and in the driver's after retargeting; nil of what is not fitted.
            var driver: Double?
            var reference: Double?
            var reached: Double?
        }

        enum Origin: String, Encodable {
            case set, fitted, initial
            case mouthWidth = "as the mouth's width"
        }

        var output: String
        var frames: Int
        var parameters: [Row]

        init(output: String, frames: Int, _ calibration: FaceCalibration, _ given: FaceParameterValues) {
            (self.output, self.frames) = (output, frames)
            parameters = FaceParameters.Name.allCases.map { name in
                let fit = calibration.fits.first { $0.name == name }
                return Row(
                    name: name.rawValue, value: calibration.parameters[name],
                    origin: given.values[name] != nil ? .set : fit != nil ? .fitted : name == .mouthHeight ? .mouthWidth : .initial,
                    driver: fit?.driver, reference: fit?.reference, reached: fit?.reached)
            }
        }

        var table: String {
            func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "" }
            let rows = parameters.map {
                [$0.name, number($0.value), $0.origin.rawValue, number($0.driver), number($0.reference), number($0.reached)]
            }
            return Terminal.table([["parameter", "value", "", "driver", "reference", "reached"]] + rows, rightAligned: [1, 3, 4, 5])
        }
    }
}
