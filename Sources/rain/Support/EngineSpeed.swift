import RainGraph

/// How fast the engine is on this machine, measured on the two operations that most time goes into.
struct EngineSpeed {
    /// Billions of multiplications and additions per second, counted as the plain algorithm needs them.
    var convolution: Double
    var linear: Double

    /// Measures for about half a second.
    ///
    /// - Throws: what the engine throws if it cannot run here
    static func measure(_ engine: any Engine) throws -> EngineSpeed {
        let pixels = 64
        let channels = 128
        let convolution = try rate(engine, operations: 2 * 9 * pixels * pixels * channels * channels, input: [1, pixels, pixels, channels])
        {
            try $0.convolved($1.parameter("weight", [channels, channels, 3, 3]), Convolution(padding: [1, 1, 1, 1]))
        }
        let rows = 1024
        let width = 640
        let linear = try rate(engine, operations: 2 * rows * width * width, input: [rows, width]) {
            try $0.linear($1.parameter("weight", [width, width]))
        }
        return EngineSpeed(convolution: convolution, linear: linear)
    }

    /// The best of the runs that fit into a quarter of a second, since other programs can only slow a run down.
    private static func rate(
        _ engine: any Engine, operations: Int, input: Shape, _ layer: (Value, GraphBuilder) throws -> Value
    ) throws -> Double {
        let builder = GraphBuilder()
        builder.output("output", try layer(builder.input("input", input), builder))
        let executable = try engine.compile(Program(builder.graph()))
        try executable.load { _, shape in (0..<shape.count).map { Float($0 % 7) / 7 } }
        try executable.write("input", (0..<input.count).map { Float($0 % 5) / 5 })
        try executable.run(.step)
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(250)
        var best = Duration.seconds(1000)
        repeat { best = min(best, try clock.measure { try executable.run(.step) }) } while clock.now < end
        return Double(operations) / (best / .seconds(1)) / 1e9
    }
}
