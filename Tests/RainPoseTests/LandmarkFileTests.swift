import Foundation
import RainPictures
import RainPose
import Testing

/// A real-looking face of 68 points in a person; `blink` shuts the eyes.
func samplePerson(
    x: Double = 0.5, y: Double = 0.4, size: Double = 0.2, tall: Double = 1.2, eye: Double = 0.03, mouth: Double = 0.3, blink: Bool = false,
    body: Bool = true
) -> WholeBodyFrame {
    var points = [Keypoint](repeating: Keypoint(x: -1, y: -1, score: 0), count: WholeBody.count)
    func put(_ index: Int, _ u: Double, _ v: Double) {
        points[WholeBody.face.lowerBound + index] = Keypoint(x: x + size * u, y: y + size * v, score: 0.9)
    }
    for index in 0...16 {
        let angle = Double(index) / 16 * .pi
        put(index, -cos(angle), sin(angle) * tall)
    }
    for step in 0..<5 {
        let u = 0.2 + 0.12 * Double(step)
        put(17 + 4 - step, -u, -0.35)
        put(22 + step, u, -0.35)
    }
    for step in 0..<4 { put(27 + step, 0, 0.15 * Double(step)) }
    for step in -2...2 { put(33 + step, 0.09 * Double(step), 0.52) }
    let open = (blink ? 0.002 : eye) / 0.2
    for (first, side) in [(36, -1.0), (42, 1.0)] {
        // Outer to inner on the left, inner to outer on the right: left to right in the picture.
        for (offset, u, v) in [(0, -0.15, 0), (1, -0.05, -open), (2, 0.05, -open), (3, 0.15, 0), (4, 0.05, open), (5, -0.05, open)] {
            put(first + offset, 0.42 * side + u, v)
        }
    }
    for (index, u, v) in [
        (48, -1.0, 0.0), (49, -0.6, -0.25), (50, -0.3, -0.3), (51, 0, -0.28), (52, 0.3, -0.3), (53, 0.6, -0.25), (54, 1, 0), (55, 0.6, 0.3),
        (56, 0.3, 0.35), (57, 0, 0.36), (58, -0.3, 0.35), (59, -0.6, 0.3), (60, -0.9, 0), (61, -0.3, -0.1), (62, 0, -0.1), (63, 0.3, -0.1),
        (64, 0.9, 0), (65, 0.3, 0.1), (66, 0, 0.1), (67, -0.3, 0.1),
    ] { put(index, u * mouth, 0.75 + v * mouth) }
    if body {
        for (index, u, v) in [(0, 0.0, 0.45), (1, 0, 1.7), (2, -1.6, 1.8), (5, 1.6, 1.8), (3, -2, 3), (6, 2, 3)] {
            points[index] = Keypoint(x: x + size * u, y: y + size * v, score: 0.8)
        }
    }
    return WholeBodyFrame(points: points)
}

