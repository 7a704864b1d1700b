import Testing

@testable import RainGraph

@Suite struct VerifierTests {
    /// x → silu → linear, with a parameter.
    private func sound() throws -> Graph {
        let builder = GraphBuilder()
        let x = try builder.scoped("block") { try builder.input("x", [2, 5, 3], .reference).silu() }
        builder.output("y", try x.linear(builder.parameter("w", [4, 3])))
        return try builder.graph()
    }

    private func broken(_ change: (inout Graph) -> Void) throws -> GraphError? {
        var graph = try sound()
        change(&graph)
        return #expect(throws: GraphError.self) { try graph.verify() }
    }

    @Test func acceptsASoundGraph() throws {
        try sound().verify()
        #expect(try sound().nodes.map(\.operation.name) == ["input", "silu", "parameter", "linear"])
    }

    @Test func operandsPrecedeTheirUse() throws {
        let error = try broken { $0.nodes[1].operands = [ValueID(node: 3)] }
        #expect(error?.code == .malformed)
        #expect(error?.place.contains("%1 silu") == true && error?.message.contains("%3") == true)
        #expect(try broken { $0.nodes[1].operands = [ValueID(node: 1)] }?.code == .malformed)
        #expect(try broken { $0.nodes[1].operands = [ValueID(node: -1)] }?.code == .malformed)
        #expect(try broken { $0.nodes[1].operands = [ValueID(node: 0, result: 1)] }?.code == .malformed)
    }

    @Test func lifetimesFollowOperands() throws {
        let error = try broken { $0.nodes[1].lifetime = .weights }
        #expect(error?.code == .malformed)
        #expect(error?.message.contains("weights") == true && error?.message.contains("reference") == true)
        #expect(try broken { $0.nodes[3].lifetime = .step }?.code == .malformed)
        #expect(try broken { $0.nodes[0].lifetime = .step }?.code == .malformed)
    }

    @Test func shapesFollowOperations() throws {
        let error = try broken { $0.nodes[1].results = [[5, 2, 3]] }
        #expect(error?.code == .malformed)
        #expect(error?.message.contains("[5, 2, 3]") == true && error?.message.contains("[2, 5, 3]") == true)
        #expect(try broken { $0.nodes[3].operands.swapAt(0, 1) }?.code == .shapeMismatch)
    }

    @Test func namesAreUnique() throws {
        #expect(try broken { $0.nodes.append($0.nodes[0]) }?.code == .name)
        #expect(try broken { $0.nodes.append($0.nodes[2]) }?.code == .name)
        #expect(try broken { $0.outputs.append($0.outputs[0]) }?.code == .name)
    }

    @Test func outputsExist() throws {
        #expect(try broken { $0.outputs[0].value.node = 9 }?.code == .malformed)
        #expect(try broken { $0.outputs[0].value.result = 1 }?.code == .malformed)
    }

    @Test func aPassThatBreaksTheGraphIsCaught() throws {
        #expect(throws: GraphError.self) {
            try sound().rewritten { (site, new) throws(GraphError) in
                // The weight where the input should be.
                site.node.operation.name == "linear" ? try new.add(site.node.operation, site.node.operands.reversed().map(new.image)) : nil
            }
        }
    }
}
