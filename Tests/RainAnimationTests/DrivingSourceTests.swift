import RainAnimation
import RainPictures
import RainPose
import RainTesting
import Synchronization
import Testing

/// Finds in each picture what its colour says: nobody in black ones, else a person as far right as the picture is red.
private struct ColorDetector: LandmarkDetecting {
    func detect(_ picture: Picture) async throws -> DrivingPose? {
        #expect(picture.width == picture.height)
        guard picture.bytes[0] > 0 else { return nil }
        return .person(person(Double(picture.bytes[0]) / 255))
    }
}

private func person(_ x: Double, score: Double = 1) -> WholeBodyFrame {
    WholeBodyFrame(points: (0..<WholeBody.count).map { Keypoint(x: x, y: 0.001 * Double($0), score: score) })
}

/// Pictures of some reds, at some times.
private func pictures(_ reds: [(red: UInt8, seconds: Double)]) -> DrivingSource.Pictures {
    let next = Mutex(0)
    return {
        let index = next.withLock { index in
            defer { index += 1 }
            return index
        }
        return index < reds.count ? (Picture(width: 12, height: 8, red: reds[index].red), reds[index].seconds) : nil
    }
}

private func all(_ source: DrivingSource) async throws -> [DrivingFrame] {
    var frames: [DrivingFrame] = []
    for try await frame in source { frames.append(frame) }
    return frames
}

@Suite struct DrivingSourceTests {
    @Test func personsAreFoundInPictures() async throws {
        let source = DrivingSource(
            pictures: pictures([(0, 0), (51, 0.04), (102, 0.1), (0, 0.2)]), name: "me.mp4", framesPerSecond: 25, detector: ColorDetector())
        let frames = try await all(source)
        // Nobody at first; then somebody who is held when nobody is seen.
        #expect(frames.map(\.seconds) == [0.04, 0.1, 0.2])
        #expect(frames.map { $0.pose.person.face[0].x } == [0.2, 0.4, 0.4])
        #expect(source.hasBody && source.frameCount == nil)
    }

    @Test func nobodyInViewIsSaid() async throws {
        let source = DrivingSource(
            pictures: pictures([(0, 0), (0, 0.04)]), name: "me.mp4", framesPerSecond: 25, detector: ColorDetector())
        let error = await #expect(throws: AnimationError.self) { try await all(source) }
        #expect(error?.description.contains("me.mp4") == true && error?.description.contains("2 pictures") == true)
    }

    @Test func picturesThatAreLateAreNotLookedAt() async throws {
        let source = DrivingSource(
            pictures: pictures((1..<10).map { (UInt8($0), Double($0)) }), name: "me.mp4", framesPerSecond: 1, detector: ColorDetector(),
            isLate: { $0 < 6.5 })
        // The first person is waited for.
        #expect(try await all(source).map(\.seconds) == [1, 7, 8, 9])
    }

    @Test func aFileStartsOverIfAsked() async throws {
        let file = LandmarkFile.face(try LandmarkTrack(framesPerSecond: 10, frames: (0..<3).map(TinyModel.driving)))
        #expect(try await all(DrivingSource(file, name: "f")).count == 3)
        var iterator = DrivingSource(file, name: "f", repeats: true).makeAsyncIterator()
        for index in 0..<20 {
            let frame = try #require(try await iterator.next())
            #expect(frame.pose == .face(TinyModel.driving(index % 3)) && abs(frame.seconds - 0.1 * Double(index)) < 1e-9)
        }
    }

    @Test func aFileOfWholePersonsIsTracked() async throws {
        let frames = [person(0.1), person(0.9, score: 0), person(0.2)]
        let file = LandmarkFile.person(try WholeBodyTrack(framesPerSecond: 10, frames: frames))
        #expect(try await all(DrivingSource(file, name: "f")).map { $0.pose.person.face[5].x } == [0.1, 0.1, 0.2])
    }

    @Test func bothKindsOfFilesAreSmoothedIfAsked() async throws {
        let trembling = (0..<20).map { 0.5 + ($0 % 2 == 0 ? 0.01 : -0.01) }
        let faces = trembling.map { x in
            LandmarkFrame(points: LandmarkFrame.neutral.points.map { LandmarkPoint(x: $0.x + Float(x) - 0.5, y: $0.y) })
        }
        let files = [
            LandmarkFile.face(try LandmarkTrack(framesPerSecond: 25, frames: faces)),
            .person(try WholeBodyTrack(framesPerSecond: 25, frames: faces.map { WholeBodyFrame($0) })),
        ]
        for file in files {
            var settings = PersonTracker.Settings()
            let plain = try await all(DrivingSource(file, name: "f", tracking: settings))
            settings.smoothing = .init()
            let smooth = try await all(DrivingSource(file, name: "f", tracking: settings))
            #expect(plain.count == 20 && smooth.count == 20)
            func steps(_ frames: [DrivingFrame]) -> [Float] {
                let x = frames.map { $0.pose.face.points[0].x }
                return zip(x, x.dropFirst()).map { abs($1 - $0) }
            }
            #expect(steps(plain).allSatisfy { abs($0 - 0.02) < 1e-5 })
            #expect(steps(smooth).dropFirst(4).allSatisfy { $0 < 0.012 && $0 > 0 }, "\(steps(smooth))")
        }
    }

