import RainGraph
import RainTesting
import Testing

@Suite struct GradientTests {
    @Test(arguments: OperationCase.all.filter(\.isDifferentiable))
    func agreesWithFiniteDifferences(_ operation: OperationCase) throws {
        let disagreement = try operation.gradientDisagreement(on: Interpreter())
        #expect(disagreement == nil)
    }
}
