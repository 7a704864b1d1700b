import Foundation
import RainAnimation
import RainCPU
import RainDetection
import RainPictures
import RainPose
import RainTesting
import Synchronization
import Testing

@testable import RainMedia
@testable import rain

/// Cameras whose pictures are numbered by their width, and which end when there are no more.
private struct NumberedCamera: Sendable {
    let count: Int
    private let asked = Asked()

    private final class Asked: Sendable {
        let count = Mutex(0)
    }

    init(_ count: Int) { self.count = count }

    /// Whether all pictures have been taken, and the end seen.
    var isOver: Bool { asked.count.withLock { $0 > count } }

    func feed() -> PictureFeed {
        let (count, asked) = (count, asked)
        let camera = Camera(
            path: "/dev/video0", now: { 0 }, pause: {},
            ask: {
                let number = asked.count.withLock { number in
                    number += 1
                    return number
                }
                return number <= count ? .picture(Picture(width: number, height: 1), seconds: Double(number) / 25) : .end
            })
        return PictureFeed(PictureSource(camera, path: "/dev/video0"), repeats: true)
    }
}

/// Everybody is always in view.
private struct Everywhere: LandmarkDetecting {
    func detect(_ picture: Picture) async throws -> DrivingPose? {
        .person(WholeBodyFrame(LandmarkFrame.neutral))
    }
}

/// Between the source of pictures and the animator.
@Suite struct DrivingFeedTests {
    /// What was made before the camera vanished is completed and delivered, and the reason is handed on.
    @Test(arguments: [1, 6, 17]) func aCameraThatVanishesEndsTheStreamWell(_ count: Int) async throws {
        let feed = NumberedCamera(count).feed()
        #expect(feed.isLive)
        let source = DrivingSource(
            pictures: { try await feed.next() }, name: "/dev/video0", framesPerSecond: nil, detector: Everywhere())
        let animator = try Animator(model: TinyModel.model(), engine: CPUEngine(threads: 1))
        try await animator.fuse(reference: TinyModel.reference)
        let feeder = DrivingFeeder(
            animator: animator, source: source, face: .neutral, count: nil, framesPerSecond: 25, isLive: false, clock: nil)
        let feeding = Task { await feeder.run() }
        var delivered = 0
        for try await frame in animator.frames {
            #expect(frame.index == delivered)
            delivered += 1
        }
        let failure = try #require(await feeding.value as? MediaError)
        #expect(failure.description.contains("goes on after \(count) pictures, found the end of its stream"))
        #expect(delivered == (count < 8 ? 0 : count), "\(delivered)")
    }

    /// A camera is read all the time, however slow whoever looks at its pictures is, and that one gets the newest.
    @Test(.timeLimit(.minutes(60))) func slowDetectionDoesNotHoldUpACamera() async throws {
        let camera = NumberedCamera(300)
        let newest = camera.feed().newest()
        let first = try #require(try await newest())
        #expect(first.picture.width >= 1)
        while !camera.isOver { try await Task.sleep(for: .milliseconds(1)) }
        let second = try #require(try await newest())
        #expect(second.picture.width == 300)
        await #expect(throws: MediaError.self) { try await newest() }
    }
}

/// The detectors that a command finds for a model.
@Suite struct DetectorsTests {
    private let workplace: Workplace
    private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures").path

    init() throws { workplace = try Workplace() }

    private func put(_ files: [(name: String, blob: String)]) throws {
        for (name, blob) in files {
            try FileManager.default.copyItem(atPath: "\(fixtures)/\(blob).onnx", toPath: "\(workplace.path)/\(name)")
        }
    }

    /// On a machine without the face tracker.
    private func detectors(_ name: String? = nil, model: String?) -> Detectors {
        Detectors(name: name, model: model, tracker: TrackerFiles(folder: workplace.path + "/absent"))
    }

    @Test func theModelsOwnAreOpened() async throws {
        try put([("yolox_m.onnx", "blob_detector"), ("dw-ll_ucoco_384.onnx", "blob_keypoints")])
        try workplace.write("rain.safetensors", [])
        var bright = Picture(width: 64, height: 64, red: 8, green: 8, blue: 8)
        for y in 20..<44 { for x in 20..<44 { for c in 0..<3 { bright.bytes[(y * 64 + x) * 3 + c] = 255 } } }
        for model in [workplace.path, workplace.path + "/rain.safetensors"] {
            let detector = try detectors(model: model).open(for: "me.mp4")
            let person = try #require(try await detector.detect(bright))
            #expect(person.person.face.allSatisfy { $0.x > 0.25 && $0.x < 0.75 })
            #expect(try await detector.detect(Picture(width: 64, height: 64)) == nil)
        }
    }

