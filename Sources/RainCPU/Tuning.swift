/// How long a machine takes for a model's convolutions with each algorithm, measured there once, so that every later run makes the same
/// choices. Without one they follow from a model of cost, which knows shapes but not the machine.
///
/// Frames of different choices differ by rounding alone.
public struct Tuning: Sendable, Codable, Equatable {
    public enum Algorithm: String, Sendable, Codable {
        case direct
        /// Winograd's F(4×4, 3×3), arXiv 1509.09308.
        case winograd
    }

    /// All convolutions of one shape.
    public struct Measurement: Sendable, Codable, Equatable {
        /// Input, result, kernel, stride and padding; as `Plan` describes them.
        public let convolution: String
        /// How many of them the programs have.
        public let count: Int
        /// In seconds for all of them: medians over the rounds.
        public let direct: Double
        public let winograd: Double
        /// What the model of cost takes.
        public let expected: Algorithm
        public let chosen: Algorithm

        init(convolution: String, count: Int, direct: Double, winograd: Double, expected: Algorithm) {
            (self.convolution, self.count, self.direct, self.winograd, self.expected) = (convolution, count, direct, winograd, expected)
            let faster: Algorithm = direct < winograd ? .direct : .winograd
            let isClear = max(direct, winograd) > Tuning.clearRatio * min(direct, winograd)
            chosen = isClear ? faster : expected
        }

        public func seconds(_ algorithm: Algorithm) -> Double { algorithm == .direct ? direct : winograd }
    }

    /// How much slower the expected algorithm must have been for the other one to be chosen: less may be chance.
    public static let clearRatio = 1.05

    /// The engine that was measured. Choices are obeyed by one like it, and by no other.
    public let threads: Int
    public let instructions: CPUEngine.InstructionSet
    /// The longest first.
    public let convolutions: [Measurement]

    func algorithm(for convolution: String) -> Algorithm? { convolutions.first { $0.convolution == convolution }?.chosen }
}

extension CPUEngine.InstructionSet: Codable {}
