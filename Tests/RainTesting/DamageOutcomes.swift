public import RainGraph
public import RainNetworks

/// What became of networks that were damaged at random: each is refused with an error, or imported and, unless that would take long, run.
public struct DamageOutcomes: CustomStringConvertible {
    public private(set) var refused = 0
    public private(set) var imported = 0
    public private(set) var run = 0
    public var description: String { "\(refused) refused, \(imported) imported, \(run) of them run" }

    public init() {}

    /// - Parameter read: imports a damaged network
    /// - Returns: the error with which it was refused, if it was
    @discardableResult
    public mutating func note(on engine: any Engine, _ read: () throws -> ImportedNetwork) -> NetworkError? {
        do {
            let network = try read()
            imported += 1
            let program = try Program(network.graph)
            let elements = program.graph.nodes.reduce(0) { $0 + $1.results.reduce(0) { $0 + $1.count } }
            guard elements < 1 << 21, program.multiplyAdds(in: .step) < 1 << 28 else { return nil }
            let executable = try engine.compile(program)
            try executable.load { try network.parameter($0, $1) }
            try executable.run(.step)
            run += 1
        } catch let error as NetworkError {
            refused += 1
            return error
        } catch {
            // The engine may refuse what the importer does not: it is an answer too.
        }
        return nil
    }
}
