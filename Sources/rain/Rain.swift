import ArgumentParser
import Glibc
import RainFiles

/// The `rain` command. To add a subcommand, write it in `Commands/` and name it in `subcommands`.
@main
struct Rain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rain",
        abstract: "Animates a still character in an endless real-time stream.",
        discussion: """
            Every command explains itself with an example: rain <command> --help.
            Exit status: 0 for success, 1 for a failure, 2 for a mistake in the command line.
            """,
        // The one place of the version; a test compares it with CHANGELOG.md.
        version: "0.2.0",
        subcommands: [
            AnimateCommand.self,
            CalibrateCommand.self,
            StudioCommand.self,
            DemoCommand.self,
            CharacterCommand.self,
            MotionCommand.self,
            DetectCommand.self,
            CutCommand.self,
            PictureCommand.self,
            TrackerCommand.self,
            CompletionsCommand.self,
            Train.self,
            EvaluateCommand.self,
            Verify.self,
            Inspect.self,
            ConvertCommand.self,
            MakeModelCommand.self,
            Doctor.self,
            TuneCommand.self,
            BenchmarkCommand.self,
        ])

    /// What follows the command's own name. `CommandLine` takes arguments for text, and repairs names of files that are none.
    private static let arguments: [String] = (1..<max(1, Int(CommandLine.argc))).compactMap { index in
        CommandLine.unsafeArgv[index].map { String(systemPath: $0) }
    }

    static func main() async {
        // A reader that goes away or a limit on file sizes is reported by the write that fails, not by a signal that kills us.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        Terminal.holdStreams()
        do {
            var command = try parseAsRoot(CommandWords.joined(arguments))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            try Terminal.finish()
        } catch {
            leave(error)
        }
    }

    /// Ends the process as its error asks: help on standard output, anything else as one sentence on standard error.
    private static func leave(_ error: any Error) -> Never {
        if let code = error as? ExitCode { Glibc.exit(code.rawValue) }
        switch exitCode(for: error) {
        case .success:
            let text = fullMessage(for: error)
            if !text.isEmpty { print(text) }
            do { try Terminal.finish() } catch { leave(error) }
            Glibc.exit(0)
        case .validationFailure:
            let words = CommandWords(arguments, of: Self.self)
            Terminal.complain("\(words.explained(message(for: error))) (see '\(words.command) --help')")
            Glibc.exit(2)
        default:
            Terminal.complain("\(error)")
            Glibc.exit(1)
        }
    }
}
