import RainGraph
import Synchronization

/// Where a packed weight is; the address is known at the latest when the weight has been loaded.
final class PackedWeight {
    fileprivate(set) var pointer: UnsafeMutableRawPointer?
    /// Keeps shared memory alive.
    private var block: Block?

    init(at pointer: UnsafeMutableRawPointer? = nil) { self.pointer = pointer }

    func share(_ block: Block) {
        self.block = block
        pointer = UnsafeMutableRawPointer(block.pointer)
    }
}

/// Packed weights of an engine by content, so that programs of one model (the stream's beginning, middle and end) keep one copy.
///
/// Weights are known by two 64-bit hashes of their elements; that two different ones share both is not to be expected in the lifetime
/// of the machine.
final class PackedWeightCache: Sendable {
    private struct Key: Hashable {
        let form: String
        let shape: Shape
        let hashes: [UInt64]
    }

    private struct Entry: @unchecked Sendable {
        // Safe: a block is written before it is entered, and only read afterwards.
        weak var block: Block?
    }

    private let entries = Mutex<[Key: Entry]>([:])

    /// The packed form of a weight: the one another program has, or a new one.
    func block(
        form: String, shape: Shape, values: UnsafePointer<Float>, bytes: Int, pack: (UnsafePointer<Float>, UnsafeMutableRawPointer) -> Void
    ) throws(CPUError) -> Block {
        let key = Key(form: form, shape: shape, hashes: Self.hashes(values, shape.count))
        let known = entries.withLock { Entry(block: $0[key]?.block) }
        if let block = known.block { return block }
        let block = try Block(count: (bytes + 3) / 4)
        pack(values, UnsafeMutableRawPointer(block.pointer))
        let entry = Entry(block: block)
        entries.withLock { entries in
            entries = entries.filter { $0.value.block != nil }
            entries[key] = entry
        }
        return block
    }

    /// Two multiplicative hashes over the bits of the elements.
    private static func hashes(_ values: UnsafePointer<Float>, _ count: Int) -> [UInt64] {
        var a: UInt64 = 0xcbf2_9ce4_8422_2325
        var b: UInt64 = 0x9e37_79b9_7f4a_7c15
        for index in 0..<count {
            let bits = UInt64(values[index].bitPattern)
            a = (a ^ bits) &* 0x100_0000_01b3
            b = (b &+ bits) &* 0xd134_2543_de82_ef95
            b ^= b >> 29
        }
        return [a, b]
    }
}
