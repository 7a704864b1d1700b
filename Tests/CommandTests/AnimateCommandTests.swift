import Foundation
import RainAnimation
import RainMedia
import RainPictures
import RainTesting
import Testing

/// `rain animate`, `rain evaluate` and `rain demo` on a model that has learnt nothing.
@Suite struct AnimateCommandTests {
    let workplace: Workplace

    init() throws {
        workplace = try Workplace()
        try TinyModel.model().write(folder: workplace.path + "/tiny")
        #expect(try workplace.run("character", "--seed", "7", "--size", "40", "--output", "hero.png").status == 0)
        #expect(try workplace.run("motion", "--seed", "3", "--seconds", "1", "--fps", "10", "--output", "motion.json").status == 0)
    }

    func animate(_ arguments: String) throws -> Outcome {
        let all = "animate --reference hero.png --driving motion.json --model tiny --threads 1 " + arguments
        return try workplace.run(all.split(separator: " ").map(String.init))
    }

    /// At a live pace, how many is for the machine to say; but all of the last group come, however slow it is.
    @Test(
        "A motion becomes as many frames",
        arguments: [
            ("", 10), ("--frames 23", 23), ("--seconds 0.5", 5), ("--fps 25 --seconds 1", 25), ("--window 1x4", 10),
            ("--window 4x4 --steps 8", 10),
            ("--live --fps 100", 1), ("--fit pad --frames 1", 1),
        ])
    func frames(_ options: String, count: Int) throws {
        let outcome = try animate("--output - " + options)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.count % (32 * 32 * 3) == 0)
        if options.contains("--live") {
            #expect(outcome.output.count >= 32 * 32 * 3)
        } else {
            #expect(outcome.output.count == count * 32 * 32 * 3)
        }
        for word in ["frames/s", "latency p50", "p95", "memory"] { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
    }

    @Test("Into every kind of output", arguments: ["out.mp4", "out.webm", "out.gif", "out"])
    func outputs(_ output: String) throws {
        let outcome = try animate("--frames 9 --output \(output)")
        #expect(outcome.status == 0, "\(outcome.errors)")
        if output == "out" {
            let names = try FileManager.default.contentsOfDirectory(atPath: workplace.path + "/out").sorted()
            #expect(names == (1...9).map { "00000\($0).png" })
        } else {
            let video = try VideoReader(path: workplace.path + "/" + output)
            #expect(try video.remainingFrames().count == 9)
        }
    }

    @Test("The same seed gives the same frames, another seed others") func seeds() throws {
        let first = try animate("--output - --seed 5").output
        #expect(try animate("--output - --seed 5").output == first)
        #expect(try animate("--output - --seed 6").output != first)
    }

    /// What a pipe gives comes once, and some editors mark their files as UTF-8.
    @Test("A pipe drives, and so does a marked file", arguments: [false, true]) func pipes(isMarked: Bool) throws {
        let motion = try workplace.bytes("motion.json")
        let content = (isMarked ? [0xEF, 0xBB, 0xBF] : []) + motion
        let expected = try animate("--output -").output
        try workplace.write("marked", content)
        #expect(try animate("--output - --driving marked").output == expected)
        let pipe = workplace.path + "/pipe"
        try #require(mkfifo(pipe, 0o600) == 0)
        // Reached by a link, as a shell's <(…) and /dev/stdin are.
        try FileManager.default.createSymbolicLink(atPath: workplace.path + "/link", withDestinationPath: pipe)
        Thread.detachNewThread { try? Data(content).write(to: URL(fileURLWithPath: pipe), options: []) }
        let outcome = try animate("--output - --driving link")
        #expect(outcome.status == 0 && outcome.output == expected, "\(outcome.errors)")
    }

    @Test("Landmarks beside the picture are found") func landmarks() throws {
        let found = try animate("--output -").output
        #expect(try animate("--output - --reference-landmarks hero.landmarks.json").output == found)
        try FileManager.default.removeItem(atPath: workplace.path + "/hero.landmarks.json")
        #expect(try animate("--output -").output != found)
    }

