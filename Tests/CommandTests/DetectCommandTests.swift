import Foundation
import RainMedia
import RainPictures
import RainPose
import Testing

/// Networks with the inputs and outputs of the published detectors that find what is bright.
private let networks = ["--detector", fixtures + "/blob_detector.onnx", "--keypoints", fixtures + "/blob_keypoints.onnx"]

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

@Suite struct DetectCommandTests {
    /// A video of a white square that moves to the right after two dark frames.
    private func video(_ place: Workplace, _ name: String, frames: Int, dark: Int = 2) throws {
        let sink = try FrameSink.open("\(place.path)/\(name)", width: 160, height: 128, framesPerSecond: 25)
        for frame in 0..<frames {
            var picture = Picture(width: 160, height: 128, red: 8, green: 8, blue: 8)
            if frame >= dark {
                for y in 40..<88 {
                    for x in 20 + 2 * frame..<68 + 2 * frame { for c in 0..<3 { picture.bytes[(y * 160 + x) * 3 + c] = 255 } }
                }
            }
            try sink.write(picture)
        }
        try sink.finish()
    }

    @Test func followsAVideo() throws {
        let place = try Workplace()
        try video(place, "me.mp4", frames: 24)
        let outcome = try place.run(
            ["detect", "me.mp4", "--output", "motion.json", "--preview", "seen.mp4", "--threads", "1", "--json"] + networks)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("motion.json: 24 frames at 25.0 per second"), "\(outcome.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any])
        #expect(report["output"] as? String == "motion.json" && report["frames"] as? Int == 24 && report["fps"] as? Double == 25)
        #expect(report["found"] as? Int ?? 0 >= 21 && report["landmarks"] == nil, "\(outcome.text)")
        let file = URL(fileURLWithPath: place.path + "/motion.json")
        let track = try LandmarkFile(contentsOf: file)
        #expect(track.frameCount == 24 && track.framesPerSecond == 25)
        // The dark frames before anything was seen show nothing.
        #expect(track[0].person.points.allSatisfy { $0.score == 0 })
        for frame in 3..<24 {
            let nose = track[frame].person.face[30]
            // Of the square in the middle, 128 pixels wide.
            let left = Double(20 + 2 * frame - 16) / 128
            #expect(nose.score > 0.3 && nose.x > left - 0.05 && nose.x < left + 0.425, "frame \(frame): \(nose)")
        }
        let preview = try VideoReader(path: place.path + "/seen.mp4").remainingFrames()
        #expect(preview.count == 24 && preview[0].width == 512)
        #expect(try place.contents == ["me.mp4", "motion.json", "seen.mp4"])
    }