    /// A reference and what drives are looked at by the same one.
    @Test func theyAreBuiltOnce() throws {
        try put([("yolox_m.onnx", "blob_detector"), ("dw-ll_ucoco_384.onnx", "blob_keypoints")])
        let detectors = detectors(model: workplace.path)
        let first = try #require(try detectors.openIfAny() as? LandmarkDetector)
        #expect(try detectors.open(for: "me.mp4") as? LandmarkDetector === first)
        #expect(try self.detectors(model: workplace.path).openIfAny() as? LandmarkDetector !== first)
    }

    /// `rain studio` takes them from where it is told, or from the model's folder.
    @Test func theStudioOpensThemToo() async throws {
        #expect(try detectors(model: nil).openIfAny() == nil)
        #expect(try detectors(model: workplace.path).openIfAny() == nil)
        for (name, words) in [
            (workplace.path, "yolox_s.onnx"), ("mediapipe", "rain tracker install"), ("dwpose", "--model with the folder"),
        ] {
            let error = #expect(throws: DetectionError.self) { try detectors(name, model: nil).openIfAny() }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
        try put([("yolox_s.onnx", "blob_detector"), ("dw-mm_ucoco.onnx", "blob_keypoints")])
        for (name, model) in [(workplace.path, nil), (nil, workplace.path), ("dwpose", workplace.path)] as [(String?, String?)] {
            let detector = try #require(try detectors(name, model: model).openIfAny())
            #expect(try await detector.detect(Picture(width: 64, height: 64)) == nil)
        }
    }

    @Test func whereThereAreNoneItIsSaidWhichAndWhere() throws {
        for model in [nil, workplace.path, "absent", workplace.path + "/absent.safetensors"] {
            let error = #expect(throws: AnimationError.self) { try detectors(model: model).open(for: "me.mp4") }
            #expect(error?.code == .driving)
            for word in ["me.mp4", "rain tracker install", "yolox_s.onnx", "dw-mm_ucoco.onnx", "huggingface.co/yzd-v/DWPose", "--model"] {
                #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
            }
        }
        try put([("yolox_s.onnx", "blob_detector")])
        #expect(throws: AnimationError.self) { try detectors(model: workplace.path).open(for: "me.mp4") }
    }

    @Test func exchangedOnesAreNamed() throws {
        try put([("yolox_s.onnx", "blob_keypoints"), ("dw-mm_ucoco.onnx", "blob_detector")])
        let error = #expect(throws: DetectionError.self) { try detectors(model: workplace.path).open(for: "me.mp4") }
        #expect(error?.description.contains("yolox_s.onnx: expected a YOLOX detector") == true, "\(error?.description ?? "")")
    }

    /// A folder with some of the face tracker's files, or with others under their names, is called what it is.
    @Test func alteredTrackersAreNamed() throws {
        let folder = workplace.path + "/tracker"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try workplace.write("tracker/\(TrackerFiles.mesh.name)", Array("TFL3".utf8))
        let missing = #expect(throws: DetectionError.self) { try detectors(folder, model: nil).openIfAny() }
        #expect(missing?.code == .missing && missing?.description.contains("face_detection_short_range.tflite") == true)
        for file in TrackerFiles.all { try workplace.write("tracker/\(file.name)", Array("something else".utf8)) }
        let altered = #expect(throws: DetectionError.self) { try detectors(folder, model: nil).openIfAny() }
        #expect(altered?.code == .wrongNetwork)
        for word in ["face_detection_short_range.tflite", "SHA-256", "14 bytes", "rain tracker install"] {
            #expect(altered?.description.contains(word) == true, "\(altered?.description ?? "")")
        }
    }
}

@Suite struct LatencyHistogramTests {
    @Test func aSlowStreamIsNotPraised() {
        var latencies = LatencyHistogram()
        #expect(latencies.text == "not measured")
        for _ in 0..<10 { latencies.add(.milliseconds(250)) }
        #expect(latencies.text == "p50 250 ms, p95 250 ms")
        for _ in 0..<10 { latencies.add(.seconds(500)) }
        #expect(latencies.text == "p50 250 ms, p95 60 s or more")
    }
}
