import Foundation
import RainAnimation
import RainMedia
import RainPictures
import RainPose
import RainTesting
import Testing

/// `rain animate` by whatever drives, and `rain calibrate`.
@Suite struct DrivingCommandTests {
    let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try TinyModel.model().write(folder: workplace.path + "/tiny")
        var configuration = TinyModel.configuration
        configuration.posePicture.style = .person
        configuration.name = "person"
        try AnimationModel.random(configuration, seed: 2).write(folder: workplace.path + "/person")
        #expect(try workplace.run("character", "--seed", "7", "--size", "40", "--output", "hero.png").status == 0)
        #expect(try workplace.run("motion", "--seed", "3", "--seconds", "1", "--fps", "10", "--output", "motion.json").status == 0)
        let motion = try LandmarkTrack(json: workplace.bytes("motion.json"))
        var persons = motion.frames.map { WholeBodyFrame($0) }
        for frame in persons.indices {
            for joint in 0..<8 { persons[frame][joint] = Keypoint(x: 0.1 * Double(joint), y: 0.6 + 0.01 * Double(frame), score: 0.9) }
        }
        try workplace.write("person.json", WholeBodyTrack(framesPerSecond: 10, frames: persons).json())
        let nobody = WholeBodyFrame(points: [Keypoint](repeating: Keypoint(x: 0, y: 0, score: 0), count: WholeBody.count))
        try workplace.write("nobody.json", WholeBodyTrack(framesPerSecond: 10, frames: [nobody, nobody]).json())
        let sink = try FrameSink.open(workplace.path + "/me.mp4", width: 32, height: 32, framesPerSecond: 25)
        for _ in 0..<3 { try sink.write(Picture(width: 32, height: 32, red: 90)) }
        try sink.finish()
    }

    private func run(_ line: String) throws -> Outcome { try workplace.run(line.split(separator: " ").map(String.init)) }

    private func frames(_ options: String) throws -> [UInt8] {
        let outcome = try run("animate --reference hero.png --threads 1 --output - " + options)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.count % (32 * 32 * 3) == 0)
        return Array(outcome.output)
    }

    @Test("Both sets of points drive both kinds of model", arguments: ["tiny", "person"], ["motion.json", "person.json"])
    func drives(_ model: String, _ driving: String) throws {
        #expect(try frames("--model \(model) --driving \(driving)").count == 10 * 32 * 32 * 3)
        #expect(try frames("--model \(model) --driving \(driving) --frames 23").count == 23 * 32 * 32 * 3)
    }

    @Test("Parts and face parameters change what a published model sees") func options() throws {
        let face = try frames("--model person --driving person.json")
        #expect(try frames("--model person --driving person.json --pose face") == face)
        #expect(try frames("--model person --driving person.json --retarget eye-height=3.0") == face)
        var seen = [face]
        for option in ["--pose body", "--pose body+face", "--retarget none", "--retarget eye-height=0.5"] {
            let pictures = try frames("--model person --driving person.json " + option)
            #expect(!seen.contains(pictures), "\(option)")
            seen.append(pictures)
        }
    }

    @Test("Calibration writes what animate reads; values set by hand win") func calibrate() throws {
        let outcome = try run(
            "calibrate --driving person.json --reference-landmarks hero.landmarks.json --retarget jaw-width=1.25 --output face.json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        for word in ["eye-height", "fitted", "jaw-width", "1.250", "set", "initial"] {
            #expect(outcome.text.contains(word), "\(outcome.text)")
        }
        let values = try FaceParameterValues(json: workplace.bytes("face.json"))
        #expect(values.values.count == FaceParameters.Name.allCases.count && values.values[.jawWidth] == 1.25)
        let fitted = try frames("--model person --driving person.json --retarget face.json")
        #expect(try frames("--model person --driving person.json") != fitted)
        let told = try run(
            "calibrate --driving person.json --reference-landmarks hero.landmarks.json --retarget jaw-width=1.25 --output face.json --json")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(told.output)) as? [String: Any])
        let rows = try #require(report["parameters"] as? [[String: Any]])
        #expect(report["output"] as? String == "face.json" && report["frames"] as? Int == 10)
        #expect(rows.compactMap { $0["name"] as? String } == FaceParameters.Name.allCases.map(\.rawValue))
        let jaw = rows.first { $0["name"] as? String == "jaw-width" }
        #expect(jaw?["value"] as? Double == 1.25 && jaw?["origin"] as? String == "set" && rows.contains { $0["reached"] is Double })
        // Beside the picture lie its landmarks.
        #expect(try run("calibrate --driving motion.json --reference hero.png --frames 3 --output other.json").status == 0)
    }

    static let mistakes: [(String, Int32, [String])] = [
        ("animate --model tiny --driving me.mp4", 1, ["me.mp4", "landmark detector", "yolox"]),
        ("animate --model person --driving pictures", 1, ["pictures", "none of them"]),
        ("animate --model person --driving absent.mp4", 1, ["absent.mp4"]),
        ("animate --model person --driving /dev/null", 1, ["/dev/null", "camera"]),
        ("animate --model person --driving /dev/video98", 1, ["/dev/video98"]),
        ("animate --model person --driving nobody.json", 1, ["nobody.json", "face in view"]),
        ("animate --model person --driving motion.json --pose body", 1, ["motion.json", "--pose body", "134"]),
        ("animate --model tiny --driving person.json --pose face", 2, ["--pose", "tiny"]),
        ("animate --model tiny --driving person.json --retarget none", 2, ["--retarget", "tiny"]),
        ("animate --model person --driving person.json --pose legs", 2, ["legs"]),
        ("animate --model person --driving person.json --retarget eyes=3", 2, ["--retarget", "eyes", "eye-height"]),
        ("animate --model person --driving person.json --retarget eye-height=99", 2, ["eye-height", "0.1 to 4"]),
        ("animate --model person --driving person.json --retarget absent.json", 1, ["absent.json"]),
        ("animate --model person --driving person.json --retarget motion.json", 1, ["motion.json", "rain-retarget"]),
        ("calibrate --driving nobody.json --reference-landmarks hero.landmarks.json", 1, ["nobody.json"]),
        ("calibrate --driving person.json", 2, ["--reference"]),
        ("calibrate --driving person.json --reference hero.png --frames 0", 2, ["--frames"]),
        ("calibrate --driving person.json --reference me.mp4", 1, ["me.mp4"]),
        ("calibrate --driving me.mp4 --reference hero.png", 1, ["me.mp4", "landmark detector"]),
    ]

    @Test("Mistakes end with one sentence and leave nothing", arguments: mistakes.indices)
    func mistake(_ index: Int) throws {
        let (line, status, words) = Self.mistakes[index]
        try FileManager.default.createDirectory(atPath: workplace.path + "/pictures", withIntermediateDirectories: false)
        let before = try workplace.contents
        let isAnimate = line.hasPrefix("animate")
        let outcome = try run(line + (isAnimate ? " --reference hero.png --output o.mp4" : " --output o.json"))
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
        for word in words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        #expect(try workplace.contents == before)
    }
}
