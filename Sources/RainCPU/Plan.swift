import CPUKernels
import RainGraph

/// A program bound to memory: for each stage, closures over fixed addresses that call one kernel each.
///
/// Values that outlive their stage, inputs, parameters and outputs have memory of their own; everything else shares one arena,
/// planned by liveness. Reshapes and slices of leading rows are views; concatenations that are read side by side are not made.
final class Plan {
    typealias Instruction = () -> Void

    let program: Program
    let pool: Pool
    let choice: AlgorithmChoice

    /// Where a value lives.
    private enum Place {
        case persistent(Int)  // offset in `persistent`
        case arena(Int)  // handle of the planner
        case gradient(Int)  // offset in the trained memory's gradients
        case parameter(Int)  // offset in the trained memory's parameters
        case bound(CPUBuffer)
    }

    /// Buffers in place of a port's own memory.
    private(set) var bound: [TensorPort: CPUBuffer] = [:]
    /// Outputs that are copied into their buffers when their stage ends.
    private var copiedOut: [(value: ValueID, buffer: CPUBuffer)] = []
    private var views: [ValueID: (root: ValueID, offset: Int)] = [:]
    /// Concatenations that are not made, since who reads them takes both operands.
    let unmade: Set<ValueID>
    private var places: [ValueID: Place] = [:]
    private var planner = ArenaPlanner()
    private var arenaOffsets: [Int] = []
    private var persistentCount = 0
    private var scratchHandles: [Int: Int] = [:]
    private var stepPackHandles: [Int: Int] = [:]
    /// Packed weights that outlive a step: of parameters (in memory shared with other programs) and of values computed at load.
    private var packedWeights: [PackKey: PackedWeight] = [:]
    private var packedOffsets: [PackKey: Int] = [:]
    /// The algorithm of the convolutions with a parameter as weight.
    var algorithms: [String: RainConvAlgorithm]
    /// What is fetched when it is first used and forgotten after its last use, for a program that runs once: parameters by the
    /// node before which they are fetched.
    private let runsOnce: Bool
    private var fetched: [Int: [ValueID]] = [:]
    /// Fills a parameter's memory; set for a program that runs once.
    var fetch: ((_ name: String, _ shape: Shape, _ target: UnsafeMutablePointer<Float>) -> Void)?
    /// Parameters that are only ever read packed, with how; they need no memory of their own.
    private(set) var packedParameters: [ValueID: [(weight: PackedWeight, packing: Packing)]] = [:]

    private(set) var arena: Block
    private(set) var persistent: Block
    let trained: TrainedMemory

    private(set) var instructions: [Lifetime: [(node: Int, run: Instruction)]] = [:]
    /// Linear layers that run together, by each of them.
    private var joint: [Int: [Int]] = [:]
    /// Run after the stage that computes the packed weight's source.
    private var packers: [Lifetime: [(node: Int, run: Instruction)]] = [:]

    /// Bytes of the arena, of values with memory of their own (parameters and packed weights among them), and of what is trained.
    var memory: (arena: Int, persistent: Int, trained: Int) {
        (arena.count * 4, persistent.count * 4, (trained.parameters.count + trained.gradients.count) * 4)
    }

    var graph: Graph { program.graph }

    /// - Parameters:
    ///   - other: a plan of the same pool, whose trained memory becomes this one's too, and whose arena if it is large enough
    ///   - runsOnce: all stages will run once, one after the other, with `fetch` set: parameters and packed weights are in memory
    ///     only while they are used, and no value outlives its last use but the outputs
    ///   - buffers: in place of ports' own memory
    ///   - neighbour: a plan of the same pool, whose choices are kept to, so that its packed weights fit, and whose arena is used
    ///     if it is large enough
    init(
        _ program: Program, pool: Pool, choice: AlgorithmChoice, sharing other: Plan? = nil, runsOnce: Bool = false,
        beside neighbour: Plan? = nil, buffers: [TensorPort: CPUBuffer] = [:]
    ) throws {
        self.program = program
        bound = buffers
        unmade = Self.unmade(in: program)
        if case .wherePossible = choice {
            algorithms = [:]
        } else {
            algorithms = neighbour?.algorithms ?? [:]
        }
        self.runsOnce = runsOnce
        if let other {
            guard other.trained.fits(program.graph.trainedParameters) else {
                throw CPUError(message: "programs that share parameters must train the same ones")
            }
            trained = other.trained
        } else {
            trained = try TrainedMemory(program.graph.trainedParameters, hasGradients: !program.gradients.isEmpty)
        }
        self.pool = pool
        self.choice = choice
        arena = try Block(count: 0)
        persistent = try Block(count: 0)
        try check()
        try checkBuffers()
        findViews()
        joint = jointLinears()
        assignPlaces()
        try allocate(beside: other ?? neighbour)
        try emitAll()
    }

