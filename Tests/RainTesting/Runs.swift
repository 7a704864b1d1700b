public import RainGraph

/// Runs a program once on seeded inputs and parameters, the same by name whatever the order of nodes.
///
/// - Returns: the elements of every output.
public func outputs(of program: Program, on engine: any Engine = Interpreter()) throws -> [String: [Float]] {
    let executable = try ran(program, on: engine)
    var results: [String: [Float]] = [:]
    for output in program.graph.outputs { results[output.name] = try executable.read(output.name) }
    return results
}

/// The same for a graph as it is.
public func outputs(of graph: Graph, on engine: any Engine = Interpreter()) throws -> [String: [Float]] {
    try outputs(of: Program(graph), on: engine)
}

/// Runs a program that trains once.
///
/// - Returns: the gradient of every parameter.
public func gradients(of program: Program, on engine: any Engine = Interpreter()) throws -> [String: [Float]] {
    guard let executable = try ran(program, on: engine) as? any TrainableExecutable else {
        throw GraphError(.malformed, at: engine.name, "cannot train")
    }
    var flat = executable.state(.gradients)[...]
    var results: [String: [Float]] = [:]
    for (name, shape) in program.graph.trainedParameters {
        results[name] = Array(flat.prefix(shape.count))
        flat = flat.dropFirst(shape.count)
    }
    return results
}

private func ran(_ program: Program, on engine: any Engine) throws -> any Executable {
    let executable = try engine.compile(program, CompileOptions(isRewritten: false))
    try executable.load { name, shape in seeded(name, shape) }
    for input in program.graph.inputs { try executable.write(input.name, seeded(input.name, input.type.shape)) }
    try executable.run(.reference)
    try executable.run(.step)
    return executable
}

/// Elements in -1…1 that depend on the name alone.
public func seeded(_ name: String, _ shape: Shape) -> [Float] {
    var numbers = SeededNumbers(seed: name.utf8.reduce(7) { ($0 &* 131) &+ UInt64($1) })
    return numbers.numbers(shape.count, in: -1...1)
}

/// The largest relative difference between two sets of results; infinite if their names differ.
public func largestDifference(_ found: [String: [Float]], _ expected: [String: [Float]]) -> Float {
    guard found.keys.sorted() == expected.keys.sorted() else { return .infinity }
    return expected.map { name, values in largestDifference(found[name] ?? [], values)?.relative ?? 0 }.max() ?? 0
}