@Suite struct LandmarkFileTests {
    @Test func wholeBodiesComeBackFromAFile() throws {
        let track = try WholeBodyTrack(framesPerSecond: 30, frames: [samplePerson(), samplePerson(x: 0.6, blink: true)])
        let file = try LandmarkFile(json: track.json())
        #expect(file.framesPerSecond == 30 && file.frameCount == 2)
        guard case .person(let read) = file, case .person(let frame) = file[1] else { return #expect(Bool(false)) }
        #expect(read.frames[1] == frame)
        for (point, written) in zip(frame.points, samplePerson(x: 0.6, blink: true).points) {
            if written.score == 0 {
                #expect(point.score == 0)
            } else {
                #expect(abs(point.x - written.x) < 1e-5 && abs(point.y - written.y) < 1e-5 && abs(point.score - written.score) < 1e-5)
            }
        }
    }

    @Test func eachSetIsToldByItsNames() throws {
        let face = try LandmarkFile(json: LandmarkTrack(framesPerSecond: 25, frames: [sampleFrame()]).json())
        guard case .face = face else { return #expect(Bool(false)) }
        // Also when the frames come first.
        let person = String(decoding: try WholeBodyTrack(framesPerSecond: 25, frames: [samplePerson()]).json(), as: UTF8.self)
        let lines = person.split(separator: "\n", omittingEmptySubsequences: false)
        let (names, frames) = (String(lines[1].dropLast()), lines[2...3].joined(separator: "\n"))
        let turned = "{\(frames)], \(names), \"format\": \"rain-landmarks\", \"version\": 2, \"fps\": 25}"
        guard case .person = try LandmarkFile(json: Array(turned.utf8)) else { return #expect(Bool(false)) }
    }

    @Test func mixedSetsAreRefused() throws {
        let person = String(decoding: try WholeBodyTrack(framesPerSecond: 25, frames: [samplePerson()]).json(), as: UTF8.self)
        for (part, other, words) in [
            ("\"version\": 2", "\"version\": 1", "version 2"), ("\"face.3\"", "\"noseTip\"", "noseTip"),
            ("\"rightHand.20\"", "\"rightHand.21\"", "rightHand.21"), ("\"face.3\", ", "", "lacks face.3"),
        ] {
            #expect(person.contains(part))
            let error = #expect(throws: LandmarkError.self) { try LandmarkFile(json: Array(person.replacing(part, with: other).utf8)) }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
    }

    @Test func scoresBeyondOneAndPlacesBeyondReachAreWritable() throws {
        var frame = samplePerson()
        frame[3] = Keypoint(x: 0.5, y: 0.5, score: 7)
        frame[4] = Keypoint(x: .nan, y: 1e9, score: 1)
        let read = try LandmarkFile(json: WholeBodyTrack(framesPerSecond: 25, frames: [frame]).json())[0].person
        #expect(read[3].score == 1 && read[4].score == 0)
    }

    @Test func everyTruncationIsRefused() throws {
        let good = try WholeBodyTrack(framesPerSecond: 25, frames: [samplePerson()]).json()
        for length in stride(from: 0, to: good.count - 2, by: 13) {
            #expect(throws: LandmarkError.self) { try LandmarkFile(json: Array(good[..<length])) }
        }
    }

    @Test func theDocumentNamesEveryPoint() throws {
        let document = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Docs/LandmarkFormat.md"), encoding: .utf8)
        for name in WholeBody.names where name.hasPrefix("body") || name.hasPrefix("foot") { #expect(document.contains("`\(name)`")) }
        for name in ["`face.0`", "`face.67`", "`leftHand.0`", "`rightHand.20`"] { #expect(document.contains(name)) }
    }
}

@Suite struct DrivingPoseTests {
    @Test func aPersonsFaceBecomesADrawnFace() {
        let face = DrivingPose.person(samplePerson()).face
        #expect(abs(face[.faceOutline0].x - 0.3) < 1e-6 && abs(face[.faceOutline3].y - (0.4 + 0.24)) < 1e-6)
        #expect(face[.leftEyeOuter].x < face[.leftEyeInner].x && face[.leftEyeInner].x < face[.rightEyeInner].x)
        #expect(face[.leftEyeTop].y < face[.leftEyeBottom].y && face[.mouthTop].y < face[.mouthBottom].y)
        #expect(abs(face[.leftPupil].x - face[.leftEyeTop].x) < 1e-6)
        // The person's right shoulder is the left one of the picture.
        #expect(face[.leftShoulder].x < face[.neck].x && face[.neck].x < face[.rightShoulder].x)
        #expect(face.points.allSatisfy { $0.visibility > 0.3 })
    }

    @Test func unseenShouldersHaveAPlaceButDoNotShow() {
        let face = DrivingPose.person(samplePerson(body: false)).face
        #expect(face[.neck].visibility == 0 && face[.neck].y > face[.faceOutline3].y)
        #expect(face[.leftShoulder].x < face[.rightShoulder].x)
    }

    @Test func aDrawnFaceGoesThereAndBack() {
        var drawn = LandmarkFrame(samplePerson())
        drawn[.mouthBottom].y += 0.02
        let back = DrivingPose.person(DrivingPose.face(drawn).person).face
        for landmark in Landmark.allCases where ![.neck, .leftShoulder, .rightShoulder, .leftPupil, .rightPupil].contains(landmark) {
            #expect(abs(back[landmark].x - drawn[landmark].x) < 0.01 && abs(back[landmark].y - drawn[landmark].y) < 0.01, "\(landmark)")
        }
        #expect(!DrivingPose.face(drawn).hasBody && DrivingPose.person(samplePerson()).hasBody)
    }

    @Test func betweenTwoPosesLiesTheMiddle() {
        let (a, b) = (DrivingPose.person(samplePerson(x: 0.4)), DrivingPose.person(samplePerson(x: 0.6)))
        let middle = a.mixed(with: b, share: 0.5).person
        #expect(abs(middle[WholeBody.face.lowerBound].x - 0.3) < 1e-9)
        // Not seen in either: nowhere, not half way to nowhere.
        #expect(middle[20].x == -1)
        #expect(a.mixed(with: .face(sampleFrame()), share: 0.9) == .face(sampleFrame()))
    }

    @Test func bothKindsOfModelCanDrawBothKindsOfPose() {
        var buffer = [Float](repeating: 9, count: 2 * 64 * 64 * 3)
        for style in [PoseStyle.face(PosePainter(width: 64, height: 64)), .person(WholeBodyPainter(width: 64, height: 64))] {
            for pose in [DrivingPose.face(LandmarkFrame(samplePerson())), .person(samplePerson())] {
                style.paint(pose, into: &buffer, offset: style.count)
                #expect(buffer[0] == 9)
                #expect(buffer[style.count...].allSatisfy { $0 >= 0 && $0 <= 1 } && buffer[style.count...].contains { $0 > 0.5 })
            }
        }
    }

    @Test func partsAreDrawnAsAsked() {
        let person = samplePerson()
        let pictures = WholeBodyPainter.Parts.allCases.map { WholeBodyPainter(width: 128, height: 128, parts: $0).picture(person) }
        #expect(Set(pictures.map(\.bytes)).count == 3)
        // The body's first limb colour is in its pictures alone.
        func holds(_ picture: [UInt8], _ color: [UInt8]) -> Bool {
            stride(from: 0, to: picture.count, by: 3).contains { Array(picture[$0..<$0 + 3]) == color }
        }
        #expect(pictures.map { holds($0.bytes, [255, 85, 0]) } == [false, true, true])
        #expect(pictures.map { holds($0.bytes, [255, 128, 128]) } == [true, false, true])
    }
}

@Suite struct FaceCalibrationTests {
    @Test(arguments: [(1.5, 0.05, 0.2), (0.9, 0.06, 0.4), (1.2, 0.03, 0.3)])
    func theDriverGetsTheReferencesProportions(_ tall: Double, _ eye: Double, _ mouth: Double) throws {
        let reference = samplePerson(x: 0.45, y: 0.5, size: 0.3, tall: tall, eye: eye, mouth: mouth)
        let frames = [samplePerson(blink: true), samplePerson(), samplePerson(x: 0.52), samplePerson(size: 0.21)]
        let calibration = try FaceCalibration(driver: frames.map { .person($0) }, reference: .person(reference))
        for fit in calibration.fits {
            let value = calibration.parameters[fit.name]
            let range = fit.name.range
            let isAtLimit = value == range.lowerBound || value == range.upperBound
            #expect(abs(fit.reached - fit.reference) < 1e-6 || isAtLimit, "\(fit.name): \(fit)")
            #expect(range.contains(value))
        }
        // What frontal faces say nothing of stays.
        #expect(calibration.parameters[.mouthHorizontal] == FaceParameters.initial[.mouthHorizontal])
    }

    @Test func equalFacesNeedNoRatios() throws {
        let calibration = try FaceCalibration(driver: [.person(samplePerson())], reference: .person(samplePerson()))
        for name in [FaceParameters.Name.faceLength, .eyeHeight, .eyeWidth, .mouthWidth, .jawWidth] {
            #expect(abs(calibration.parameters[name] - 1) < 0.02, "\(name) \(calibration.parameters[name])")
        }
    }

    @Test func valuesSetByHandWin() throws {
        var given = FaceParameterValues()
        try given.set(.eyeHeight, 3.5)
        let calibration = try FaceCalibration(driver: [.person(samplePerson())], reference: .person(samplePerson()), given: given)
        #expect(calibration.parameters[.eyeHeight] == 3.5)
        #expect(!calibration.fits.contains { $0.name == .eyeHeight })
    }

    @Test func aDrawnReferenceWorksToo() throws {
        let calibration = try FaceCalibration(
            driver: [.person(samplePerson())], reference: .face(LandmarkFrame(samplePerson(tall: 0.9, eye: 0.06))))
        #expect(calibration.parameters[.faceLength] < 0.9 && calibration.parameters[.eyeHeight] > 1.5)
    }

    @Test func facesThatAreNotThereAreRefused() {
        let nobody = DrivingPose.person(
            WholeBodyFrame(points: [Keypoint](repeating: Keypoint(x: 0, y: 0, score: 0), count: WholeBody.count)))
        let point = DrivingPose.person(
            WholeBodyFrame(points: [Keypoint](repeating: Keypoint(x: 0.5, y: 0.5, score: 1), count: WholeBody.count)))
        for (driver, reference) in [(nobody, DrivingPose.person(samplePerson())), (.person(samplePerson()), nobody), (point, point)] {
            #expect(throws: LandmarkError.self) { try FaceCalibration(driver: [driver], reference: reference) }
        }
        #expect(throws: LandmarkError.self) { try FaceCalibration(driver: [], reference: .person(samplePerson())) }
    }
}

@Suite struct FaceParameterValuesTests {
    private func withFile<R>(_ text: String, _ body: (String) throws -> R) throws -> R {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("rain=a,b-\(UUID().uuidString).json").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test func laterValuesWin() throws {
        let values = try FaceParameterValues(text: "none, eye-height=3.0,eye-height=2.5")
        let parameters = values.applied(to: .initial)
        #expect(parameters[.eyeHeight] == 2.5 && parameters[.faceLength] == 1)
        #expect(try FaceParameterValues(text: "mouth-width=0.5").applied(to: .initial)[.faceLength] == 0.75)
    }

    @Test func filesComeBack() throws {
        var values = FaceParameterValues(FaceParameters.sliders)
        try values.set(.noseVertical, -0.1234)
        try withFile(String(decoding: values.json(), as: UTF8.self)) { path in
            // The name holds an equals sign and a comma.
            let (named, read) = (try FaceParameterValues(text: path), try FaceParameterValues(contentsOf: URL(fileURLWithPath: path)))
            #expect(named == values && read == values)
        }
    }

    @Test(arguments: [
        ("eye-hight=3", "eye-hight"), ("eye-height=9", "0.1 to 4"), ("eye-height=nan", "eye-height"), ("eye-height=", "number"),
        ("", "name=value"),
        ("eye-height=3,,", "name=value"), ("absent.json", "absent.json"), ("=3", "''"),
    ])
    func mistakesAreNamed(_ text: String, _ words: String) {
        let error = #expect(throws: LandmarkError.self) { try FaceParameterValues(text: text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        "", "{", "[]", "{}", "{\"format\": \"rain-retarget\", \"version\": 1}",
        "{\"format\": \"rain-landmarks\", \"version\": 1, \"parameters\": {}}",
        "{\"format\": \"rain-retarget\", \"version\": 2, \"parameters\": {}}",
        "{\"format\": \"rain-retarget\", \"version\": 1, \"parameters\": {\"eye-height\": 99}}",
        "{\"format\": \"rain-retarget\", \"version\": 1, \"parameters\": {\"eyes\": 1}}",
        "{\"format\": \"rain-retarget\", \"version\": 1, \"parameters\": {\"eye-height\": \"3\"}}",
    ])
    func damagedFilesAreRefused(_ text: String) {
        #expect(throws: LandmarkError.self) { try FaceParameterValues(json: Array(text.utf8)) }
    }
}
