import Dispatch

/// Runs an actor on a queue of its own, so that networks, which compute for long without suspending, never hold one of the few threads
/// that all other tasks share.
final class DetectionExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "rain.detector")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Safe: the closure keeps this executor alive until the job has run.
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
