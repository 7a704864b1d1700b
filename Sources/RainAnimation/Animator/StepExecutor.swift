import Dispatch

/// Runs an actor on a queue of its own, so that steps, which compute for long without suspending, and reads that block never hold one
/// of the few threads that all other tasks share.
package final class StepExecutor: SerialExecutor {
    private let queue: DispatchQueue

    package init(label: String = "rain.animator") { queue = DispatchQueue(label: label) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Safe: the closure keeps this executor alive until the job has run.
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
