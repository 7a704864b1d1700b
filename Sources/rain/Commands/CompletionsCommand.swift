import ArgumentParser
import Foundation
import RainAnimation
import RainFiles

/// Completion of commands, options and files in shells.
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Lets the Tab key complete commands, options and files in bash, zsh or fish.",
        discussion: """
            Installs a script into the user's own folders, where the shell looks for it. To print one instead: \
            rain --generate-completion-script bash (or zsh, fish).

            Example: rain completions install
            """,
        subcommands: [Install.self])

    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the completion script of a shell to where the shell looks for it.",
            discussion: """
                bash: $XDG_DATA_HOME/bash-completion/completions/rain (needs Debian's bash-completion); zsh: \
                $XDG_DATA_HOME/zsh/site-functions/_rain; fish: $XDG_CONFIG_HOME/fish/completions/rain.fish. Run it again after an \
                update of Rain.

                Example: rain completions install --shell zsh
                """)

        @Option(help: "bash, zsh or fish; by default the one that $SHELL names.")
        var shell: Shell?

        @Option(help: ArgumentHelp("Where the script goes instead.", valueName: "folder"), completion: .directory)
        var folder: String?

        enum Shell: String, ExpressibleByArgument, CaseIterable {
            case bash, zsh, fish

            var parsers: CompletionShell {
                switch self {
                case .bash: .bash
                case .zsh: .zsh
                case .fish: .fish
                }
            }

            /// What shells call the script of a command.
            var fileName: String {
                switch self {
                case .bash: "rain"
                case .zsh: "_rain"
                case .fish: "rain.fish"
                }
            }

            /// Where the shell looks for scripts of the user.
            var folder: String {
                switch self {
                case .bash: UserFolder.data.path + "/bash-completion/completions"
                case .zsh: UserFolder.data.path + "/zsh/site-functions"
                case .fish: UserFolder.configuration.path + "/fish/completions"
                }
            }
        }

        func run() throws {
            let usual = ProcessInfo.processInfo.environment["SHELL", default: ""]
            guard let shell = shell ?? Shell(rawValue: URL(fileURLWithPath: usual).lastPathComponent) else {
                throw ValidationError("--shell: expected bash, zsh or fish, found '\(usual)' as $SHELL; name one of them")
            }
            let folder = folder ?? shell.folder
            let path = "\(folder)/\(shell.fileName)"
            do {
                try FileSystem.makeFolders(folder)
            } catch {
                throw AnimationError(.usage, "\(folder): cannot be made or is no folder; name another with --folder")
            }
            try ReplacementFile.write(Array(Rain.completionScript(for: shell.parsers).utf8), to: path)
            let then =
                switch shell {
                case .bash: "new shells have it, with Debian's bash-completion; without: source it in ~/.bashrc"
                case .zsh: "new shells have it if ~/.zshrc says, before compinit: fpath=('\(folder)' $fpath)"
                case .fish: "new shells have it"
                }
            Terminal.note("\(path): completions for \(shell.rawValue); \(then)")
        }
    }
}