    /// What the verifier admits but the kernels do not.
    private func check() throws(CPUError) {
        for node in graph.nodes {
            if node.results.contains(where: { $0.rank > RAIN_MAX_RANK }) {
                throw CPUError(message: "\(node.place) \(node.operation.name): more than \(RAIN_MAX_RANK) axes")
            }
            switch node.operation {
            case .sample, .composite:
                if graph.shape(node.operands[0]).count > Int(Int32.max) {
                    throw CPUError(message: "\(node.place) \(node.operation.name): pictures of more than \(Int32.max) values")
                }
            default: break
            }
            if case .convolution = node.operation,
                graph.shape(node.operands[1]).dimensions[2...].contains(where: { $0 > Self.largestKernel })
            {
                throw CPUError(message: "\(node.place) convolution: a kernel larger than \(Self.largestKernel)×\(Self.largestKernel)")
            }
        }
    }

    private func checkBuffers() throws(GraphError) {
        for (port, buffer) in bound {
            let type = try type(of: port)
            if case .output(let name) = port, let value = graph.output(name), isLeaf(root(value).root.node) {
                throw GraphError(.malformed, at: "\(port)", "what no stage makes cannot be bound to a buffer")
            }
            guard type == buffer.type else {
                throw GraphError(.shapeMismatch, at: "\(port)", "expected a buffer of \(type), found \(buffer.type)")
            }
        }
    }

    /// - Throws: `GraphError.name` if there is no such port
    func type(of port: TensorPort) throws(GraphError) -> TensorType {
        switch port {
        case .input(let name):
            if let input = graph.inputs.first(where: { $0.name == name }) { return input.type }
            throw GraphError(.name, at: "\(port)", "the program has only \(graph.inputs.map(\.name))")
        case .output(let name):
            if let value = graph.output(name) { return graph.type(value) }
            throw GraphError(.name, at: "\(port)", "the program has only \(graph.outputs.map(\.name))")
        }
    }

    /// Floats of memory that a value takes.
    private func room(_ node: Node, _ shape: Shape) -> Int { (TensorType(shape, node.element).byteCount + 3) / 4 }

    /// Height or width of the largest convolution kernel.
    private static let largestKernel = 64

    // MARK: Storage

    /// The value whose memory `value` is part of, and where in it.
    func root(_ value: ValueID) -> (root: ValueID, offset: Int) { views[value] ?? (value, 0) }

    private func findViews() {
        for (index, node) in graph.nodes.enumerated() {
            let value = ValueID(node: index)
            switch node.operation {
            case .reshape:
                views[value] = root(node.operands[0])
            case .slice(let axis, let start, _):
                let shape = graph.shape(node.operands[0])
                guard shape.dimensions[..<axis].allSatisfy({ $0 == 1 }) else { continue }
                let rowCount = shape.dimensions[(axis + 1)...].reduce(1, *)
                // Kernels want aligned rows; an odd offset is copied instead.
                guard (start * rowCount) % 16 == 0 else { continue }
                let source = root(node.operands[0])
                views[value] = (source.root, source.offset + start * rowCount)
            default: continue
            }
        }
    }

    /// Whether a node has nothing to compute: its value lies where others do.
    func isElsewhere(_ node: Int) -> Bool { views[ValueID(node: node)] != nil || unmade.contains(ValueID(node: node)) }