    @Test("An interrupt leaves a playable file", arguments: ["out.mp4", "out.webm"]) func interrupt(_ output: String) throws {
        let run = try workplace.start(
            "animate --reference hero.png --driving motion.json --model tiny --threads 1 --endless --output \(output)"
                .split(separator: " ").map(String.init))
        // Long enough for some frames on a busy machine; more than a fixed time would be a test of speed.
        let partial = workplace.path + "/" + output.replacing("out.", with: "out.partial.")
        for _ in 0..<600 {
            let size = (try? FileManager.default.attributesOfItem(atPath: partial)[.size] as? Int) ?? 0
            if size > 4000 { break }
            Thread.sleep(forTimeInterval: 0.1)
        }
        run.process.interrupt()
        let outcome = try run.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let video = try VideoReader(path: workplace.path + "/" + output)
        #expect(try !video.remainingFrames().isEmpty)
    }

    /// The next driving frame is more than a minute away when the interrupt comes.
    @Test("An interrupt needs not wait for the next frame") func slowInterrupt() throws {
        let run = try workplace.start(
            "animate --reference hero.png --driving motion.json --model tiny --threads 1 --endless --fps 0.01 --window 1x1 --output -"
                .split(separator: " ").map(String.init))
        var size: Int { (try? FileManager.default.attributesOfItem(atPath: run.streams + "/out")[.size] as? Int) ?? 0 }
        for _ in 0..<600 where size < 32 * 32 * 3 { Thread.sleep(forTimeInterval: 0.1) }
        #expect(size == 32 * 32 * 3)
        run.process.interrupt()
        // Far longer than the slowest machine takes to end, and less than until the next frame.
        for _ in 0..<600 where run.process.isRunning { Thread.sleep(forTimeInterval: 0.1) }
        #expect(!run.process.isRunning, "it waits for the next frame")
        if run.process.isRunning { run.process.terminate() }
        let outcome = try run.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.count == 32 * 32 * 3)
    }

    /// Command line after the usual options, exit status, words of the sentence.
    static let mistakes: [(String, Int32, [String])] = [
        ("--output o.mp4 --window 0x4", 2, ["0x4", "at least one"]), ("--output o.mp4 --window 33x1", 2, ["33x1", "32"]),
        ("--output o.mp4 --window 4", 2, ["4x4"]), ("--output o.mp4 --window 4x4 --steps 6", 2, ["multiple"]),
        ("--output o.mp4 --steps 0", 2, ["--steps"]), ("--output o.mp4 --steps 7", 2, ["multiple"]),
        ("--output o.mp4 --frames 0", 2, ["--frames"]),
        ("--output o.mp4 --seconds nan", 2, ["--seconds"]), ("--output o.mp4 --seconds=-1", 2, ["--seconds"]),
        ("--output o.mp4 --frames 3 --endless", 2, ["at most one"]), ("--output o.mp4 --fps 0", 2, ["--fps"]),
        ("--output o.mp4 --fps inf", 2, ["--fps"]), ("--output o.mp4 --guidance 2", 2, ["guidance"]),
        ("--output o.mp4 --guidance=-1", 2, ["--guidance"]), ("--output o.mp4 --threads 0", 2, ["--threads"]), ("", 2, ["--output"]),
        ("--output o.xyz", 2, ["o.xyz", ".mp4"]), ("--output o.xyz --model absent", 2, ["o.xyz"]),
        ("--output o.gif --fps 60", 2, ["o.gif", "50"]), ("--output o.gif --driving fast.json --model absent", 2, ["o.gif", "50"]),
        ("--output o.mp4 --fps 0.001", 2, ["--fps", "0.01"]), ("--output o.mp4 --fps 1e-310", 2, ["--fps", "0.01"]),
        ("--output o.mp4 --driving slow.json", 1, ["slow.json", "fps", "0.01"]),
        ("--output o.mp4 --window 9x4", 2, ["9x4", "36", "32"]), ("--output o.mp4 --window 4000000000x4000000000", 2, ["far more"]),
        ("--output absent/o.mp4", 1, ["absent/o.mp4"]), ("--output full.mp4", 1, ["full.mp4"]),
        ("--output o.mp4 --model absent", 1, ["absent/model.json"]), ("--output o.mp4 --model damaged", 1, ["tiny.safetensors"]),
        ("--output o.mp4 --reference absent.png", 1, ["absent.png"]), ("--output o.mp4 --reference motion.json", 1, ["motion.json"]),
        ("--output o.mp4 --driving absent.json", 1, ["absent.json"]),
        ("--output o.mp4 --driving hero.png", 1, ["hero.png", "a PNG picture"]),
        ("--output o.mp4 --driving tiny/model.json", 1, ["model.json"]),
        ("--output o.mp4 --reference-landmarks absent.json", 1, ["absent.json"]),
    ]

    @Test("Mistakes end with one sentence and leave nothing", arguments: mistakes.indices)
    func mistake(_ index: Int) throws {
        let (options, status, words) = Self.mistakes[index]
        try FileManager.default.createSymbolicLink(atPath: workplace.path + "/full.mp4", withDestinationPath: "/dev/full")
        try FileManager.default.createDirectory(atPath: workplace.path + "/damaged", withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: workplace.path + "/tiny/model.json", toPath: workplace.path + "/damaged/model.json")
        try workplace.write("damaged/tiny.safetensors", workplace.bytes("tiny/tiny.safetensors").dropLast(2))
        let motion = try String(decoding: workplace.bytes("motion.json"), as: UTF8.self)
        for (name, rate) in [("slow.json", "0.001"), ("fast.json", "60")] {
            try workplace.write(name, [UInt8](motion.replacing("\"fps\": 10", with: "\"fps\": \(rate)").utf8))
        }
        let before = try workplace.contents
        var arguments = ["animate"] + options.split(separator: " ").map(String.init)
        for (option, value) in [("--reference", "hero.png"), ("--driving", "motion.json"), ("--model", "tiny")]
        where !arguments.contains(option) {
            arguments += [option, value]
        }
        let outcome = try workplace.run(arguments)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
        for word in words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        #expect(outcome.output.isEmpty)
        #expect(try workplace.contents == before)
    }

    @Test("Evaluation prints its JSON alone, and draws a sheet") func evaluate() throws {
        let outcome = try workplace.run(
            "evaluate", "--model", "tiny", "--characters", "2", "--frames", "8", "--seed", "3", "--json", "--sheet", "sheet.png")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any])
        #expect(object["characters"] as? Int == 2 && object["frames"] as? Int == 8 && object["seed"] as? Int == 3)
        #expect(object["psnr"] != nil && object["flicker_reconstruction"] != nil)
        let each = try #require(object["per_character"] as? [[String: Double]])
        #expect(each.count == 2 && (object["spread"] as? [String: Any])?["psnr"] != nil)
        let table = try workplace.run("evaluate", "--model", "tiny", "--characters", "2", "--frames", "8", "--seed", "3")
        let interval = try #require(table.text.firstMatch(of: /PSNR, dB +([\d.]+) +± [\d.]+ +([\d.]+) to ([\d.]+)/)?.output)
        let numbers = [interval.1, interval.2, interval.3].compactMap { Double($0) }
        #expect(numbers.count == 3 && numbers[1] <= numbers[0] && numbers[0] <= numbers[2], "\(table.text)")
        #expect(try PictureReader.read(workplace.path + "/sheet.png").width > 4 * 32)
        for mistake in [["--characters", "0"], ["--frames", "0"], ["--seed", "1099511627776"], ["--window", "0x4"]] {
            #expect(try workplace.run(["evaluate", "--model", "tiny"] + mistake).status == 2)
        }
        #expect(object["edge_ratio"] != nil)
        let nowhere = try workplace.run("evaluate", "--model", "tiny", "--pictures", "nowhere")
        #expect(nowhere.status == 2 && nowhere.errors.contains("found none in nowhere"), "\(nowhere.errors)")
    }

    private func json(_ outcome: Outcome) throws -> [String: Any] {
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try #require(JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any], "\(outcome.text)")
    }

    /// Alone on standard output, with everything else on standard error; where frames go there, there is no room for it.
    @Test("The result as JSON") func results() throws {
        let animate = ["animate", "--reference", "hero.png", "--driving", "motion.json", "--model", "tiny", "--json"]
        let animated = try json(workplace.run(animate + ["--output", "o.mp4", "--seed", "4"]))
        #expect(animated["output"] as? String == "o.mp4" && animated["width"] as? Int == 32 && animated["height"] as? Int == 32)
        #expect(animated["fps"] as? Double == 10 && animated["seed"] as? Int == 4 && animated["interrupted"] as? Bool == false)
        let stream = try #require(animated["stream"] as? [String: Any])
        #expect(stream["frames"] as? Int == 10 && stream["dropped"] as? Int == 0)
        for key in ["seconds", "frames_per_second", "first_frame_seconds", "memory_bytes", "peak_memory_bytes"] {
            #expect(stream[key] as? Double ?? 0 > 0, "\(key): \(stream)")
        }
        for key in ["step_seconds", "latency_seconds"] { #expect((stream[key] as? [String: Double])?.keys.sorted() == ["p50", "p95"]) }
        for output in ["-", "pipe:1", "/dev/stdout"] {
            let outcome = try workplace.run(animate + ["--output", output])
            #expect(outcome.status == 2 && outcome.errors.contains("--json: expected frames elsewhere"), "\(outcome.errors)")
        }

        let demo = try json(workplace.run("demo", "--model", "tiny", "--characters", "2", "--frames", "8", "--output", "made", "--json"))
        #expect(demo["videos"] as? [String] == ["made/character-1.mp4", "made/character-2.mp4"])
        #expect(demo["sheet"] as? String == "made/sheet.png")
        #expect((demo["evaluation"] as? [String: Any])?["characters"] as? Int == 2)
        let live = try #require(demo["live"] as? [String: Any])
        #expect(live["window"] as? String == "4x4" && live["fps"] as? Double == 25 && live["latency_seconds"] != nil)
    }

    /// Stages that were trained, with where they have come; an interrupted run tells it, too.
    @Test("The result of training as JSON") func training() throws {
        let recipe = """
            {"seed": 1, "clipFrames": 24, "freshEvery": 1,
             "autoencoder": {"steps": 2, "characters": 2, "frames": 1, "learningRate": 0.001, "finalFraction": 0.03, "averageDecay": 0.9,
                             "ownPredictions": 0},
             "frames": {"steps": 1, "characters": 2, "frames": 2, "learningRate": 0.001, "finalFraction": 0.03, "averageDecay": 0.9,
                        "ownPredictions": 0},
             "clips": {"steps": 1, "characters": 1, "frames": 16, "learningRate": 0.001, "finalFraction": 0.03, "averageDecay": 0.9,
                       "ownPredictions": 0}}
            """
        try workplace.write("recipe.json", Array(recipe.utf8))
        let result = try json(
            workplace.run("train", "--recipe", "recipe.json", "--stages", "autoencoder", "--output", "run", "--json"))
        let stages = try #require(result["stages"] as? [[String: Any]])
        #expect(stages.map { $0["stage"] as? String } == ["autoencoder"] && stages[0]["step"] as? Int == 2)
        #expect(stages[0]["loss"] as? Double ?? 0 > 0 && result["output"] as? String == "run" && result["model"] == nil)
        // A stage that is complete is not trained again.
        let again = try json(
            workplace.run("train", "--recipe", "recipe.json", "--stages", "autoencoder", "--output", "run", "--json"))
        #expect((again["stages"] as? [Any])?.isEmpty == true)
    }

    @Test("The demonstration writes videos and a sheet, and tells its figures") func demo() throws {
        let outcome = try workplace.run(
            "demo", "--model", "tiny", "--characters", "2", "--frames", "8", "--output", "made/here")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try VideoReader(path: workplace.path + "/made/here/character-1.mp4").remainingFrames().count == 8)
        #expect(try PictureReader.read(workplace.path + "/made/here/sheet.png").width > 2 * 32)
        for word in ["PSNR", "SSIM", "frames/s", "latency p50"] { #expect(outcome.text.contains(word), "\(outcome.text)") }
        #expect(try workplace.run("demo", "--model", "tiny", "--output", "hero.png").status != 0)
    }
}
