/// The flat buffers of a program that trains, all in the order of `graph.trainedParameters`.
public enum TrainingState: String, Sendable, CaseIterable {
    case parameters, firstMoment, secondMoment
    /// Exponential moving average of the parameters.
    case average
    case gradients
}

/// Settings of one AdamW step (arXiv 1711.05101).
public struct AdamW: Sendable {
    public var learningRate: Float
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float
    public var weightDecay: Float
    /// Gradients whose norm over all parameters is larger are scaled down to it.
    public var largestGradientNorm: Float
    /// Decay of the moving average of the parameters.
    public var averageDecay: Float
    /// 1 for the first step; for the bias corrections.
    public var step: Int

    public init(
        learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.98, epsilon: Float = 1e-8, weightDecay: Float = 1e-3,
        largestGradientNorm: Float = 1, averageDecay: Float = 0.998, step: Int
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.largestGradientNorm = largestGradientNorm
        self.averageDecay = averageDecay
        self.step = step
    }
}

/// An executable of a program with gradients.
public protocol TrainableExecutable: Executable {
    /// Updates the trained parameters with the gradients the last `run(.step)` left and returns their norm before clipping. Changes
    /// nothing if the norm is not finite.
    func update(_ settings: AdamW) throws -> Float

    /// A copy of a flat buffer.
    func state(_ state: TrainingState) -> [Float]

    /// Overwrites a flat buffer.
    ///
    /// - Throws: `GraphError.shapeMismatch` if the count differs.
    func setState(_ state: TrainingState, _ values: [Float]) throws
}

/// An engine that can train.
public protocol TrainingEngine: Engine {
    /// Plans a program with gradients, and fuses what the engine can fuse.
    ///
    /// - Parameter other: an executable of this engine over the same trained parameters: parameters, gradients, moments and average
    ///   become one memory, and a step of either moves both. The new one is then ready after `run(.weights)`, without `load`.
    func compile(_ program: Program, sharing other: (any TrainableExecutable)?) throws -> any TrainableExecutable
}