    private func assignPlaces() {
        // Instruction time runs over all stages in order, so that one arena serves them all.
        var time = [Int](repeating: 0, count: graph.nodes.count)
        var order: [Int] = []
        for stage in Lifetime.allCases { order += program.stages[stage] ?? [] }
        for (position, node) in order.enumerated() { time[node] = position }

        var firstUse: [ValueID: Int] = [:]
        var lastUse: [ValueID: Int] = [:]
        var outlives: Set<ValueID> = []
        for index in order {
            if unmade.contains(ValueID(node: index)) { continue }
            let end = time[joint[index]?.last ?? index]
            for operand in graph.nodes[index].operands.flatMap(parts) {
                let source = root(operand).root
                if firstUse[source] == nil {
                    firstUse[source] = time[index]
                    if runsOnce, isParameter(source) { fetched[index, default: []].append(source) }
                }
                lastUse[source] = max(lastUse[source] ?? 0, end)
                if !runsOnce, graph.nodes[source.node].lifetime != graph.nodes[index].lifetime { outlives.insert(source) }
            }
        }
        for output in graph.outputs {
            let source = root(output.value).root
            outlives.insert(source)
            // Nothing else may want it.
            if runsOnce, isParameter(source), firstUse[source] == nil, let first = order.first {
                fetched[first, default: []].append(source)
            }
        }

        // A gradient goes straight to its parameter's place unless its memory already has a meaning.
        var gradientRoots: [ValueID: Int] = [:]
        for (parameter, gradient) in zip(graph.trainedParameters, program.gradients) {
            let source = root(gradient)
            let isPlain =
                graph.nodes[source.root.node].lifetime == .step && source.offset == 0
                && graph.shape(source.root).count == parameter.shape.count && !isLeaf(source.root.node)
            if isPlain, gradientRoots[source.root] == nil, !outlives.contains(source.root) {
                gradientRoots[source.root] = trained.offsets[parameter.name]!
            } else {
                outlives.insert(source.root)
            }
        }

        if !runsOnce { findPackedParameters() }
        // An output goes straight into its buffer, unless that is an input's too, which must stay until the stage has ended.
        let states = bound.keys.filter { if case .input = $0 { true } else { false } }.compactMap { bound[$0] }
        var outputRoots: [ValueID: CPUBuffer] = [:]
        for output in graph.outputs {
            guard let buffer = bound[.output(output.name)] else { continue }
            let source = root(output.value)
            let isPlain = source.offset == 0 && graph.type(source.root).byteCount == buffer.type.byteCount
            if isPlain, outputRoots[source.root] == nil, gradientRoots[source.root] == nil, !states.contains(where: { $0 === buffer }) {
                outputRoots[source.root] = buffer
            } else {
                copiedOut.append((output.value, buffer))
            }
        }
        for (index, node) in graph.nodes.enumerated() where !isElsewhere(index) {
            for (result, shape) in node.results.enumerated() {
                let value = ValueID(node: index, result: result)
                switch node.operation {
                case .parameter where packedParameters[value] != nil: continue
                case .parameter where runsOnce && !outlives.contains(value):
                    guard let first = firstUse[value], let last = lastUse[value] else { continue }
                    places[value] = .arena(planner.add(count: room(node, shape), first: first, last: last))
                case .parameter(let name, _):
                    places[value] = trained.offsets[name].map(Place.parameter) ?? .persistent(reserve(shape.count))
                case .input(let name, _, _):
                    places[value] = bound[.input(name)].map(Place.bound) ?? .persistent(reserve(room(node, shape)))
                case .constant: places[value] = .persistent(reserve(shape.count))
                default:
                    if let offset = gradientRoots[value] {
                        places[value] = .gradient(offset)
                    } else if let buffer = outputRoots[value] {
                        places[value] = .bound(buffer)
                    } else if outlives.contains(value) {
                        places[value] = .persistent(reserve(room(node, shape)))
                    } else {
                        let end = time[joint[index]?.last ?? index]
                        let last = max(lastUse[value] ?? 0, end)
                        places[value] = .arena(planner.add(count: room(node, shape), first: time[index], last: last))
                    }
                }
            }
            let scratch = scratchBytes(index)
            if scratch > 0 { scratchHandles[index] = planner.add(count: (scratch + 3) / 4, first: time[index], last: time[index]) }
            if let pack = packing(index), packedParameters[pack.weight] == nil {
                let count = (pack.bytes + 3) / 4
                if isPackedInPlace(pack, for: node) {
                    stepPackHandles[index] = planner.add(count: count, first: time[index], last: time[index])
                } else if packedWeights[pack.key] == nil, packedOffsets[pack.key] == nil {
                    packedOffsets[pack.key] = reserve(count)
                }
            }
        }
    }

    /// Whether a weight is packed anew whenever the node that wants it runs.
    func isPackedInPlace(_ pack: Packing, for node: Node) -> Bool {
        runsOnce || graph.nodes[pack.weight.node].lifetime == node.lifetime
    }

    /// Finds the parameters of lifetime `.weights` whose every use is a kernel that wants them packed.
    private func findPackedParameters() {
        var uses: [ValueID: [Packing]] = [:]
        var isReadAsItIs = Set(graph.outputs.map { root($0.value).root })
        for (index, node) in graph.nodes.enumerated() {
            let pack = packing(index)
            for (position, operand) in node.operands.enumerated() {
                if let pack, position == 1, pack.weight == operand, isParameter(operand) {
                    uses[operand, default: []].append(pack)
                } else {
                    isReadAsItIs.insert(root(operand).root)
                }
            }
        }
        for (value, packings) in uses where graph.nodes[value.node].lifetime == .weights && !isReadAsItIs.contains(value) {
            for packing in packings where packedWeights[packing.key] == nil {
                let weight = PackedWeight()
                packedWeights[packing.key] = weight
                packedParameters[value, default: []].append((weight, packing))
            }
        }
    }

    private func isParameter(_ value: ValueID) -> Bool {
        if case .parameter = graph.nodes[value.node].operation { true } else { false }
    }

    private func isLeaf(_ node: Int) -> Bool {
        switch graph.nodes[node].operation {
        case .parameter, .input, .constant: true
        default: false
        }
    }

