import Foundation

/// The memory of this process as Linux counts it.
enum ProcessMemory {
    /// Bytes in memory now.
    static var resident: Int { field("VmRSS:") }
    /// The most there ever were.
    static var peak: Int { field("VmHWM:") }

    private static func field(_ name: String) -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
        for line in status.split(separator: "\n") where line.hasPrefix(name) {
            return 1024 * (Int(line.dropFirst(name.count).split { $0 == " " || $0 == "\t" }.first ?? "") ?? 0)
        }
        return 0
    }
}
