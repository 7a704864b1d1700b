import Foundation
import RainNumbers

/// An endless, smooth, random motion: a pure function of time, so that any stretch of it can be had at any frame rate.
///
/// Head, gaze and brows wander along sums of three sines; blinks and winks come once per slot of one to three seconds; talking
/// comes and goes.
public struct Motion: Sendable {
    public let seed: UInt64
    /// Whether the motion begins at rest and swells within its first half second.
    public let startsAtRest: Bool

    /// Three sines.
    private struct Wave: Sendable {
        private var frequency = SIMD3<Double>.zero
        private var phase = SIMD3<Double>.zero
        private var weight = SIMD3<Double>.zero

        /// - Parameter periods: in seconds, at speed 1
        init(_ random: inout SplitMix64, _ scale: Double, periods: ClosedRange<Double>, speed: Double) {
            for index in 0..<3 {
                frequency[index] = speed / random.uniform(periods.lowerBound, periods.upperBound)
                phase[index] = random.unit()
                weight[index] = random.uniform(0.3, 1) * scale / 1.3
            }
        }

        func callAsFunction(_ time: Double) -> Double {
            var sum = 0.0
            for index in 0..<3 { sum += weight[index] * sin(2 * .pi * (frequency[index] * time + phase[index])) }
            return sum
        }
    }

    private let yaw, pitch, roll, shiftX, shiftY, gazeX, gazeY, brow, talk, mouthOpen, mouthWidth, lean, lids: Wave
    private let leftDroop, rightDroop: Wave?
    private let talks: Bool
    private let blinking: Blinking

    public init(seed: UInt64, startsAtRest: Bool = false) {
        self.seed = seed
        self.startsAtRest = startsAtRest
        var random = SplitMix64(seed: seed, stream: 2)
        let speed = random.uniform(0.7, 1.6)
        let size = random.uniform(0.6, 1.1)
        func wave(_ scale: Double, _ low: Double, _ high: Double) -> Wave {
            Wave(&random, scale, periods: low...high, speed: speed)
        }
        yaw = wave(0.38 * size, 1.6, 4.8)
        pitch = wave(0.18 * size, 1.4, 3.6)
        roll = wave(0.15 * size, 1.6, 4.4)
        shiftX = wave(5 * size, 2, 4.8)
        shiftY = wave(2.5 * size, 1.2, 3.6)
        gazeX = wave(0.6, 1, 3.2)
        gazeY = wave(0.4, 1, 3.2)
        brow = wave(0.8, 1.2, 3.6)
        talk = wave(1, 2.4, 6)
        mouthOpen = wave(1.2, 0.32, 0.64)
        mouthWidth = wave(0.8, 0.8, 2.4)
        lean = wave(0.9, 2.4, 6)
        lids = wave(0.12, 1.2, 3.2)
        // Some characters let one eyelid droop, so that the two eyes are seen to be independent.
        leftDroop = random.chance(0.15) ? wave(0.6, 1.2, 2.8) : nil
        rightDroop = random.chance(0.15) ? wave(0.6, 1.2, 2.8) : nil
        talks = random.chance(0.85)
        blinking = Blinking(seed: seed, slot: random.uniform(1, 2.8))
    }

    /// A bit over thirty years; beyond, where a double tells no frames apart any more, the motion stands still.
    static let longest = 1e9

    /// The pose at a time in seconds from the start, 0 or later.
    public func pose(at time: Double) -> CharacterPose {
        let time = min(max(0, time), Self.longest)
        var pose = CharacterPose()
        pose.yaw = clamp(yaw(time), 0.6)
        pose.pitch = clamp(pitch(time), 0.35)
        pose.roll = clamp(roll(time), 0.3)
        pose.shiftX = shiftX(time) + pose.yaw * 4
        pose.shiftY = shiftY(time) - pose.pitch * 4
        pose.gazeX = clamp(gazeX(time), 1)
        pose.gazeY = clamp(gazeY(time), 1)
        pose.brow = clamp(brow(time), 1)
        if talks {
            let loudness = min(max(talk(time) * 1.2 + 0.2, 0), 1)
            pose.mouthOpen = min(max((0.5 + 0.5 * mouthOpen(time)) * loudness, 0), 1)
        }
        pose.mouthWidth = clamp(mouthWidth(time), 1)
        pose.lean = clamp(lean(time), 1)
        let open = min(max(0.92 + lids(time), 0.6), 1)
        let blink = blinking(at: time)
        pose.leftEye = open * min(max(leftDroop.map { 0.6 + $0(time) } ?? 1, 0), 1) * blink.left
        pose.rightEye = open * min(max(rightDroop.map { 0.6 + $0(time) } ?? 1, 0), 1) * blink.right
        if startsAtRest, time < 0.5 {
            let swell = time / 0.5
            pose = pose.eased(from: CharacterPose(), swell * swell * (3 - 2 * swell))
        }
        return pose
    }

    /// Poses at a constant rate.
    ///
    /// - Parameters:
    ///   - frameCount: how many
    ///   - framesPerSecond: above 0
    ///   - start: the time of the first pose in seconds
    public func poses(frameCount: Int, framesPerSecond: Double, from start: Double = 0) -> [CharacterPose] {
        precondition(frameCount >= 0 && framesPerSecond > 0, "poses need a count and a rate")
        return (0..<frameCount).map { pose(at: start + Double($0) / framesPerSecond) }
    }

    private func clamp(_ value: Double, _ bound: Double) -> Double { min(max(value, -bound), bound) }
}

extension CharacterPose {
    /// The pose on the way from `rest` to this one; 0 is `rest`.
    func eased(from rest: CharacterPose, _ fraction: Double) -> CharacterPose {
        func between(_ part: KeyPath<CharacterPose, Double>) -> Double {
            rest[keyPath: part] + (self[keyPath: part] - rest[keyPath: part]) * fraction
        }
        var pose = CharacterPose()
        pose.yaw = between(\.yaw)
        pose.pitch = between(\.pitch)
        pose.roll = between(\.roll)
        pose.shiftX = between(\.shiftX)
        pose.shiftY = between(\.shiftY)
        pose.leftEye = between(\.leftEye)
        pose.rightEye = between(\.rightEye)
        pose.gazeX = between(\.gazeX)
        pose.gazeY = between(\.gazeY)
        pose.brow = between(\.brow)
        pose.mouthOpen = between(\.mouthOpen)
        pose.mouthWidth = between(\.mouthWidth)
        pose.lean = between(\.lean)
        return pose
    }
}
