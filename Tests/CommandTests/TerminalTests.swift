import Foundation
import Testing

@testable import rain

/// What people see on a terminal; pure parts, and the command on a terminal that `script` makes.
@Suite struct TerminalTests {
    /// Where there is no room, parts give way by rank, and at last the one that matters most is cut.
    @Test func lineFitsIntoItsWidth() {
        let parts: [Terminal.Part] = [("animating: 120 of 500 frames", 4), ("24 %", 1), ("48.0 frames/s", 0), ("8 s left", 3), ("note", 2)]
        #expect(Terminal.line(parts, width: nil) == "animating: 120 of 500 frames, 24 %, 48.0 frames/s, 8 s left, note")
        #expect(Terminal.line(parts, width: 66) == Terminal.line(parts, width: nil))
        #expect(Terminal.line(parts, width: 65) == "animating: 120 of 500 frames, 24 %, 8 s left, note")
        #expect(Terminal.line(parts, width: 45) == "animating: 120 of 500 frames, 8 s left, note")
        #expect(Terminal.line(parts, width: 39) == "animating: 120 of 500 frames, 8 s left")
        #expect(Terminal.line(parts, width: 30) == "animating: 120 of 500 frames")
        #expect(Terminal.line(parts, width: 12) == "animating:…")
        for width in 1...70 { #expect(Terminal.line(parts, width: width).count <= max(width - 1, 1)) }
    }

    @Test func progressTellsWhatIsLeft() {
        func line(_ count: Int, of total: Int?, seconds: Int, note: String = "") -> String {
            Terminal.line(
                ProgressLine.parts(label: "animating", unit: "frames", count: count, total: total, elapsed: .seconds(seconds), note: note),
                width: nil)
        }
        #expect(line(120, of: 500, seconds: 10) == "animating: 120 of 500 frames, 24 %, 12.0 frames/s, 32 s left")
        #expect(line(500, of: 500, seconds: 250, note: "done") == "animating: 500 frames, 2.00 frames/s, 4 min 10 s, done")
        #expect(line(7, of: nil, seconds: 1) == "animating: 7 frames, 7.00 frames/s, 1 s")
        #expect(line(0, of: 9, seconds: 3) == "animating: 0 of 9 frames, 0 %, 3 s")
    }

    @Test func loadingIsEstimatedFromWhatIsDone() {
        var progress = LoadingProgress()
        func line(_ seconds: Int, weights: Int? = 1000) -> String {
            Terminal.line(progress.parts(weights: weights, levels: 4, at: .seconds(seconds)), width: nil)
        }
        progress.begin("reading motion.json", at: .seconds(1))
        #expect(line(4) == "reading motion.json, 3 s")
        progress.begin("loading rain-mini", at: .seconds(4))
        progress.read("a", elements: 100, at: .seconds(5))
        progress.read("b", elements: 100, at: .seconds(6))
        // The same weight for another program is no further one.
        progress.read("b", elements: 100, at: .seconds(7))
        #expect(line(10) == "loading rain-mini, 20 % of its weights, 20 s left")
        // As good as all of them: the rest is not waited for.
        #expect(line(10, weights: 201) == "loading rain-mini, 6 s")
        #expect(line(10, weights: nil) == "loading rain-mini, 6 s")
        // A large model reads its denoiser's weights with the first step.
        progress.begunSteps(1, at: .seconds(11))
        #expect(line(15) == "loading rain-mini, 20 % of its weights, 40 s left")
        progress.read("c", elements: 800, at: .seconds(20))
        #expect(line(21) == "first frame: step 1 of 4, 10 s")
        progress.begunSteps(2, at: .seconds(23))
        // With its weights there, a step of one group took 3 s; those of two, three and four are ahead.
        #expect(line(25) == "first frame: step 2 of 4, 25 s left")
        progress.begunSteps(3, at: .seconds(33))
        // That of two took 10 s.
        #expect(line(34) == "first frame: step 3 of 4, 34 s left")
    }

    // MARK: On a terminal

    private func onTerminal(_ place: Workplace, columns: Int, _ line: String, environment: [String: String] = [:]) throws -> String {
        let command = "stty cols \(columns); " + line.replacing("rain ", with: "'\(Workplace.command.path)' ", maxReplacements: 1)
        let outcome = try place.start(
            ["-qec", command, "/dev/null"], program: "/usr/bin/script",
            environment: ["TERM": "xterm", "NO_COLOR": ""].merging(environment) { $1 }
        ).wait()
        // Terminals end lines by both, which is one character to Swift.
        return outcome.text.replacing("\r\n", with: "\n")
    }

    @Test func progressFitsTheTerminal() throws {
        let place = try Workplace.withTinyModel()
        let line = "rain animate --model tiny --reference hero.png --driving motion.json --output o.mp4"
        let (narrow, wide) = (try onTerminal(place, columns: 40, line), try onTerminal(place, columns: 200, line))
        #expect(narrow.contains(/animating: 10 frames, \d+ s\n/), "\(narrow)")
        #expect(wide.contains(/animating: 10 frames, [\d.]+ frames\/s, \d+ s\n/), "\(wide)")
    }

    /// The motion comes after the second in which nothing need be said.
    @Test func waitingIsSaid() throws {
        let place = try Workplace.withTinyModel()
        let text = try onTerminal(
            place, columns: 30,
            "(sleep 4; cat motion.json) | rain animate --model tiny --reference hero.png --driving - --output o.mp4")
        #expect(text.contains("waiting for standard input"), "\(text)")
        #expect(text.contains("animating: 10 frames"), "\(text)")
        // It is gone before anything else is said.
        let lines = text.split(separator: "\n").map { String($0.split(separator: "\r").last ?? "") }
        #expect(!lines.contains { $0.contains("waiting") }, "\(text)")
    }

    @Test func coloursAreForTerminalsWithoutNOCOLOR() throws {
        let place = try Workplace()
        let colored = try onTerminal(place, columns: 80, "rain nonsense")
        #expect(colored.contains("\u{1B}[31mrain:\u{1B}[0m Unknown command"), "\(colored)")
        for environment in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
            let plain = try onTerminal(place, columns: 80, "rain nonsense", environment: environment)
            #expect(plain.contains("rain: Unknown command") && !plain.contains("\u{1B}"), "\(plain)")
        }
        #expect(try place.run("nonsense").errors.hasPrefix("rain: Unknown command"))
    }
}
