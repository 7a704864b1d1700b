import Foundation
import Testing

/// What the Tab key does.
@Suite struct CompletionsCommandTests {
    let place: Workplace

    init() throws { place = try Workplace() }

    @Test(arguments: [
        ("bash", "data/bash-completion/completions/rain"), ("zsh", "data/zsh/site-functions/_rain"),
        ("fish", "config/fish/completions/rain.fish"),
    ])
    func areInstalledWhereTheShellLooks(_ shell: String, _ path: String) throws {
        let environment = ["XDG_CONFIG_HOME": place.path + "/config", "SHELL": "/usr/bin/" + shell]
        let outcome = try place.start(["completions", "install"], environment: environment).wait()
        #expect(outcome.status == 0 && outcome.errors.contains(path), "\(outcome.errors)")
        let script = try String(decoding: place.bytes(path), as: UTF8.self)
        let printed = try place.run("--generate-completion-script", shell)
        #expect(script.trimmingCharacters(in: .whitespacesAndNewlines) == printed.text.trimmingCharacters(in: .whitespacesAndNewlines))
        #expect(try place.start(["completions", "install", "--folder", "own"], environment: environment).wait().status == 0)
        let isThere = try place.contents.contains("own/" + String(path.split(separator: "/").last ?? ""))
        #expect(isThere)
    }

    @Test func unknownShellsAreMistakes() throws {
        for shell in ["/bin/tcsh", ""] {
            let outcome = try place.start(["completions", "install"], environment: ["SHELL": shell]).wait()
            #expect(outcome.status == 2 && outcome.errors.contains("expected bash, zsh or fish, found '\(shell)'"), "\(outcome.errors)")
        }
        try place.write("file", [1])
        let outcome = try place.run("completions", "install", "--shell", "bash", "--folder", "file")
        #expect(outcome.status == 1 && outcome.errors.contains("file: cannot be made"), "\(outcome.errors)")
    }

    /// bash itself completes a command, an option, a file and one of the values that an option knows.
    @Test(arguments: [
        ("rain ani", "animate"), ("rain animate --ref", "--reference --reference-landmarks"), ("rain animate --reference he", "hero.png"),
        ("rain animate --fit ", "crop pad"), ("rain completions install --shell f", "fish"), ("rain inspect he", "hero.png"),
    ])
    func bashCompletes(_ line: String, _ expected: String) throws {
        try place.write("hero.png", [1])
        #expect(try place.run("completions", "install", "--shell", "bash", "--folder", ".").status == 0)
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let script = """
            source ./rain
            COMP_WORDS=(\(words.map { "'\($0)'" }.joined(separator: " "))); COMP_CWORD=\(words.count - 1)
            COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}
            _rain rain "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\\n' "${COMPREPLY[@]}" | sed 's/ *$//' | sort | tr '\\n' ' '
            """
        let outcome = try place.start(["-c", script], program: "/bin/bash").wait()
        #expect(outcome.text.trimmingCharacters(in: .whitespaces) == expected, "\(outcome.text) \(outcome.errors)")
    }
}
