import Foundation

/// The desktop's browser.
enum Browser {
    /// Shows a page, or tells why it cannot. The browser outlives this program, and its words are not ours.
    static func open(_ url: String) {
        let environment = ProcessInfo.processInfo.environment
        guard ["DISPLAY", "WAYLAND_DISPLAY"].contains(where: { !environment[$0, default: ""].isEmpty }) else {
            // A browser in this terminal would take it from us.
            return Terminal.note("--open: expected a desktop, found neither DISPLAY nor WAYLAND_DISPLAY; open \(url) yourself")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["xdg-open", url]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.terminationHandler = { ended in
            let status = ended.terminationStatus
            guard status != 0 else { return }
            let found = status == 127 ? "no xdg-open; install Debian's xdg-utils, or" : "status \(status) of xdg-open;"
            Terminal.note("--open: expected a browser, found \(found) open \(url) yourself")
        }
        do {
            try process.run()
        } catch {
            Terminal.note("--open: \(error.localizedDescription); open \(url) yourself")
        }
    }
}