    /// The landmarks of a still picture are fractions of all of it, whatever its proportions, and are printed unless a file is named.
    @Test func findsAFaceInAPicture() throws {
        let place = try Workplace()
        var picture = Picture(width: 160, height: 80, red: 8, green: 8, blue: 8)
        for y in 20..<52 { for x in 96..<128 { for c in 0..<3 { picture.bytes[(y * 160 + x) * 3 + c] = 255 } } }
        try PictureWriter.write(picture, to: place.path + "/hero.png")
        let printed = try place.run(["detect", "hero.png", "--points", "29"] + networks)
        #expect(printed.status == 0 && printed.text.contains("noseTip") && printed.text.contains("visibility"), "\(printed.errors)")
        let outcome = try place.run(
            ["detect", "hero.png", "--points", "29", "--output", "hero.landmarks.json", "--preview", "seen.png", "--json"] + networks)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any])
        let landmarks = try #require(report["landmarks"] as? [String: [Double]])
        #expect(landmarks.count == 29 && report["found"] as? Int == 1)
        let file = try LandmarkFile(contentsOf: URL(fileURLWithPath: place.path + "/hero.landmarks.json"))
        let nose = file[0].face[.noseTip]
        #expect(file.frameCount == 1 && nose.x > 0.55 && nose.x < 0.85 && nose.y > 0.2 && nose.y < 0.7, "\(nose)")
        #expect(try PictureReader.read(place.path + "/seen.png").width == 160)
        try PictureWriter.write(Picture(width: 64, height: 64), to: place.path + "/dark.png")
        let dark = try place.run(["detect", "dark.png"] + networks)
        #expect(dark.status == 1 && dark.errors.contains("dark.png: expected a face, found no face"), "\(dark.errors)")
    }

    @Test func nobodyLeavesNothingBehind() throws {
        let place = try Workplace()
        try video(place, "dark.mp4", frames: 6, dark: 99)
        let outcome = try place.run(["detect", "dark.mp4", "--output", "motion.json", "--preview", "seen.mp4"] + networks)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("expected a person in at least one frame, found nobody in 6 frames"), "\(outcome.errors)")
        #expect(try place.contents == ["dark.mp4"])
    }

    @Test(arguments: [
        (["detect", "me.mp4", "--output", "m.json"], 1, "rain tracker install"), (["detect", "me.mp4", "--model", "."], 2, "--output"),
        (["detect", "me.mp4", "--output", "m.json", "--detector", "a.onnx"], 2, "--keypoints"),
        (["detect", "me.mp4", "--output", "m.json", "--points", "68"], 2, "29 or 134"),
        (["detect", "me.mp4", "--output", "m.json", "--detector", "mediapipe"], 1, "rain tracker install"),
        (["detect", "me.mp4", "--output", "m.json", "--detector", "dwpose"], 1, "--model with the folder"),
        (["detect", "me.mp4", "--output", "m.json", "--model", ".", "--threshold", "2"], 2, "--threshold"),
        (["detect", "me.mp4", "--output", "m.json", "--model", ".", "--threads", "0"], 2, "--threads"),
        (["detect", "me.mp4", "--output", "m.json", "--model", ".", "--preview", "p.bmp"], 2, ".bmp"),
        (["detect", "absent.mp4", "--output", "m.json", "--model", "."], 1, "absent.mp4"),
        (["detect", "me.mp4", "--output", "m.json", "--model", "."], 1, "yolox_s.onnx"),
        (["detect", "me.mp4", "--output", "m.json", "--detector", "text.onnx", "--keypoints", "b.onnx"], 1, "text.onnx"),
        (["detect", "text.onnx", "--output", "m.json"] + networks, 1, "text.onnx"),
        (["detect", "me.mp4", "--output", "absent/m.json"] + networks, 1, "absent/m.json"),
        (["inspect", "text.onnx"], 1, "an ONNX model"), (["inspect", "absent.onnx"], 1, "absent.onnx"),
    ])
    func failsInOneSentence(_ arguments: [String], _ status: Int32, _ words: String) throws {
        let place = try Workplace()
        try video(place, "me.mp4", frames: 4)
        try place.write("text.onnx", Array("this is no network".utf8))
        let outcome = try place.run(arguments)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(try place.contents == ["me.mp4", "text.onnx"])
    }

    @Test func networksAreInspected() throws {
        let place = try Workplace()
        let outcome = try place.run("inspect", fixtures + "/tiny_rtmpose.onnx", "--check")
        #expect(outcome.status == 0)
        for words in ["operator set ai.onnx 17", "input input: float [1, 3, 32, 24]", "Conv", "stem.0.0.weight", "Rain runs it in"] {
            #expect(outcome.text.contains(words), "\(words)")
        }
        let json = try place.run("inspect", fixtures + "/tiny_yolox_opset11.onnx", "--json")
        let whole = try #require(try JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any])
        let network = try #require(whole["network"] as? [String: Any])
        #expect((network["operator_sets"] as? [String: Int]) == ["ai.onnx": 11])
        let program = try place.run("inspect", "--program", fixtures + "/tiny_yolox.onnx")
        #expect(program.status == 0 && program.text.contains("convolution 3×3"))
    }
}
