import Glibc

/// `Benchmarks/peers/torch_peer.py` as a child process: one line with an operation and its shape in, one line with seconds out.
final class TorchPeer {
    private let toChild: UnsafeMutablePointer<FILE>
    private let fromChild: UnsafeMutablePointer<FILE>
    private let process: pid_t

    /// - Parameter script: path of the Python script
    init?(script: String, threads: Int) {
        var (input, output): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&input) == 0, pipe(&output) == 0 else { return nil }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        posix_spawn_file_actions_addclose(&actions, input[1])
        posix_spawn_file_actions_addclose(&actions, output[0])
        let python = getenv("PYTHON").map { String(cString: $0) } ?? "python3"
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(python), strdup(script), strdup("\(threads)"), nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        guard posix_spawnp(&process, python, &actions, nil, &arguments, environ) == 0 else { return nil }
        close(input[0])
        close(output[1])
        guard let toChild = fdopen(input[1], "w"), let fromChild = fdopen(output[0], "r") else { return nil }
        (self.toChild, self.fromChild, self.process) = (toChild, fromChild, process)
        signal(SIGPIPE, SIG_IGN)
        guard ask("hello") == "ready" else { return nil }
    }

    deinit {
        fclose(toChild)
        fclose(fromChild)
        waitpid(process, nil, 0)
    }

    func ask(_ line: String) -> String? {
        fputs(line + "\n", toChild)
        fflush(toChild)
        var answer = [CChar](repeating: 0, count: 256)
        guard fgets(&answer, 256, fromChild) != nil else { return nil }
        return String(decoding: answer.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Seconds of an operation, or `nil` if PyTorch stopped answering.
    func time(_ operation: String, _ numbers: Int...) -> Double? {
        ask(([operation] + numbers.map(String.init)).joined(separator: " ")).flatMap(Double.init)
    }
}
