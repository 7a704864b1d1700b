import RainPictures
import RainPose
import RainWorld
import Testing

@testable import RainStudio

struct DriverTests {
    private func puppet(_ pose: Driver.Pose) throws -> CharacterPose {
        guard case .puppet(let pose) = pose else { throw WireError(text: "not a puppet's pose") }
        return pose
    }

    /// Poses over a time, in steps of 20 ms.
    private func run(_ driver: inout Driver, from start: Duration, seconds: Double) throws -> [CharacterPose] {
        try (1...Int(seconds * 50)).map { try puppet(driver.frame(at: start + .milliseconds(20 * $0)).pose) }
    }

    @Test func idlesUntilDriven() throws {
        var driver = Driver(seed: 7)
        let idle = IdleMotion(seed: 7)
        for (index, pose) in try run(&driver, from: .zero, seconds: 8).enumerated() {
            #expect(pose == idle.pose(at: Duration.milliseconds(20 * (index + 1)) / .seconds(1)))
        }
        #expect(driver.mode == .idle)
    }

    @Test func followsControlsAndComesBackToLife() throws {
        var driver = Driver(seed: 7)
        _ = try run(&driver, from: .zero, seconds: 1)
        var controls = Controls()
        controls[.yaw] = 0.5
        let taken1 = driver.take(controls, from: nil, at: .seconds(1))
        #expect(taken1)
        let driven = try run(&driver, from: .seconds(1), seconds: 0.2)
        #expect(abs(driven[9].yaw - 0.5) < 0.01)
        #expect(driver.mode == .controls)
        let idle = IdleMotion(seed: 7)
        #expect(driven[9].leftEye == idle.pose(at: 1.2).leftEye, "what is not driven goes on idling")
        let later = try run(&driver, from: .seconds(1.2), seconds: 5)
        #expect(abs((later.last?.yaw ?? 9) - idle.pose(at: 6.2).yaw) < 0.01)
        #expect(driver.mode == .idle)
    }

    @Test func tagsOnlyTheFirstFrameThatAnswers() throws {
        var driver = Driver(seed: 1)
        var controls = Controls()
        controls[.mouthOpen] = 1
        let stamp = InputStamp(client: 3, milliseconds: 1234.5)
        let taken2 = driver.take(controls, from: stamp, at: .zero)
        #expect(taken2)
        let tag = driver.frame(at: .milliseconds(10)).tag
        #expect(InputStamp(tag: tag) == stamp)
        let second = driver.frame(at: .milliseconds(20)).tag
        #expect(second == 0)
    }

    @Test func passesOverWhatIsOlder() throws {
        var driver = Driver(seed: 1)
        var controls = Controls()
        controls[.yaw] = 0.4
        let taken3 = driver.take(controls, from: InputStamp(client: 1, milliseconds: 50), at: .zero)
        #expect(taken3)
        controls[.yaw] = -0.4
        let taken4 = driver.take(controls, from: InputStamp(client: 1, milliseconds: 40), at: .zero)
        #expect(!taken4)
        let taken5 = driver.take(controls, from: InputStamp(client: 2, milliseconds: 40), at: .zero)
        #expect(taken5, "clocks of clients are their own")
        driver.forget(client: 1)
        let taken6 = driver.take(controls, from: InputStamp(client: 1, milliseconds: 0), at: .zero)
        #expect(taken6)
    }

    @Test func playsAMotionOverAndOver() {
        var driver = Driver(seed: 1)
        driver.play(frames: 4, rate: 10, at: .zero)
        var seen: [Int] = []
        for tenth in 0..<9 {
            if case .motion(let index) = driver.frame(at: .milliseconds(100 * tenth + 50)).pose { seen.append(index) }
        }
        #expect(seen == [0, 1, 2, 3, 0, 1, 2, 3, 0])
    }

    @Test func controlsRefuseWhatIsNoNumber() {
        #expect(Controls(values: SIMD16(repeating: .nan), mask: 1) == nil)
        #expect(Controls(values: .zero, mask: 1 << 13) == nil)
        #expect(Controls(values: SIMD16(repeating: 1e30), mask: 1)?[.yaw] == 0.6)
        #expect(Controls(values: SIMD16(repeating: .nan), mask: 0)?.mask == 0)
    }

    @Test func gainsStayWithinWhatIsDrawn() {
        var pose = CharacterPose()
        pose.yaw = 0.5
        pose.leftEye = 0.2
        let more = Driver.Gains(head: 2, eyes: 2)(pose)
        #expect(more.yaw == Double(Float(0.6)))
        #expect(more.leftEye == 0)
        #expect(Driver.Gains(head: 0)(pose).yaw == 0)
    }
}