    /// What a camera showed before it vanished is driven by, then the reason is told.
    @Test func whatEndsThePicturesIsToldAfterThem() async throws {
        struct Gone: Error {}
        let before = pictures([(51, 0), (102, 0.04)])
        let source = DrivingSource(
            pictures: {
                guard let picture = try await before() else { throw Gone() }
                return picture
            }, name: "/dev/video0", framesPerSecond: nil, detector: ColorDetector())
        var iterator = source.makeAsyncIterator()
        #expect(try await iterator.next()?.seconds == 0)
        #expect(try await iterator.next()?.seconds == 0.04)
        await #expect(throws: Gone.self) { try await iterator.next() }
    }

    /// A lost face goes on driving at every picture: held for a second, eased to the face at rest within another, and found again.
    @Test func aLostFaceNeverStopsTheFrames() async throws {
        let seen = (0..<10).map { (red: UInt8(51), seconds: Double($0) / 10) } + [(255, 1)]
        let lost = (11..<41).map { (red: UInt8(0), seconds: Double($0) / 10) }
        let again = (41..<50).map { (red: UInt8(153), seconds: Double($0) / 10) }
        let source = DrivingSource(
            pictures: pictures(seen + lost + again), name: "me.mp4", framesPerSecond: 10, detector: ColorDetector())
        let frames = try await all(source)
        #expect(frames.count == 50)
        let x = frames.map { $0.pose.person.face[0].x }
        // The last seen place is 1, that at rest 0.2.
        #expect(x[10...20].allSatisfy { $0 == 1 })
        for index in 21..<30 { #expect(x[index] < x[index - 1] || x[index] == 0.2) }
        #expect(x[15 + 10] < 0.7 && x[25] > 0.5 && x[30...40].allSatisfy { abs($0 - 0.2) < 1e-9 })
        #expect(x[41] < 0.6 && x[44...].allSatisfy { abs($0 - 0.6) < 1e-9 })
    }

    @Test func aFileWithoutAnybodyEndsAlsoWhenItRepeats() async throws {
        let file = LandmarkFile.person(try WholeBodyTrack(framesPerSecond: 10, frames: [person(0.9, score: 0)]))
        for repeats in [false, true] {
            let error = await #expect(throws: AnimationError.self) { try await all(DrivingSource(file, name: "f.json", repeats: repeats)) }
            #expect(error?.description.contains("f.json") == true)
        }
    }
}

@Suite struct EvenFramesTests {
    private func frame(_ x: Double, _ seconds: Double) -> DrivingFrame { DrivingFrame(pose: .person(person(x)), seconds: seconds) }

    /// The x of all frames that come of some frames x at times.
    private func even(_ frames: [(Double, Double)], rate: Double, drivingRate: Double? = nil) -> [Double] {
        var even = EvenFrames(framesPerSecond: rate, drivingRate: drivingRate)
        var result: [Double] = []
        func take() { while let pose = even.next() { result.append(pose.person.face[0].x) } }
        for (x, seconds) in frames {
            even.push(frame(x, seconds))
            take()
        }
        even.finish()
        take()
        return result
    }

    @Test(arguments: [10.0, 25, 29.97, 60])
    func theSameRateGivesTheSameFrames(_ rate: Double) {
        let frames = (0..<500).map { (Double($0) / 500, Double($0) / rate) }
        let result = even(frames, rate: rate, drivingRate: rate)
        #expect(result.count == 500)
        for (a, b) in zip(result, frames) { #expect(abs(a - b.0) < 1e-9) }
    }

    @Test(arguments: [(10.0, 25.0, 25), (25, 10, 4), (30, 25, 8), (10, 10, 10), (10, 20, 20), (10, 7, 7)])
    func anotherRateKeepsTheLength(_ from: Double, _ to: Double, _ count: Int) {
        let frames = (0..<10).map { (Double($0) / from, Double($0) / from) }
        let result = even(frames, rate: to, drivingRate: from)
        #expect(result.count == count)
        for (index, x) in result.enumerated() { #expect(abs(x - min(Double(index) / to, 9 / from)) < 1e-9) }
    }

    @Test func unevenTimesAreInterpolated() {
        let result = even([(0, 0), (0.03, 0.03), (0.3, 0.3), (0.31, 0.31)], rate: 10, drivingRate: 10)
        for (x, expected) in zip(result, [0, 0.1, 0.2, 0.3]) { #expect(abs(x - expected) < 1e-9) }
    }

    @Test func longPausesAreCut() {
        let result = even([(0, 0), (1, 1e12), (1, 1e12 + 1)], rate: 10, drivingRate: 10)
        #expect(result.count == 111)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, -5])
    func timesThatAreNoneStandStill(_ time: Double) {
        let result = even([(0.1, 0), (0.2, time), (0.3, 0.1)], rate: 10, drivingRate: 10)
        #expect(result.count == 2 && result.allSatisfy(\.isFinite))
    }

    @Test func oneFrameIsOneFrame() { #expect(even([(0.5, 3)], rate: 25, drivingRate: 25).last == 0.5) }
}
