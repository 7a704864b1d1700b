import CPUKernels
import Glibc

/// Memory that ends at a page nobody may touch, so that a kernel reading or writing beyond a tensor ends the test.
final class Guarded {
    let floats: UnsafeMutablePointer<Float>
    let count: Int
    private let base: UnsafeMutableRawPointer
    private let length: Int

    /// Filled with NaN: what a kernel must not read shows up in its results.
    init(count: Int) {
        let page = Int(getpagesize())
        let bytes = count * 4
        length = (bytes + page - 1) / page * page + page
        base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(base != MAP_FAILED)
        mprotect(base + (length - page), page, PROT_NONE)
        floats = (base + (length - page - bytes)).assumingMemoryBound(to: Float.self)
        self.count = count
        floats.initialize(repeating: .nan, count: count)
    }

    convenience init(_ values: [Float]) {
        self.init(count: values.count)
        floats.update(from: values, count: count)
    }

    convenience init(bytes: Int) { self.init(count: (bytes + 3) / 4) }

    deinit { munmap(base, length) }

    var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(floats) }
    var values: [Float] { Array(UnsafeBufferPointer(start: floats, count: count)) }
}

/// Columns of rows of `width` numbers.
func columns(_ range: Range<Int>, of rows: [Float], width: Int) -> [Float] {
    stride(from: 0, to: rows.count, by: width).flatMap { rows[($0 + range.lowerBound)..<($0 + range.upperBound)] }
}

/// Keeps tensors until here: a pointer taken from one does not.
@inline(never)
func keep(_ tensors: [Guarded]...) { withExtendedLifetime(tensors) {} }

/// A pool that lives as long as the value.
final class KernelPool: @unchecked Sendable {
    // Used by one test at a time: each test makes its own.
    let pointer: OpaquePointer

    init?(threads: Int, isa: RainISA) {
        guard let pointer = rain_pool_create(Int32(threads), isa) else { return nil }
        self.pointer = pointer
    }

    deinit { rain_pool_destroy(pointer) }
}

/// An instruction set that this machine has.
enum KernelSet: String, CaseIterable, Sendable {
    case generic, avx2, avx512, amx, neon

    var isa: RainISA {
        switch self {
        case .generic: RAIN_ISA_GENERIC
        case .avx2: RAIN_ISA_AVX2
        case .avx512: RAIN_ISA_AVX512
        case .amx: RAIN_ISA_AMX
        case .neon: RAIN_ISA_NEON
        }
    }

    /// Relative error of a product besides what sums of floats lose: 2⁻¹⁷ where floats are split.
    var productError: Double { self == .amx ? 0x1p-17 : 0 }

    static let available = allCases.filter { KernelPool(threads: 1, isa: $0.isa) != nil }

    func pool(threads: Int) -> KernelPool { KernelPool(threads: threads, isa: isa)! }
}

func plainPool() -> KernelPool { KernelPool(threads: 1, isa: RAIN_ISA_PLAIN)! }

/// Repeatable numbers.
struct KernelRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }
    mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }

    /// Evenly in ±scale, about `offset`.
    mutating func floats(_ count: Int, scale: Float = 1, offset: Float = 0) -> [Float] {
        (0..<count).map { _ in offset + scale * (Float(next() >> 40) / Float(1 << 23) - 1) }
    }
}

/// The largest difference relative to the largest expected value; infinite where something is not a number.
func disagreement(_ found: [Float], _ expected: [Float]) -> Double {
    precondition(found.count == expected.count)
    var largest = 1e-30
    var worst = 0.0
    for (a, b) in zip(found, expected) {
        largest = max(largest, abs(Double(b)))
        let difference = abs(Double(a) - Double(b))
        worst = difference.isFinite ? max(worst, difference) : .infinity
    }
    return worst / largest
}

/// What a chain of `terms` float multiply-adds may lose, with room for uneven terms: 2⁻²⁴ · √terms · 16.
func tolerance(_ terms: Int, factor: Double = 1) -> Double { 0x1p-24 * Double(terms).squareRoot() * 16 * factor + 4e-7 }

/// Σ a·b in double.
func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }

/// The slope of Σ weights·f at x along `direction`, by central difference.
func slope(of f: ([Float]) -> [Float], at x: [Float], along direction: [Float], weights: [Float], step: Float = 4e-3) -> Double {
    let ahead = f(zip(x, direction).map { $0 + step * $1 })
    let behind = f(zip(x, direction).map { $0 - step * $1 })
    return (dot(ahead, weights) - dot(behind, weights)) / (2 * Double(step))
}
