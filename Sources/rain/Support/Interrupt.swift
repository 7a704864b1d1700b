import Glibc
import Synchronization

/// Lets long commands stop cleanly on Ctrl-C, `kill` or a closed terminal.
///
/// Call `install()` at the start, ask `requested` once per frame, and complete the output when it is true. A second
/// signal of the same kind ends the process at once.
enum Interrupt {
    private static let flag = Atomic<Bool>(false)

    /// Whether the user has asked to stop.
    static var requested: Bool { flag.load(ordering: .relaxed) }

    /// Starts to listen.
    static func install() {
        flag.store(false, ordering: .relaxed)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var action = sigaction()
            // Storing to an atomic that already exists is all that a signal handler may safely do here.
            action.__sigaction_handler.sa_handler = { _ in Interrupt.flag.store(true, ordering: .relaxed) }
            // After the first signal the default action is back, so that the second one works even if we hang.
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
            // Whoever started us with a signal ignored (nohup, a script's background job) wants it ignored.
            var before = sigaction()
            sigaction(number, nil, &before)
            if unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
            sigaction(number, &action, nil)
        }
    }
}
