import CMachine
import CPUKernels
import Glibc

/// Memory for a tensor, as the engine gets it, filled with repeatable numbers in ±0.5.
final class Tensor {
    let floats: UnsafeMutablePointer<Float>
    let count: Int

    init(_ count: Int) {
        self.count = count
        floats = rain_memory_allocate(max(64, count * 4))!.assumingMemoryBound(to: Float.self)
        var state: UInt64 = 0x9E37_79B9 &+ UInt64(count)
        for index in 0..<count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            floats[index] = Float(state >> 40) / Float(1 << 24) - 0.5
        }
    }

    convenience init(bytes: Int) { self.init((bytes + 3) / 4) }
    deinit { rain_memory_free(floats) }

    var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(floats) }
}

/// Seconds: of this thread's processor time with one thread (a busy machine then does not count), else of the wall clock.
struct Clock {
    let threads: Int

    func now() -> Double {
        var time = timespec()
        clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    func time(_ body: () -> Void) -> Double {
        let start = now()
        body()
        return now() - start
    }

    /// The shortest of the runs that fit in about `seconds`, after one unmeasured run.
    func best(seconds: Double = 0.15, _ body: () -> Void) -> Double {
        body()
        var (best, total, runs) = (Double.infinity, 0.0, 0)
        while (total < seconds || runs < 3) && runs < 2000 {
            let duration = time(body)
            best = min(best, duration)
            total += duration
            runs += 1
        }
        return best
    }
}

/// What every benchmark needs.
struct Bench {
    let pool: OpaquePointer
    let clock: Clock
    let rounds: Int
    let peer: TorchPeer?

    /// GFLOP/s of multiply-adds on registers alone, in the vectors of the pool's instruction set, on all threads.
    func peak() -> Double {
        let alone = Clock(threads: 1)
        let wide: Int32 = [RAIN_ISA_AVX512, RAIN_ISA_AMX].contains(rain_pool_isa(pool)) ? 1 : 0
        var best = 0.0
        for _ in 0..<5 {
            var operations = 0.0
            let seconds = alone.time { operations = machine_multiply_adds(wide, 200_000) }
            best = max(best, operations / seconds * 1e-9)
        }
        return best * Double(clock.threads)
    }
}

func geometricMean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : exp(values.reduce(0) { $0 + log($1) } / Double(values.count))
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }

func number(_ value: Double, _ digits: Int = 2) -> String {
    let scale = pow(10, Double(digits))
    let rounded = (value * scale).rounded() / scale
    guard digits > 0 else { return String(Int(rounded)) }
    let parts = "\(rounded)".split(separator: ".", maxSplits: 1)
    let fraction = parts.count > 1 ? String(parts[1]) : "0"
    return "\(parts[0]).\(fraction.padding(digits))"
}

extension String {
    fileprivate func padding(_ digits: Int) -> String { String((self + String(repeating: "0", count: digits)).prefix(digits)) }
}
