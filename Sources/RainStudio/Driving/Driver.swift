import Foundation
import RainPose
import RainWorld

/// What a session's character does at any time: what its drivers say, the motion it plays, or its own idling.
///
/// Pure: time is handed in. What drivers say is held for a moment only, so that the character comes back to life by itself when a
/// driver goes away; bounded by construction, because only the newest of everything is kept.
struct Driver: Sendable {
    /// Which of the driving's parts count how much; 1 is as given.
    struct Gains: Hashable, Sendable, Codable {
        var head = 1.0
        var eyes = 1.0
        var brows = 1.0
        var mouth = 1.0
    }

    /// What to draw.
    enum Pose: Sendable {
        /// Of the puppet.
        case puppet(CharacterPose)
        /// Already on the reference's face.
        case landmarks(DrivingPose)
        /// A frame of the motion that plays.
        case motion(Int)
    }

    enum Mode: String, Sendable { case idle, controls, landmarks, camera, motion }

    /// How long what a driver said holds.
    static let hold = Duration.seconds(1)
    /// In seconds: how fast a driver takes over, and how fast idling does.
    private static let attack = 0.03
    private static let release = 0.45

    private let idle: IdleMotion
    /// Time constant with which controls follow their driver, in seconds.
    var smoothing = 0.0
    var gains = Gains()

    private var target = Controls()
    private var changed: [Duration?] = .init(repeating: nil, count: Controls.Field.allCases.count)
    private var values = SIMD16<Float>.zero
    private var weights = SIMD16<Float>.zero
    private var landmarks: (pose: DrivingPose, time: Duration, mode: Mode)?
    /// Where the landmarks are that follow their driver.
    private var followed: DrivingPose?
    /// Seconds between a camera's pictures.
    private var cameraInterval = 0.0
    private var motion: (frames: Int, rate: Double, start: Duration)?
    private var last: Duration?
    /// Newest time of every client; dropped with the client.
    private var times: [UInt16: Double] = [:]
    /// Events that no frame has answered, of the drivers that are apart.
    private var controlStamp: InputStamp?
    private var landmarkStamp: InputStamp?
    private(set) var mode = Mode.idle

    init(seed: UInt64) { idle = IdleMotion(seed: seed) }

    /// Takes in controls.
    ///
    /// - Parameter stamp: `nil` for what only holds on to what was said before
    /// - Returns: false if the client has said something newer
    mutating func take(_ controls: Controls, from stamp: InputStamp?, at now: Duration) -> Bool {
        guard isNewest(stamp) else { return false }
        if let stamp { controlStamp = stamp }
        for field in Controls.Field.allCases {
            guard let value = controls[field] else { continue }
            target[field] = value
            changed[field.rawValue] = now
        }
        return true
    }

    /// Takes in landmarks; while they come, controls and motions wait.
    mutating func take(_ pose: DrivingPose, from stamp: InputStamp?, at now: Duration) -> Bool {
        guard isNewest(stamp) else { return false }
        if let stamp { landmarkStamp = stamp }
        landmarks = (pose, now, .landmarks)
        return true
    }

    /// Takes in what was seen in a camera's picture. Pictures come in order by themselves, long after events of the same client.
    mutating func take(_ pose: DrivingPose, seenIn picture: InputStamp, at now: Duration) {
        if let landmarks, landmarks.mode == .camera {
            let interval = min((now - landmarks.time) / .seconds(1), 1)
            cameraInterval = cameraInterval > 0 ? cameraInterval + (interval - cameraInterval) * 0.2 : interval
        } else {
            cameraInterval = 0
        }
        landmarkStamp = picture
        landmarks = (pose, now, .camera)
    }

    /// Time constant with which landmarks are followed. A detector that takes long sees a few poses a second; the character goes from
    /// one to the next rather than jump.
    private var following: Double {
        landmarks?.mode == .camera && cameraInterval > 0.08 ? max(smoothing, 0.35 * cameraInterval) : smoothing
    }

    /// Plays a motion over and over; `nil` to stop.
    mutating func play(frames: Int?, rate: Double = 25, at now: Duration) {
        motion = frames.map { ($0, rate, now) }
    }

