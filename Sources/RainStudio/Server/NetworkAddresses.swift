import NIOCore

/// Under which names others reach an address that is listened on.
enum NetworkAddresses {
    /// - Returns: the address itself; of one that stands for all, those of the machine's networks, IPv4 first
    static func names(of address: String) -> [String] {
        guard ["0.0.0.0", "::"].contains(address) else { return [address.contains(":") ? "[\(address)]" : address] }
        var names: [(isFirst: Bool, name: String)] = []
        for device in (try? System.enumerateDevices()) ?? [] {
            guard let text = device.address?.ipAddress else { continue }
            switch device.address {
            case .v4 where !text.hasPrefix("127.") && !text.hasPrefix("169.254."): names.append((true, text))
            case .v6 where address == "::" && text != "::1" && !text.hasPrefix("fe80"): names.append((false, "[\(text)]"))
            default: break
            }
        }
        let sorted = names.filter(\.isFirst) + names.filter { !$0.isFirst }
        return sorted.isEmpty ? ["localhost"] : sorted.map(\.name)
    }
}
