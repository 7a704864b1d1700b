import Foundation
import RainNumbers

/// What a character does when nobody drives it: it breathes, blinks, and glances around. A pure function of time.
///
/// Glances come once per slot of a few seconds: the eyes jump, the head follows a little later and less far.
public struct IdleMotion: Sendable {
    public let seed: UInt64
    private let breath: Double
    private let blinking: Blinking

    /// Seconds from glance to glance, and how fast eyes and head reach what is looked at.
    private static let glanceSlot = 2.6
    private static let eyeTime = 0.07
    private static let headTime = 0.4

    private struct Target {
        var x = 0.0
        var y = 0.0
        var tilt = 0.0
        var smile = 0.0
    }

    public init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix64(seed: seed, stream: 5)
        breath = random.uniform(3.4, 4.4)
        blinking = Blinking(seed: seed, slot: random.uniform(2.2, 3.6))
    }

    /// The pose at a time in seconds from the start, 0 or later; the motion begins at rest.
    public func pose(at time: Double) -> CharacterPose {
        let time = min(max(0, time), Motion.longest)
        let slot = (time / Self.glanceSlot).rounded(.down)
        let start = glanceStart(slot)
        let since = time - start
        // Before its own glance, a slot still holds what the slot before looked at.
        let (from, to) = since < 0 ? (target(slot - 2), target(slot - 1)) : (target(slot - 1), target(slot))
        let elapsed = since < 0 ? time - glanceStart(slot - 1) : since
        let eyes = Self.arrived(elapsed, Self.eyeTime)
        let head = Self.arrived(elapsed, Self.headTime)
        func between(_ part: KeyPath<Target, Double>, _ share: Double) -> Double {
            from[keyPath: part] + (to[keyPath: part] - from[keyPath: part]) * share
        }
        let inhaled = 0.5 - 0.5 * cos(2 * .pi * time / breath)
        let sway = sin(2 * .pi * time / (breath * 2.7))
        let blink = blinking(at: time)
        var pose = CharacterPose()
        pose.gazeX = between(\.x, eyes) * 0.8
        pose.gazeY = between(\.y, eyes) * 0.5
        pose.yaw = between(\.x, head) * 0.2 + 0.02 * sway
        pose.pitch = -between(\.y, head) * 0.08 + 0.012 * inhaled
        pose.roll = between(\.tilt, head) * 0.06
        pose.shiftX = pose.yaw * 4 + 0.5 * sway
        pose.shiftY = -1.1 * inhaled - pose.pitch * 4
        pose.lean = 0.12 * sway
        pose.brow = 0.15 * between(\.smile, head) + 0.08 * inhaled
        pose.mouthWidth = 0.35 * between(\.smile, head)
        pose.leftEye = 0.97 * blink.left
        pose.rightEye = 0.97 * blink.right
        return pose
    }

    private func glanceStart(_ slot: Double) -> Double {
        var random = SplitMix64(seed: seed ^ UInt64(bitPattern: Int64(slot)), stream: 6)
        return (slot + random.uniform(0.05, 0.6)) * Self.glanceSlot
    }

    /// What is looked at from a slot's glance on. Every third time or so it is the viewer; before the start too.
    private func target(_ slot: Double) -> Target {
        guard slot >= 0 else { return Target() }
        var random = SplitMix64(seed: seed ^ UInt64(bitPattern: Int64(slot)), stream: 7)
        let smile = random.uniform(-0.3, 1)
        guard !random.chance(0.35) else { return Target(smile: smile) }
        return Target(x: random.uniform(-1, 1), y: random.uniform(-0.7, 0.7), tilt: random.uniform(-1, 1), smile: smile)
    }

    /// How far a movement that takes about `time` has come, 0…1.
    private static func arrived(_ elapsed: Double, _ time: Double) -> Double {
        let share = min(max(elapsed / (2.5 * time), 0), 1)
        return share * share * (3 - 2 * share)
    }
}
