import RainPose
import Testing

@Suite struct PersonTrackerTests {
    private let neutral = (0..<68).map { SIMD2(0.5 + 0.001 * Double($0), 0.5) }

    /// A person whose face lies at x, with some points not seen.
    private func person(_ x: Double, unseen: Range<Int> = 0..<0, bodyScore: Double = 1) -> DrivingPose {
        .person(
            WholeBodyFrame(
                points: (0..<WholeBody.count).map { index in
                    let isFace = WholeBody.face.contains(index)
                    let isUnseen = isFace && unseen.contains(index - WholeBody.face.lowerBound)
                    return Keypoint(x: x + 0.001 * Double(index), y: 0.3, score: isUnseen ? 0.1 : isFace ? 0.9 : bodyScore)
                }))
    }

    /// The person shown, where there must be one.
    private func shown(_ tracker: inout PersonTracker, _ detected: DrivingPose?, at seconds: Double) throws -> WholeBodyFrame {
        let frame = tracker.update(detected, at: seconds)
        return try #require(frame).person
    }

    private func faceX(_ pose: DrivingPose?, _ point: Int = 0) -> Double? { pose?.person.face[point].x }

    private var settings: PersonTracker.Settings {
        var settings = PersonTracker.Settings()
        (settings.hold, settings.ease, settings.reacquire) = (1, 2, 0.5)
        return settings
    }

    @Test func nothingIsShownBeforeAFaceIsSeen() {
        var tracker = PersonTracker(settings)
        #expect(tracker.update(nil, at: 0) == nil)
        #expect(tracker.update(person(0.1, unseen: 0..<68), at: 0.1) == nil)
        #expect(tracker.phase == .waiting)
        #expect(tracker.update(person(0.1), at: 0.2) != nil)
        #expect(tracker.phase == .tracking)
    }

    @Test func unseenPointsKeepTheirPlace() {
        var tracker = PersonTracker(settings)
        _ = tracker.update(person(0.1), at: 0)
        let frame = tracker.update(person(0.2, unseen: 3..<5), at: 0.04)
        #expect(faceX(frame, 3) == 0.1 + 0.001 * 27 && faceX(frame, 5) == 0.2 + 0.001 * 29)
    }

    @Test func aLostFaceIsHeldThenEasedToNeutral() throws {
        var tracker = PersonTracker(settings, neutral: neutral)
        let seen = try shown(&tracker, person(0.1), at: 10).face[0].x
        #expect(faceX(tracker.update(nil, at: 10.5)) == seen)
        #expect(tracker.phase == .holding)
        #expect(faceX(tracker.update(person(0.4, unseen: 0..<60), at: 10.99)) == seen)
        var last = seen
        for step in 1...20 {
            let now = try shown(&tracker, nil, at: 11 + 0.1 * Double(step)).face[0].x
            #expect(now >= last - 1e-12 && now - last < 0.05)
            last = now
        }
        #expect(tracker.phase == .easing)
        #expect(last == neutral[0].x)
        #expect(faceX(tracker.update(nil, at: 1000)) == neutral[0].x)
    }

    @Test func halfWayIsHalfWay() throws {
        var tracker = PersonTracker(settings, neutral: neutral)
        let seen = try shown(&tracker, person(0.1), at: 0).face[0].x
        _ = tracker.update(nil, at: 1)
        let middle = try shown(&tracker, nil, at: 2).face[0].x
        #expect(abs(middle - (seen + neutral[0].x) / 2) < 1e-12)
    }

    @Test func aLongGapBetweenPicturesIsSeenThrough() {
        var tracker = PersonTracker(settings, neutral: neutral)
        _ = tracker.update(person(0.1), at: 0)
        // No picture for a minute, then one without a face: neutral at once, as if there had been pictures.
        #expect(faceX(tracker.update(nil, at: 60)) == neutral[0].x)
    }

    @Test func aFaceFoundAgainIsReachedGently() throws {
        var tracker = PersonTracker(settings, neutral: neutral)
        _ = tracker.update(person(0.1), at: 0)
        _ = tracker.update(nil, at: 30)
        let start = try shown(&tracker, person(0.1), at: 30.1).face[0].x
        #expect(tracker.phase == .returning)
        #expect(abs(start - neutral[0].x) < 1e-12)
        let later = try shown(&tracker, person(0.1), at: 30.35).face[0].x
        #expect(later < start && later > 0.124)
        #expect(faceX(tracker.update(person(0.1), at: 30.7)) == 0.1 + 0.001 * 24)
        #expect(tracker.phase == .tracking)
    }

    @Test func aFaceFoundWhileHeldIsShownAtOnce() {
        var tracker = PersonTracker(settings, neutral: neutral)
        _ = tracker.update(person(0.1), at: 0)
        _ = tracker.update(nil, at: 0.5)
        #expect(faceX(tracker.update(person(0.3), at: 0.6)) == 0.3 + 0.001 * 24)
        #expect(tracker.phase == .tracking)
    }

