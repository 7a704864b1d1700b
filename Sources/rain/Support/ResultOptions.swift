import ArgumentParser

/// How a command tells its result; the same for all that have one.
struct ResultOptions: ParsableArguments {
    @Flag(help: "Print the result as JSON on standard output instead of text for people; progress stays on standard error.")
    var json = false

    /// - Parameter outputs: where frames go
    /// - Throws: `ValidationError` if both are to go to standard output
    func check(outputs: [String]) throws {
        guard json, let output = outputs.first(where: isStandardOutput) else { return }
        throw ValidationError("--json: expected frames elsewhere than on standard output, found --output \(output); name a file")
    }
}
