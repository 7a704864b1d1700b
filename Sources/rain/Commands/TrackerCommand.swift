import ArgumentParser
import RainDetection

/// The face tracker that comes along.
struct TrackerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tracker",
        abstract: "Brings the face tracker: three small networks by which cameras, videos and pictures drive.",
        discussion: """
            The networks are MediaPipe's (Apache-2.0), 9 MB. They are taken out of the Python package \(TrackerInstallation.package), which pip \
            downloads by its name (35 MB), checked by SHA-256, and put into the user's data folder with their licence. Nothing of the \
            package is run, and Python is not needed afterwards.

            Example: rain tracker install
            """,
        subcommands: [Install.self])

    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Downloads, checks and installs the face tracker's networks.",
            discussion: """
                What is installed and whole is left alone. Nothing is changed unless everything could be fetched and checked.

                Example: rain tracker install
                """)

        @Option(
            help: ArgumentHelp(
                "Where they go; by default $XDG_DATA_HOME/rain/tracker, usually ~/.local/share/rain/tracker.", valueName: "folder"),
            completion: .directory)
        var folder: String?

        @Option(
            help: ArgumentHelp("A wheel of the package that was downloaded before, for machines without network.", valueName: "file.whl"),
            completion: .file())
        var wheel: String?

        @Flag(help: "Show what pip says.")
        var verbose = false

        func run() throws {
            let files = folder.map { TrackerFiles(folder: $0) } ?? TrackerFiles()
            let installation = TrackerInstallation(files: files, wheel: wheel, isVerbose: verbose)
            if installation.isDone { return Terminal.note("\(files.folder): the face tracker is installed and whole") }
            Terminal.note("fetching the face tracker (35 MB, once)…")
            try installation.run()
            Terminal.note("\(files.folder): the face tracker is installed; cameras, videos and pictures can drive")
        }
    }
}
