import Foundation
import RainCPU
import RainDetection
import RainGraph
import RainPictures
import RainPose
import Testing

@Suite struct DetectorTests {
    /// Everything is found again whose picture was moved.
    @Test(arguments: [(4, 4), (20, 8), (36, 36), (16, 30)])
    func findsWhatIsThere(_ x: Int, _ y: Int) throws {
        let detector = try PersonDetector(path: blobFiles.detector, engine: CPUEngine(threads: 1))
        let seen = picture(square: (x, y))
        let person = try #require(try detector(seen).largestPerson())
        #expect(abs((person.box.left + person.box.right) / 2 - Double(x + 12)) <= 8)
        #expect(abs((person.box.top + person.box.bottom) / 2 - Double(y + 12)) <= 8)
        let estimator = try WholeBodyEstimator(path: blobFiles.estimator, engine: CPUEngine(threads: 1))
        let points = try estimator.keypoints(of: person.box, in: seen)
        #expect(points.count == 133)
        for point in points {
            #expect(point.x >= Double(x) - 2 && point.x <= Double(x) + 26 && point.y >= Double(y) - 2 && point.y <= Double(y) + 26)
            #expect(point.score > 0.3)
        }
    }

    /// Pictures of other sizes are scaled to the network and results back.
    @Test func sizesDoNotMatter() throws {
        let detector = try PersonDetector(path: blobFiles.detector, engine: CPUEngine(threads: 1))
        let large = picture(square: (20, 24)).resized(width: 256, height: 256)
        let person = try #require(try detector(large).largestPerson())
        #expect(abs((person.box.left + person.box.right) / 2 - 128) <= 32)
        #expect(abs(person.box.width - 96) < 1)
    }

    @Test func followsHoldsAndFindsAgain() async throws {
        let detector = try LandmarkDetector(blobFiles, engine: CPUEngine(threads: 1))
        var tracker = PersonTracker()
        for frame in 0..<8 {
            let seen = try await detector.observe(picture(square: (4 + 4 * frame, 20)))
            #expect(seen.person != nil)
            let tracked = tracker.update(seen.points.map { .person($0) }, at: Double(frame) / 10)
            let nose = try #require(tracked?.person.face[30])
            #expect(nose.x * 64 >= Double(2 + 4 * frame) && nose.x * 64 <= Double(30 + 4 * frame))
        }
        // Nobody: held, then easing; never an error.
        #expect(try await detector.detect(picture(square: nil)) == nil)
        _ = tracker.update(try await detector.detect(picture(square: nil)), at: 0.9)
        #expect(tracker.phase == .holding)
        _ = tracker.update(try await detector.detect(picture(square: nil)), at: 3)
        #expect(tracker.phase == .easing)
        _ = tracker.update(try await detector.detect(picture(square: (20, 20))), at: 3.1)
        #expect(tracker.phase == .returning)
    }

    /// A face that fills the picture may be no person to the detector, but has points all the same.
    @Test func looksEverywhereIfAsked() async throws {
        for everywhere in [true, false] {
            var settings = LandmarkDetector.Settings()
            settings.looksEverywhere = everywhere
            // So that nobody is believed.
            settings.thresholds.personScore = 1
            let detector = try LandmarkDetector(blobFiles, engine: CPUEngine(threads: 1), settings: settings)
            let seen = try await detector.observe(picture(square: (8, 8), size: 48))
            #expect(seen.person == nil && (seen.points != nil) == everywhere)
            let nothing = try await detector.observe(picture(square: nil))
            #expect(nothing.person == nil && nothing.points == nil)
        }
    }

    @Test func agreesWithTheInterpreter() throws {
        let seen = picture(square: (13, 17))
        let box = BoundingBox(left: 10, top: 10, right: 40, bottom: 45)
        let fast = try WholeBodyEstimator(path: blobFiles.estimator, engine: CPUEngine())
        let slow = try WholeBodyEstimator(path: blobFiles.estimator, engine: Interpreter())
        let (a, b) = (try fast.keypoints(of: box, in: seen), try slow.keypoints(of: box, in: seen))
        #expect(zip(a, b).allSatisfy { abs($0.x - $1.x) < 1e-6 && abs($0.y - $1.y) < 1e-6 && abs($0.score - $1.score) < 1e-5 })
    }

    @Test func otherNetworksAreNamed() throws {
        let engine = CPUEngine(threads: 1)
        func failure(_ body: () throws -> Void) -> DetectionError? { #expect(throws: DetectionError.self) { try body() } }
        let swapped = failure { _ = try PersonDetector(path: blobFiles.estimator, engine: engine) }
        #expect(swapped?.code == .wrongNetwork && swapped?.description.contains("YOLOX") == true)
        let other = failure { _ = try WholeBodyEstimator(path: "\(fixtures)/tiny_rtmpose.onnx", engine: engine) }
        #expect(other?.description.contains("[1, 11, 48]") == true)
        let detector = failure { _ = try WholeBodyEstimator(path: blobFiles.detector, engine: engine) }
        #expect(detector?.description.contains("DWPose") == true)
        // Three classes are a detector too.
        _ = try PersonDetector(path: "\(fixtures)/tiny_yolox.onnx", engine: engine)
    }

    @Test func foldersNameWhatIsMissing() throws {
        let folder = NSTemporaryDirectory() + "/rain-detection-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let both = #expect(throws: DetectionError.self) { try DetectorFiles(folder: folder) }
        #expect(both?.description.contains("yolox_s.onnx") == true && both?.description.contains("dw-mm_ucoco.onnx") == true)
        for name in ["yolox_s.onnx", "dw-mm_ucoco.onnx", "yolox_l.onnx"] {
            try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        let files = try DetectorFiles(folder: folder)
        #expect(files.detector.hasSuffix("yolox_l.onnx") && files.estimator.hasSuffix("dw-mm_ucoco.onnx"))
        // Of a model in one file they lie beside it.
        #expect(try DetectorFiles(model: folder) == files)
        try Data().write(to: URL(fileURLWithPath: "\(folder)/rain.safetensors"))
        #expect(try DetectorFiles(model: "\(folder)/rain.safetensors") == files)
        #expect(throws: DetectionError.self) { try DetectorFiles(model: "\(folder)/absent.safetensors") }
    }
}