/// Driving by landmarks: where they come from, how they are followed, and what becomes of events.
struct LandmarkDrivingTests {
    private func face(_ number: Int) -> LandmarkFrame { DrawnFilm.landmarks(number) }

    @Test func aCamerasPicturesMayBeOlderThanEvents() {
        var driver = Driver(seed: 1)
        var controls = Controls()
        controls[.yaw] = 0.4
        let taken = driver.take(controls, from: InputStamp(client: 1, milliseconds: 500), at: .zero)
        #expect(taken)
        driver.take(.face(face(20)), seenIn: InputStamp(client: 1, milliseconds: 300), at: .milliseconds(10))
        let (pose, tag) = driver.frame(at: .milliseconds(20))
        guard case .landmarks(.face(let shown)) = pose else {
            Issue.record("the camera does not drive")
            return
        }
        #expect(shown == face(20) && driver.mode == .camera)
        #expect(InputStamp(tag: tag) == InputStamp(client: 1, milliseconds: 300), "what shows is answered, and nothing else")
        let second = driver.frame(at: .milliseconds(30)).tag
        #expect(second == 0)
        // What came while the camera drove is not answered when it is gone.
        let late = driver.take(controls, from: InputStamp(client: 1, milliseconds: 510), at: .milliseconds(40))
        _ = driver.frame(at: .milliseconds(50))
        let after = driver.frame(at: .seconds(3)).tag
        #expect(late && after == 0 && driver.mode != .camera)
    }

