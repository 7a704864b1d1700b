/// How frames travel through the noise levels.
///
/// The frames in flight are groups of consecutive frames, one group per noise level, clean to noisy. At every push all of them go
/// down one level together, the cleanest group leaves and a group of fresh noise enters. RAIN's stream is 4 frames × 4 levels;
/// 1 × 4 is StreamDiffusion's stream batch (arXiv 2312.12491); n × 1 with several steps denoises chunk after chunk as
/// AnimateAnyone (arXiv 2311.17117) does: all are configurations of the same engine.
public struct StreamSchedule: Hashable, Sendable, CustomStringConvertible {
    /// The most frames that may be in flight: the temporal positions of the published networks.
    public static let mostFrames = 32
    /// The most denoising steps a frame may have.
    public static let mostSteps = 64

    public let framesPerGroup: Int
    /// Groups in flight, one per noise level.
    public let levels: Int
    /// Denoising steps of each frame; a multiple of `levels`.
    public let steps: Int

    /// - Parameter steps: of each frame; `nil` for one per level
    /// - Throws: `AnimationError.schedule` naming what is impossible
    public init(framesPerGroup: Int = 4, levels: Int = 4, steps: Int? = nil) throws(AnimationError) {
        guard framesPerGroup >= 1, levels >= 1 else {
            throw AnimationError(
                .schedule, "window \(framesPerGroup)x\(levels): expected at least one frame per group and one noise level, as in 4x4")
        }
        let frames = framesPerGroup.multipliedReportingOverflow(by: levels)
        guard !frames.overflow, frames.partialValue <= Self.mostFrames else {
            throw AnimationError(
                .schedule,
                "window \(framesPerGroup)x\(levels): expected at most \(Self.mostFrames) frames in flight, found "
                    + (frames.overflow ? "far more" : "\(frames.partialValue)") + "; choose fewer frames per group or fewer levels")
        }
        let steps = steps ?? levels
        guard steps >= 1, steps <= Self.mostSteps else {
            throw AnimationError(.schedule, "steps: expected 1 to \(Self.mostSteps), found \(steps)")
        }
        guard steps % levels == 0 else {
            throw AnimationError(
                .schedule, "steps: expected a multiple of the \(levels) noise levels of the window, found \(steps)")
        }
        self.framesPerGroup = framesPerGroup
        self.levels = levels
        self.steps = steps
    }

    /// Reads a window as people write it: `4x4`, frames per group × noise levels.
    ///
    /// - Throws: `AnimationError.schedule`
    public init(window: String, steps: Int? = nil) throws(AnimationError) {
        let parts = window.split(omittingEmptySubsequences: false) { $0 == "x" || $0 == "×" }
        guard parts.count == 2, let framesPerGroup = Int(parts[0]), let levels = Int(parts[1]) else {
            throw AnimationError(
                .schedule, "window '\(window.prefix(40))': expected frames per group x noise levels, as in 4x4")
        }
        try self.init(framesPerGroup: framesPerGroup, levels: levels, steps: steps)
    }

    /// Frames in flight once the stream is full.
    public var frames: Int { framesPerGroup * levels }
    /// Denoiser evaluations per push.
    public var jump: Int { steps / levels }

    /// How many frame intervals pass between the capture of a frame and its delivery, computing not counted, when frames come at a
    /// steady pace and are shown at the same pace: a group must be complete before it enters, and then one group must come for
    /// each further level.
    public var latencyInFrames: Int { frames - 1 }

    /// For one pass over a level, the index of the denoising step, 0 being the noisiest.
    ///
    /// - Parameters:
    ///   - level: 0 the cleanest
    ///   - pass: in `0..<jump`
    func step(level: Int, pass: Int) -> Int { (levels - 1 - level) * jump + pass }

    public var description: String { "\(framesPerGroup)x\(levels)" + (jump == 1 ? "" : ", \(steps) steps") }
}
