import RainGraph

/// Where a packed weight is; the address is known at the latest when the weight has been loaded.
final class PackedWeight {
    private(set) var pointer: UnsafeMutableRawPointer?
    /// Memory that several programs may have in common.
    private(set) var block: Block?

    init(at pointer: UnsafeMutableRawPointer? = nil) { self.pointer = pointer }

    func share(_ block: Block) {
        self.block = block
        pointer = UnsafeMutableRawPointer(block.pointer)
    }
}

/// Which parameter, packed how: the same in every program of a model.
struct PackedParameterKey: Hashable {
    let parameter: String
    let shape: Shape
    let form: String
}

/// Identifies a packed copy of a weight.
struct PackKey: Hashable {
    let weight: ValueID
    let form: String
}

/// How a node wants its weight.
struct Packing {
    let weight: ValueID
    let key: PackKey
    let bytes: Int
    let run: (_ weight: UnsafePointer<Float>, _ packed: UnsafeMutableRawPointer) -> Void
}
