import CPUKernels
import RainGraph

/// A piece of float storage, 64-byte aligned, zero at first.
final class Block {
    let pointer: UnsafeMutablePointer<Float>
    let count: Int

    /// - Throws: `CPUError` if there is no such memory.
    init(count: Int) throws(CPUError) {
        let (bytes, overflow) = max(count, 16).multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
        guard !overflow, let raw = rain_memory_allocate(bytes) else {
            throw CPUError(message: "cannot have \(count) floats of memory; use a smaller model, picture or window")
        }
        self.count = count
        pointer = raw.bindMemory(to: Float.self, capacity: max(count, 16))
    }

    deinit { rain_memory_free(pointer) }
}

/// Rounds a count of floats up to whole cache lines.
func aligned(_ count: Int) -> Int { (count + 15) & ~15 }

/// Places intervals of use in one arena so that those which overlap in time never overlap in space.
///
/// Largest first, each at the lowest free offset: within a few percent of the peak for the graphs of this project.
struct ArenaPlanner {
    private struct Interval {
        let id: Int
        let count: Int
        let first: Int
        let last: Int
    }

    private var intervals: [Interval] = []

    /// Wants `count` floats from instruction `first` through `last`; returns a handle for `offsets`.
    mutating func add(count: Int, first: Int, last: Int) -> Int {
        intervals.append(Interval(id: intervals.count, count: aligned(count), first: first, last: last))
        return intervals.count - 1
    }

    /// Offsets by handle, and the arena's size, in floats.
    func solve() -> (offsets: [Int], size: Int) {
        var offsets = [Int](repeating: 0, count: intervals.count)
        var placed: [(offset: Int, end: Int, first: Int, last: Int)] = []  // sorted by offset
        var size = 0
        for interval in intervals.sorted(by: { ($0.count, $1.id) > ($1.count, $0.id) }) {
            var offset = 0
            for other in placed where other.first <= interval.last && interval.first <= other.last {
                if other.offset >= offset + interval.count { break }
                offset = max(offset, other.end)
            }
            offsets[interval.id] = offset
            let entry = (offset: offset, end: offset + interval.count, first: interval.first, last: interval.last)
            var low = 0
            var high = placed.count
            while low < high {
                let middle = (low + high) / 2
                if placed[middle].offset <= offset { low = middle + 1 } else { high = middle }
            }
            placed.insert(entry, at: low)
            size = max(size, offset + interval.count)
        }
        return (offsets, size)
    }
}

/// What training changes, in flat buffers of one layout: several programs over the same parameters may share it.
final class TrainedMemory {
    /// Names, shapes and offsets in every buffer.
    let layout: [(name: String, shape: Shape, offset: Int)]
    let offsets: [String: Int]
    /// Floats of each buffer, gaps of alignment included.
    let count: Int
    let parameters: Block
    let gradients: Block
    let firstMoment: Block
    let secondMoment: Block
    let average: Block

    /// - Parameter hasGradients: without, there is nothing but the parameters.
    init(_ trained: [(name: String, shape: Shape)], hasGradients: Bool) throws(CPUError) {
        var count = 0
        var layout: [(name: String, shape: Shape, offset: Int)] = []
        for (name, shape) in trained {
            layout.append((name, shape, count))
            count += aligned(shape.count)
        }
        self.layout = layout
        self.count = count
        offsets = Dictionary(uniqueKeysWithValues: layout.map { ($0.name, $0.offset) })
        let trainedCount = hasGradients ? count : 0
        parameters = try Block(count: count)
        gradients = try Block(count: trainedCount)
        firstMoment = try Block(count: trainedCount)
        secondMoment = try Block(count: trainedCount)
        average = try Block(count: trainedCount)
    }

    /// Starts over: moments are zero, the average is the parameters.
    func restart() {
        guard gradients.count > 0 else { return }
        firstMoment.pointer.update(repeating: 0, count: count)
        secondMoment.pointer.update(repeating: 0, count: count)
        average.pointer.update(from: parameters.pointer, count: count)
    }

    /// Whether a program with these parameters can share this memory.
    func fits(_ trained: [(name: String, shape: Shape)]) -> Bool {
        trained.count == layout.count
            && trained.allSatisfy { entry in
                offsets[entry.name] != nil && layout.contains { $0.name == entry.name && $0.shape == entry.shape }
            }
    }
}