    private func reserve(_ count: Int) -> Int {
        defer { persistentCount += aligned(count) }
        return persistentCount
    }

    private func allocate(beside neighbour: Plan?) throws(CPUError) {
        let (offsets, size) = planner.solve()
        arenaOffsets = offsets
        // Nothing in an arena outlives a stage, and only one program of an engine runs at a time.
        if let shared = neighbour?.arena, shared.count >= size {
            arena = shared
        } else {
            arena = try Block(count: size)
        }
        persistent = try Block(count: persistentCount)
        for (index, node) in graph.nodes.enumerated() {
            guard case .constant(let values, let shape) = node.operation else { continue }
            let target = pointer(ValueID(node: index))
            for element in 0..<shape.count { target[element] = values.count == 1 ? values[0] : values[element] }
        }
    }

    /// The address of a value; fixed for the life of the plan.
    func pointer(_ value: ValueID) -> UnsafeMutablePointer<Float> {
        let source = root(value)
        let base =
            switch places[source.root]! {
            case .persistent(let offset): persistent.pointer + offset
            case .arena(let handle): arena.pointer + arenaOffsets[handle]
            case .gradient(let offset): trained.gradients.pointer + offset
            case .parameter(let offset): trained.parameters.pointer + offset
            case .bound(let buffer): buffer.pointer
            }
        return base + source.offset
    }

    /// Scratch memory of a node's kernel.
    func scratch(_ node: Int) -> UnsafeMutableRawPointer? {
        scratchHandles[node].map { UnsafeMutableRawPointer(arena.pointer + arenaOffsets[$0]) }
    }

    /// Where a node's packed weights are.
    func packed(_ node: Int, _ pack: Packing) -> PackedWeight {
        if let handle = stepPackHandles[node] { return PackedWeight(at: UnsafeMutableRawPointer(arena.pointer + arenaOffsets[handle])) }
        if let known = packedWeights[pack.key] { return known }
        let made = PackedWeight(at: UnsafeMutableRawPointer(persistent.pointer + packedOffsets[pack.key]!))
        packedWeights[pack.key] = made
        return made
    }

    /// The packed parameters that another program of the same model can use too.
    var sharedWeights: [PackedParameterKey: PackedWeight] {
        packedParameters.reduce(into: [:]) { shared, entry in
            guard case .parameter(let name, let shape) = graph.nodes[entry.key.node].operation else { return }
            for (weight, packing) in entry.value {
                shared[PackedParameterKey(parameter: name, shape: shape, form: packing.key.form)] = weight
            }
        }
    }

    // MARK: Instructions

    private func emitAll() throws {
        var packedAlready: Set<PackKey> = []
        for stage in Lifetime.allCases {
            for index in program.stages[stage] ?? [] {
                for value in fetched[index] ?? [] {
                    guard case .parameter(let name, let shape) = graph.nodes[value.node].operation else { continue }
                    let target = pointer(value)
                    instructions[stage, default: []].append((index, { [unowned self] in fetch?(name, shape, target) }))
                }
                if isElsewhere(index) { continue }
                if let pack = packing(index), packedParameters[pack.weight] == nil {
                    let target = packed(index, pack)
                    let source = pointer(pack.weight)
                    let run: Instruction = { pack.run(source, target.pointer!) }
                    let weightStage = graph.nodes[pack.weight.node].lifetime
                    if isPackedInPlace(pack, for: graph.nodes[index]) {
                        instructions[stage, default: []].append((index, run))
                    } else if packedAlready.insert(pack.key).inserted {
                        packers[weightStage, default: []].append((index, run))
                    }
                }
                if let members = joint[index] {
                    instructions[stage, default: []].append((index, jointLinear(members, at: index)))
                    continue
                }
                if let run = try instruction(index) { instructions[stage, default: []].append((index, run)) }
            }
        }
        for (stage, list) in packers { instructions[stage, default: []] += list }
        for (value, buffer) in copiedOut {
            let (from, to) = (pointer(value), buffer.pointer)
            let bytes = graph.type(value).byteCount
            instructions[graph.nodes[value.node].lifetime, default: []].append(
                (value.node, { UnsafeMutableRawPointer(to).copyMemory(from: UnsafeRawPointer(from), byteCount: bytes) }))
        }

        for (parameter, gradient) in zip(graph.trainedParameters, program.gradients) {
            let offset = trained.offsets[parameter.name]!
            let source = root(gradient)
            if case .gradient(let place) = places[source.root]!, place == offset { continue }
            let (from, to, count) = (pointer(gradient), trained.gradients.pointer + offset, parameter.shape.count)
            instructions[.step, default: []].append((gradient.node, { to.update(from: from, count: count) }))
        }
    }
}