    mutating func forget(client: UInt16) { times[client] = nil }

    private mutating func isNewest(_ stamp: InputStamp?) -> Bool {
        guard let stamp else { return true }
        if let known = times[stamp.client], stamp.milliseconds < known { return false }
        times[stamp.client] = stamp.milliseconds
        return true
    }

    /// The pose of a frame, and the tag of the event it is the first to answer.
    mutating func frame(at now: Duration) -> (pose: Pose, tag: UInt64) {
        let step = min(max(last.map { (now - $0) / .seconds(1) } ?? 0, 0), 1)
        last = now
        // What does not show is not answered.
        defer { (controlStamp, landmarkStamp) = (nil, nil) }
        let puppet = puppet(at: now, step: step)
        if let landmarks, now - landmarks.time < Self.hold {
            mode = landmarks.mode
            let share = following > 0 ? 1 - exp(-step / following) : 1
            let pose = share < 1 ? followed.map { $0.mixed(with: landmarks.pose, share: share) } ?? landmarks.pose : landmarks.pose
            followed = pose
            return (.landmarks(pose), landmarkStamp?.tag ?? 0)
        }
        (landmarks, followed) = (nil, nil)
        if let motion {
            mode = .motion
            let elapsed = max(0, (now - motion.start) / .seconds(1)) * motion.rate
            return (.motion(Int(elapsed.truncatingRemainder(dividingBy: Double(motion.frames)))), 0)
        }
        mode = weights.max() > 0.05 ? .controls : .idle
        return (.puppet(puppet), controlStamp?.tag ?? 0)
    }

    private mutating func puppet(at now: Duration, step: Double) -> CharacterPose {
        let resting = idle.pose(at: now / .seconds(1))
        var pose = resting
        for field in Controls.Field.allCases {
            let index = field.rawValue
            let isDriven = changed[index].map { now - $0 < Self.hold } ?? false
            if isDriven, let target = target[field] {
                // A driver who takes over starts from where the character is.
                if weights[index] < 0.01 { values[index] = Float(resting[keyPath: field.part]) }
                let share = smoothing > 0 ? 1 - exp(-step / smoothing) : 1
                values[index] += (target - values[index]) * Float(share)
            }
            let time = isDriven ? Self.attack : Self.release
            weights[index] += ((isDriven ? 1 : 0) - weights[index]) * Float(1 - exp(-step / time))
            if isDriven, weights[index] > 0.98 { weights[index] = 1 }
            pose[keyPath: field.part] += (Double(values[index]) - pose[keyPath: field.part]) * Double(weights[index])
        }
        // A head that turns also moves, unless somebody moves it.
        if weights[Controls.Field.shiftX.rawValue] == 0 { pose.shiftX += (pose.yaw - resting.yaw) * 4 }
        if weights[Controls.Field.shiftY.rawValue] == 0 { pose.shiftY -= (pose.pitch - resting.pitch) * 4 }
        return gains(pose)
    }
}

extension Driver.Gains {
    /// The pose with its parts exaggerated or calmed, within what the procedural world draws.
    func callAsFunction(_ pose: CharacterPose) -> CharacterPose {
        guard self != Self() else { return pose }
        var pose = pose
        func scale(_ field: Controls.Field, by gain: Double, from rest: Double = 0) {
            let range = field.range
            let value = rest + (pose[keyPath: field.part] - rest) * gain
            pose[keyPath: field.part] = min(max(value, Double(range.lowerBound)), Double(range.upperBound))
        }
        for field in [Controls.Field.yaw, .pitch, .roll, .shiftX, .shiftY, .lean] { scale(field, by: head) }
        for field in [Controls.Field.leftEye, .rightEye] { scale(field, by: eyes, from: 1) }
        for field in [Controls.Field.gazeX, .gazeY] { scale(field, by: eyes) }
        scale(.brow, by: brows)
        for field in [Controls.Field.mouthOpen, .mouthWidth] { scale(field, by: mouth) }
        return pose
    }
}
