import Foundation
import Glibc

/// The machine as Linux describes it.
struct Machine {
    /// The processor's name, e.g. "AMD EPYC 7B13".
    var processor: String
    /// The instruction set extensions Rain has kernels for, or will have, that the processor offers.
    var features: [String]
    /// Processors this process may run on.
    var threads: Int
    /// Installed memory in bytes.
    var memoryBytes: Int

    static let interestingFeatures = ["avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_bf16", "amx_tile", "asimd", "asimdhp", "sve"]

    init() {
        let cpuinfo = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        func field(_ names: [String]) -> String? {
            for line in cpuinfo.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, names.contains(parts[0].trimmingCharacters(in: .whitespaces)) else { continue }
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
            return nil
        }
        processor = field(["model name", "Model", "CPU part"]) ?? "unknown"
        let flags = Set((field(["flags", "Features"]) ?? "").split(separator: " ").map(String.init))
        features = Self.interestingFeatures.filter(flags.contains)
        threads = ProcessInfo.processInfo.activeProcessorCount
        memoryBytes = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    }
}
