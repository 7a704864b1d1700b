import RainPose

/// What has been seen in a film so far, and where it is being played. Pure: time is handed in.
///
/// A film is looked at while it plays, ahead of where it plays: pictures for which there is no time are passed over in the first round and
/// looked at in later ones, until all are known. Between known pictures, poses are interpolated, so it always plays at its own pace.
struct FilmTrack: Sendable {
    /// The longest film in seconds; of a longer one its beginning counts.
    static let longest = 180.0
    /// Pictures that are closer to each other than this are not told apart.
    static let leastGap = 1 / 31.0
    /// How many faces are found before it plays: those of the driver at rest.
    private static let head = RestingFace.count
    /// How many seconds lie between looks as long as nobody has been found.
    private static let search = 0.2

    private struct Moment: Sendable {
        var seconds: Double
        /// `nil` if not yet looked at.
        var seen: Seen?
    }

    private enum Seen: Sendable {
        case nobody
        case pose(DrivingPose)
    }

    /// How many pictures the file says there are; only to tell people how far it is.
    var expected = 0
    private var moments: [Moment] = []
    private var known = 0
    private var faces = 0
    /// Once the end has been reached.
    private var duration: Double?
    /// When it began to play.
    private var start: Duration?
    private var tracker = PersonTracker()
    /// Follows the faces that are found before it plays.
    private var finder = PersonTracker()
    /// The driver at rest is that of the film's own first faces, whenever it is first asked what it shows.
    private var rest = RestingFace()
    /// How long a look takes, in seconds.
    private var work = 0.0
    /// Where the first round looked last.
    private var lastLook: Double?

    // MARK: Looking

    /// What is to be done with the film's next picture; they come in order, the same in every round.
    ///
    /// - Returns: its number if it is to be looked at
    mutating func wants(_ seconds: Double, at now: Duration) -> Int? {
        if let duration {
            let index = count(before: seconds)
            guard seconds < duration, index < moments.count, moments[index].seconds == seconds, moments[index].seen == nil else {
                return nil
            }
            return index
        }
        guard seconds < Self.longest else { return nil }
        if let last = moments.last, seconds - last.seconds < Self.leastGap { return nil }
        moments.append(Moment(seconds: seconds))
        // Nobody knows how long it takes before somebody comes into view.
        if faces == 0, let lastLook, seconds - lastLook < Self.search { return nil }
        // What plays before it is found is looked for in the next round.
        if let start, seconds < (now - start).seconds + max(0.2, 1.5 * work) { return nil }
        lastLook = seconds
        return moments.count - 1
    }

    /// - Parameter work: how long it took to look, in seconds
    mutating func saw(_ pose: DrivingPose?, in index: Int, work: Double, at now: Duration) {
        guard moments.indices.contains(index), moments[index].seen == nil else { return }
        moments[index].seen = pose.map { .pose($0) } ?? .nobody
        known += 1
        self.work = work
        if let pose, pose.showsFace {
            faces += 1
            if start == nil, let tracked = finder.update(pose, at: moments[index].seconds) { rest.take(tracked.face) }
        }
        if faces >= Self.head, start == nil { start = now }
    }

    /// The film's end has been reached once more.
    mutating func ended(at now: Duration) {
        if duration == nil {
            let period = moments.count > 1 ? (moments[moments.count - 1].seconds - moments[0].seconds) / Double(moments.count - 1) : 0.04
            duration = (moments.last?.seconds ?? 0) + period
        }
        if faces > 0, start == nil { start = now }
    }

    /// Whether nothing is left to look at.
    var isWhole: Bool { duration != nil && known == moments.count }
    /// Whether anybody was found.
    var hasFace: Bool { faces > 0 }
    var count: Int { moments.count }
    /// Of what there is, how much has been looked at.
    var share: Double {
        let count = duration == nil ? max(moments.count, expected) : moments.count
        return count == 0 ? 0 : Double(known) / Double(count)
    }
    /// Whether it plays.
    var isPlaying: Bool { start != nil }

    // MARK: Playing

    /// Where it plays, in seconds from its beginning.
    func place(at now: Duration) -> Double? {
        guard let start else { return nil }
        let elapsed = max(0, (now - start).seconds)
        guard let duration, duration > 0 else { return min(elapsed, moments.last?.seconds ?? 0) }
        return elapsed.truncatingRemainder(dividingBy: duration)
    }

    /// The steady pose of now and the neutral face; `nil` before the first one is seen.
    mutating func pose(at now: Duration) -> (pose: DrivingPose, rest: RestingFace)? {
        guard let start, let place = place(at: now) else { return nil }
        let detected = pose(place)
        guard let tracked = tracker.update(detected, at: (now - start).seconds) else { return nil }
        if tracker.phase == .tracking { rest.remember(tracked.face) }
        return (tracked, rest)
    }

    mutating func calibrate() -> Bool { rest.calibrate() }

    /// What was seen at a place, in between what was seen before and after it.
    private func pose(_ place: Double) -> DrivingPose? {
        let split = count(before: place)
        let before = moments[..<split].lastIndex { $0.seen != nil }
        let after = moments[split...].firstIndex { $0.seen != nil }
        guard let before else { return after.flatMap { frame($0) } }
        guard let after else { return frame(before) }
        let gap = moments[after].seconds - moments[before].seconds
        let share = gap > 0 ? (place - moments[before].seconds) / gap : 0
        guard let from = frame(before), let to = frame(after) else { return frame(share < 0.5 ? before : after) }
        return from.mixed(with: to, share: share)
    }

    /// How many moments lie before a place.
    private func count(before place: Double) -> Int {
        var (low, high) = (0, moments.count)
        while low < high {
            let middle = (low + high) / 2
            if moments[middle].seconds < place { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func frame(_ index: Int) -> DrivingPose? {
        if case .pose(let pose) = moments[index].seen { pose } else { nil }
    }
}