    @Test func theFirstFacesAreTheDriverAtRest() throws {
        var tracker = PersonTracker(settings)
        for (index, x) in [0.1, 0.1, 0.9, 0.1].enumerated() { _ = tracker.update(person(x), at: 0.1 * Double(index)) }
        for index in 4..<100 { _ = tracker.update(person(0.7), at: 0.1 * Double(index)) }
        // The median of the first eight: four of them at 0.7.
        let rest = try shown(&tracker, nil, at: 100).face[0].x
        #expect(abs(rest - 0.724) < 1e-9)
        var other = PersonTracker(settings)
        for index in 0..<20 { _ = other.update(person(index < 6 ? 0.1 : 0.7), at: 0.1 * Double(index)) }
        let other0 = try shown(&other, nil, at: 100).face[0].x
        #expect(abs(other0 - 0.124) < 1e-9)
    }

    @Test func facesAreAveragedByTheirAge() throws {
        var settings = settings
        settings.damping = 3
        var tracker = PersonTracker(settings)
        for (index, x) in [0.9, 0.1, 0.2].enumerated() { _ = tracker.update(person(x), at: Double(index)) }
        let frame = try shown(&tracker, person(0.3), at: 3).face[0].x
        #expect(abs(frame - (0.1 + 2 * 0.2 + 3 * 0.3) / 6 - 0.024) < 1e-12)
    }

    @Test func bodiesShowWhatIsSeenAndAreHeldWhenGone() throws {
        var tracker = PersonTracker(settings)
        _ = tracker.update(person(0.1), at: 0)
        let hidden = try shown(&tracker, person(0.1, bodyScore: 0.2), at: 0.1)
        #expect(hidden[3].score == 0)
        let seen = try shown(&tracker, person(0.2), at: 0.2)
        let gone = try shown(&tracker, nil, at: 5)
        #expect(gone[3] == seen[3] && gone[130] == seen[130])
    }

    /// The 29 points of a face are followed like a person's: held, eased, and found again; shoulders that are not seen stay unseen.
    @Test func facesOfEitherSetAreFollowed() throws {
        var face = LandmarkFrame(points: (0..<LandmarkSet.count).map { LandmarkPoint(x: 0.01 * Float($0), y: 0.5) })
        face[.leftShoulder].visibility = 0
        var tracker = PersonTracker(settings)
        var shown = tracker.update(.face(face), at: 0)
        #expect(shown == .face(face))
        shown = tracker.update(nil, at: 0.5)
        #expect(shown == .face(face) && tracker.phase == .holding)
        var hidden = face
        hidden[.leftPupil].visibility = 0
        hidden[.leftPupil].x = 0.9
        shown = tracker.update(.face(hidden), at: 0.6)
        #expect(shown?.face[.leftPupil] == face[.leftPupil])
        // Another set is brought to the one that is followed.
        let other = tracker.update(.person(WholeBodyFrame(face)), at: 0.7)
        guard case .face = other else { throw LandmarkError(.format, "the set of points changed") }
    }

    @Test func timeThatRunsBackDoesNoHarm() {
        var settings = settings
        settings.smoothing = .init()
        var tracker = PersonTracker(settings, neutral: neutral)
        for time in [5.0, 4, 5, 3, 7, 7] {
            let frame = tracker.update(person(0.2), at: time)
            #expect(frame?.person.points.allSatisfy { $0.x.isFinite && $0.y.isFinite } == true)
        }
    }

    @Test func coordinatesThatAreNoneAreUnseen() throws {
        var tracker = PersonTracker(settings)
        _ = tracker.update(person(0.1), at: 0)
        var bad = person(0.2).person
        bad[30] = Keypoint(x: .nan, y: .infinity, score: 1)
        let frame = try shown(&tracker, .person(bad), at: 0.1)
        #expect(frame[30].x == 0.1 + 0.001 * 30)
    }
}

@Suite struct OneEuroFilterTests {
    @Test func restIsCalmAndMotionIsFollowed() {
        var filter = OneEuroFilter()
        var worst = 0.0
        // Noise of ± 0.005 about a fixed place.
        for step in 0..<200 {
            let noise = 0.005 * Double((step * 7919) % 11 - 5) / 5
            let out = filter(SIMD2(0.5 + noise, 0.5), at: Double(step) / 25)
            if step > 20 { worst = max(worst, abs(out.x - 0.5)) }
        }
        #expect(worst < 0.004)
        // Half a picture a second: the lag stays within a frame and a half.
        for step in 0..<50 {
            let place = 0.5 + 0.5 * Double(step) / 25
            let out = filter(SIMD2(place, 0.5), at: 8 + Double(step) / 25)
            if step > 25 { #expect(abs(out.x - place) < 0.03) }
        }
    }

    @Test func unevenTimesAndPausesAreFine() {
        var filter = OneEuroFilter()
        #expect(filter(SIMD2(1, 1), at: 0) == SIMD2(1, 1))
        #expect(filter(SIMD2(9, 9), at: 0) == SIMD2(1, 1))
        let out = filter(SIMD2(2, 2), at: 1000)
        #expect(abs(out.x - 2) < 0.01)
        filter.reset()
        #expect(filter(SIMD2(5, 5), at: 1) == SIMD2(5, 5))
    }
}
