import ArgumentParser

/// What a command line was meant to say, for the sentence about one that cannot be understood.
struct CommandWords {
    /// The command as far as it is known: `rain tracker install`.
    let command: String
    /// What stands where a subcommand is expected, and those that there are.
    private let unknown: (word: String, known: [String])?
    /// The first option that the command does not have, and those that it has.
    private let unknownOption: (word: String, known: [String])?

    /// - Parameter root: the program's own command
    init(_ arguments: [String], of root: any ParsableCommand.Type) {
        var (words, type, rest) = (["rain"], root, arguments[...])
        while let word = rest.first, let next = type.configuration.subcommands.first(where: { Self.name($0) == word }) {
            words.append(word)
            (type, rest) = (next, rest.dropFirst())
        }
        command = words.joined(separator: " ")
        let known = type.configuration.subcommands.map(Self.name)
        unknown = rest.first.flatMap { known.isEmpty || $0.hasPrefix("-") || $0 == "help" ? nil : ($0, known) }
        let options = Set(type.helpMessage().matches(of: /--[a-z0-9][a-z0-9-]*/).map { String($0.output) })
        unknownOption = rest.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }.map { String($0.prefix { $0 != "=" }) }
            .first { !options.contains($0) }.map { ($0, options.sorted()) }
    }

    private static func name(_ command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? "\(command)".lowercased()
    }

    /// The parser's message; of an unknown subcommand or option one that names the nearest, of a negative number that it is one.
    func explained(_ message: String) -> String {
        if let unknown {
            let advice = Self.nearest(unknown.word, unknown.known) ?? ": expected one of \(unknown.known.joined(separator: ", "))"
            return "Unknown command '\(unknown.word)'\(advice)"
        }
        // The parser first complains of what is missing, which is perhaps what was mistyped.
        if let unknownOption, message.hasPrefix("Missing expected"), let advice = Self.nearest(unknownOption.word, unknownOption.known) {
            return "Unknown option '\(unknownOption.word)'\(advice)"
        }
        return message.contains("The value '-") ? message + ": expected a number that is not negative" : message
    }

    private static func nearest(_ word: String, _ known: [String]) -> String? {
        let nearest = known.min { distance($0, word) < distance($1, word) } ?? ""
        return distance(nearest, word) <= max(2, word.count / 3) ? ". Did you mean '\(nearest)'?" : nil
    }

    /// A negative number belongs to the option before it, which the parser otherwise takes for one without a value.
    static func joined(_ arguments: [String]) -> [String] {
        var joined: [String] = []
        var isEnded = false
        for argument in arguments {
            isEnded = isEnded || argument == "--"
            let isNumber = argument.first == "-" && argument.dropFirst().first.map { $0.isASCII && ($0.isNumber || $0 == ".") } == true
            if !isEnded, isNumber, let option = joined.last, option.hasPrefix("--"), !option.contains("=") {
                joined[joined.count - 1] = option + "=" + argument
            } else {
                joined.append(argument)
            }
        }
        return joined
    }

    /// Letters to change, add, leave out or exchange.
    static func distance(_ first: String, _ second: String) -> Int {
        let (a, b) = (Array(first), Array(second))
        var rows = [Array(0...b.count)]
        for i in 1..<(a.count + 1) {
            var row = [i]
            for j in 1..<(b.count + 1) {
                var least = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { least = min(least, rows[i - 2][j - 2] + 1) }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