    @Test func landmarksAreFollowedSmoothly() {
        var driver = Driver(seed: 1)
        driver.smoothing = 0.1
        driver.take(.face(face(0)), seenIn: InputStamp(client: 1, milliseconds: 0), at: .zero)
        _ = driver.frame(at: .milliseconds(1))
        driver.take(.face(face(22)), seenIn: InputStamp(client: 1, milliseconds: 1), at: .milliseconds(2))
        var distance: Float = .infinity
        for tick in 1..<40 {
            guard case .landmarks(.face(let shown)) = driver.frame(at: .milliseconds(20 * tick)).pose else {
                Issue.record("no landmarks")
                return
            }
            let left = abs(shown[.noseTip].x - face(22)[.noseTip].x)
            #expect(left <= distance)
            if tick == 1 { #expect(left > 0.005) }
            distance = left
        }
        #expect(distance < 1e-4)
    }

    /// Pictures that are looked at three times a second, and thirty.
    @Test(arguments: [(300, true), (33, false)]) func aSlowDetectorMakesNoJumps(interval: Int, isEased: Bool) {
        var driver = Driver(seed: 1)
        var places: [Float] = []
        for tick in 0..<120 {
            if tick * 20 % interval < 20 {
                let number = tick * 20 / interval % 2 == 0 ? 0 : 22
                driver.take(.face(face(number)), seenIn: InputStamp(client: 1, milliseconds: Double(tick)), at: .milliseconds(tick * 20))
            }
            if case .landmarks(let pose) = driver.frame(at: .milliseconds(tick * 20 + 1)).pose { places.append(pose.face[.noseTip].x) }
        }
        #expect(places.count == 120)
        let whole = abs(face(22)[.noseTip].x - face(0)[.noseTip].x)
        let largest = zip(places, places.dropFirst()).dropFirst(60).map { abs($1 - $0) }.max() ?? 0
        #expect(isEased ? largest < 0.35 * whole : largest > 0.9 * whole)
        // It arrives before the next one comes.
        let span = (places.suffix(60).max() ?? 0) - (places.suffix(60).min() ?? 0)
        #expect(span > 0.85 * whole)
    }

    @Test func whoTakesOverStartsWhereTheCharacterIs() {
        var handover = Handover()
        let (from, to) = (DrivingPose.face(face(0)), DrivingPose.face(face(22)))
        #expect(handover(from, mode: .idle, at: .zero) == from)
        #expect(handover(from, mode: .controls, at: .milliseconds(10)) == from)
        var before = from.face[.noseTip].x
        for tick in 0...25 {
            let x = handover(to, mode: .camera, at: .milliseconds(20 + 10 * tick)).face[.noseTip].x
            #expect(x >= before - 1e-6 || x <= before + 1e-6)
            #expect(abs(x - before) < 0.02)
            before = x
        }
        #expect(handover(to, mode: .camera, at: .milliseconds(400)) == to)
        #expect(handover(from, mode: .camera, at: .milliseconds(410)) == from, "the same driver is not held back")
    }

    @Test func gainsMeasureFromTheFaceAtRest() {
        let rest = face(0)
        var moved = face(22)
        #expect(Driver.Gains()(moved, at: rest) == moved)
        let still = Driver.Gains(head: 0, eyes: 0, brows: 0, mouth: 0)(moved, at: rest)
        #expect(zip(still.points, rest.points).allSatisfy { abs($0.x - $1.x) < 1e-6 && abs($0.y - $1.y) < 1e-6 })
        // A mouth that opens, and nothing else.
        moved = rest
        moved[.mouthBottom].y += 0.04
        let wide = Driver.Gains(mouth: 2)(moved, at: rest)
        #expect(abs(wide[.mouthBottom].y - rest[.mouthBottom].y - 0.08) < 1e-6)
        #expect(wide[.noseTip].x == rest[.noseTip].x && wide[.leftEyeTop] == rest[.leftEyeTop])
        // A head that moves takes its parts along.
        moved = LandmarkFrame(points: rest.points.map { LandmarkPoint(x: $0.x + 0.1, y: $0.y, visibility: $0.visibility) })
        let far = Driver.Gains(head: 2, eyes: 1, brows: 1, mouth: 0)(moved, at: rest)
        #expect(zip(far.points, rest.points).allSatisfy { abs($0.x - $1.x - 0.2) < 1e-5 && abs($0.y - $1.y) < 1e-6 })
    }

    @Test func theFaceAtRestIsTheMedianOfTheFirst() {
        var rest = RestingFace()
        let none = rest.calibrate()
        #expect(!none && rest.face == nil)
        for number in 0..<8 { rest.take(face(number)) }
        #expect(rest.face == LandmarkFrame.median(of: (0..<8).map(face)))
        for number in 20..<40 { rest.take(face(number)) }
        #expect(rest.face == LandmarkFrame.median(of: (0..<8).map(face)), "later ones do not count")
        let done = rest.calibrate()
        #expect(done && rest.face == LandmarkFrame.median(of: (32..<40).map(face)))
        rest.take(face(0))
        #expect(rest.face == LandmarkFrame.median(of: (32..<40).map(face)))
    }

    /// People of either set of points drive a drawn model as in `rain animate`, at any distance or at their own; others are shown whole persons.
    @Test(arguments: [true, false]) func peopleGoThroughThePuppet(keepsDistance: Bool) throws {
        let reference = Reference(
            picture: Picture(width: 8, height: 8), landmarks: RainWorld.Character(seed: 3).landmarks(CharacterPose()), name: "a picture",
            id: "p")
        let leaning = (0..<DrawnFilm.count).map { number in
            let scale: Float = number < RestingFace.count ? 1 : 1.2
            return LandmarkFrame(
                points: DrawnFilm.seen(number).points.map {
                    LandmarkPoint(x: 0.5 + ($0.x - 0.5) * scale, y: 0.5 + ($0.y - 0.5) * scale, visibility: $0.visibility)
                })
        }
        let files = [
            LandmarkFile.face(try LandmarkTrack(framesPerSecond: 30, frames: leaning, driver: .person)),
            .person(try WholeBodyTrack(framesPerSecond: 30, frames: leaning.map { WholeBodyFrame($0) })),
        ]
        for file in files {
            let neutral = try #require(LandmarkFrame.median(of: (0..<RestingFace.count).map { file[$0].face }))
            let carry = FaceCarrier(.person, neutral: neutral, to: reference.face)
            let motion = PlayedMotion(file, name: "people")
            for index in leaning.indices {
                func driven(asPerson: Bool) -> DrivingPose? {
                    motion.pose(index, at: .zero, on: reference, asPerson: asPerson, keepsDistance: keepsDistance)?.pose
                }
                #expect(driven(asPerson: false) == .face(carry(file[index].face, keepsDistance: keepsDistance)), "\(index)")
                #expect(driven(asPerson: true)?.hasBody == true)
            }
        }
    }

    @Test func theDrawnFilmIsLegible() throws {
        for number in 0..<DrawnFilm.count {
            let (read, isMirrored) = try #require(DrawnFilm.number(of: DrawnFilm.picture(number)))
            #expect(read == number && !isMirrored)
        }
        let picture = DrawnFilm.picture(5)
        var mirror = picture
        for pixel in 0..<mirror.width * mirror.height {
            let (x, y) = (pixel % mirror.width, pixel / mirror.width)
            let from = (y * mirror.width + mirror.width - 1 - x) * 3
            for channel in 0..<3 { mirror.bytes[pixel * 3 + channel] = picture.bytes[from + channel] }
        }
        let (number, isMirrored) = try #require(DrawnFilm.number(of: mirror))
        #expect(number == 5 && isMirrored)
        #expect(DrawnFilm.landmarks(5).mirrored.mirrored.points.count == LandmarkSet.count)
        #expect(abs(DrawnFilm.landmarks(22).mirrored.turn + DrawnFilm.landmarks(22).turn) < 1e-5)
    }
}
