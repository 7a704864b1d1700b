import RainGraph
import RainTesting

/// Runs a graph in the interpreter on seeded inputs and parameters: the same by name, whatever the order of nodes.
func outputs(of graph: Graph) throws -> [String: [Float]] { try outputs(of: Program(graph)) }

func outputs(of program: Program) throws -> [String: [Float]] {
    let executable = try Interpreter().prepare(program)
    try executable.load { name, shape in seeded(name, shape) }
    for input in program.graph.inputs { try executable.write(input.name, seeded(input.name, input.shape)) }
    try executable.run(.reference)
    try executable.run(.step)
    var results: [String: [Float]] = [:]
    for output in program.graph.outputs { results[output.name] = try executable.read(output.name) }
    return results
}

/// The gradients after one run, by parameter.
func gradients(of program: Program) throws -> [String: [Float]] {
    guard let executable = try Interpreter().prepare(program) as? any TrainableExecutable else { return [:] }
    try executable.load { name, shape in seeded(name, shape) }
    for input in program.graph.inputs { try executable.write(input.name, seeded(input.name, input.shape)) }
    try executable.run(.reference)
    try executable.run(.step)
    var flat = executable.state(.gradients)[...]
    var results: [String: [Float]] = [:]
    for (name, shape) in program.graph.trainedParameters {
        results[name] = Array(flat.prefix(shape.count))
        flat = flat.dropFirst(shape.count)
    }
    return results
}

func seeded(_ name: String, _ shape: Shape) -> [Float] {
    var numbers = SeededNumbers(seed: name.utf8.reduce(7) { ($0 &* 131) &+ UInt64($1) })
    return numbers.numbers(shape.count, in: -1...1)
}

/// The largest relative difference between two sets of results of the same names.
func largestDifference(_ found: [String: [Float]], _ expected: [String: [Float]]) -> Float {
    guard found.keys.sorted() == expected.keys.sorted() else { return .infinity }
    return expected.map { name, values in largestDifference(found[name] ?? [], values)?.relative ?? 0 }.max() ?? 0
}

extension Graph {
    /// How many nodes of each kind; epilogues and activations are part of the name.
    func count(_ matches: (RainGraph.Operation) -> Bool) -> Int { nodes.count { matches($0.operation) } }
    func count(_ name: String) -> Int { nodes.count { $0.operation.name == name } }
}
