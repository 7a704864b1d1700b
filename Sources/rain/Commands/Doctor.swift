import ArgumentParser
import Foundation
import Glibc
import RainAnimation
import RainCheckpoints
import RainDetection
import RainMedia
import RainTraining

/// Looks whether this machine has what Rain needs.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks this machine: processor, libraries, graphics processor, engine, model.",
        discussion: """
            Every line is marked ok, note (works, but could be better) or bad (something essential is missing), and says what \
            to do. Exits with 1 if any line is bad.

            With --model, reads a model's folder or file to its end: which parts are there, whether names, shapes and values of their tensors \
            are right, and the SHA-256 of each, compared with that of the published file where it is known. How long a step of a large model \
            takes is estimated without loading it, from one operation of each kind that it has.

            Example: rain doctor --json
            Example: rain doctor --model weights
            """)

    @Option(
        help: ArgumentHelp(
            "Instead of the embedded model check this one: its parts, their tensors and checksums, and whether it would be live here.",
            valueName: "path"), completion: .file())
    var model: String?

    @OptionGroup var result: ResultOptions

    func run() async throws {
        let machine = Self.processor() + Self.libraries() + [Self.tracker(), Self.graphics(), Self.engine()]
        let findings = try machine + (model.map { try Self.findings(of: $0) } ?? Self.model() + Self.stream())
        if result.json {
            try Terminal.printJSON(["findings": findings])
        } else {
            for finding in findings { finding.printLine() }
        }
        if findings.contains(where: { $0.state == .bad }) { throw ExitCode(1) }
    }

    private static func processor() -> [Finding] {
        let machine = Machine()
        let isFast = Set(machine.features).isSuperset(of: ["avx2", "fma"]) || machine.features.contains("asimd")
        return [
            Finding(
                "processor", isFast ? .ok : .note,
                "\(machine.processor); \(machine.features.isEmpty ? "no vector extensions known" : machine.features.joined(separator: " "))",
                advice: isFast ? nil : "expect a slow, generic engine: a processor with AVX2 and FMA runs several times faster"),
            Finding(
                "threads", machine.threads > 1 ? .ok : .note, "\(machine.threads)",
                advice: machine.threads > 1 ? nil : "allow this process more than one processor"),
            Finding(
                "memory", machine.memoryBytes >= 2_000_000_000 ? .ok : .note, Terminal.bytes(machine.memoryBytes),
                advice: machine.memoryBytes >= 2_000_000_000 ? nil : "the embedded model needs about 1 GB free; larger models need more"),
        ]
    }

    private static func libraries() -> [Finding] {
        let versions = FFmpeg.libraryVersions.map { "\($0.name) \($0.version)" }.joined(separator: ", ")
        var findings = [Finding("FFmpeg", .ok, versions)]
        let encoders = [("libx264", ".mp4"), ("libvpx-vp9", ".webm"), ("gif", ".gif"), ("png", "pictures")]
        for (encoder, use) in encoders where !FFmpeg.hasEncoder(encoder) {
            findings.append(
                Finding(
                    "encoder", encoder == "png" ? .bad : .note, "FFmpeg lacks \(encoder), so \(use) cannot be written",
                    advice: "install Debian's libavcodec (apt-get install libavcodec-extra)"))
        }
        if let cairo = ForeignLibraries.cairoVersion {
            findings.append(Finding("Cairo", .ok, cairo))
        } else {
            findings.append(Finding("Cairo", .bad, "not found", advice: "run scripts/setup"))
        }
        return findings
    }

    private static func tracker() -> Finding {
        let files = TrackerFiles()
        do {
            _ = try TrackerInstallation.verified(files)
            return Finding("face tracker", .ok, "\(TrackerInstallation.package), \(files.folder)")
        } catch {
            let isDamaged = files.missing.isEmpty
            return Finding(
                "face tracker", .note, isDamaged ? "\(error)" : "not installed: cameras, videos and pictures cannot drive yet",
                advice: "run 'rain tracker install'")
        }
    }

    private static func graphics() -> Finding {
        switch ForeignLibraries.graphicsProcessors() {
        case .success(let devices):
            let names = devices.map { "\($0.name), \(Terminal.bytes($0.memoryBytes))" }.joined(separator: "; ")
            return Finding("GPU", .ok, "\(names) (not used yet: the engine runs on the processor)")
        case .failure(.noDriver):
            return Finding("GPU", .ok, "none found (no NVIDIA driver); the engine runs on the processor")
        case .failure(.noDevice(let code)):
            return Finding(
                "GPU", .note, "the NVIDIA driver is installed but offers no device (code \(code))",
                advice: "check nvidia-smi if this machine has one; Rain runs on the processor")
        }
    }

    private static func engine() -> Finding {
        do {
            let speed = try EngineSpeed.measure(Engines.best())
            let isSlow = speed.convolution < 50
            return Finding(
                "engine", isSlow ? .note : .ok,
                "\(Engines.description): 3×3 convolution \(Int(speed.convolution)) GFLOP/s, "
                    + "linear layer \(Int(speed.linear)) GFLOP/s",
                advice: isSlow ? "stop other programs, or expect fewer frames per second" : nil)
        } catch {
            return Finding("engine", .bad, "does not run here: \(error)", advice: "build Rain on this machine: scripts/demo")
        }
    }

    private static func model() -> [Finding] {
        do {
            guard let weights = try EmbeddedFiles.weights() else {
                return [
                    Finding(
                        "model", .note, "this program was built without rain-mini",
                        advice: "name a model folder with --model, or build from a complete checkout")
                ]
            }
            let model = try AnimationModel.embedded()
            try weights.requireFinite()
            let checksum = weights.withFileBytes { Checksum.sha256($0) }
            let size = "\(model.configuration.imageSize)×\(model.configuration.imageSize)"
            return [
                Finding("model", .ok, "\(model.configuration.name), \(size), \(Terminal.bytes(weights.fileByteCount)), SHA-256 \(checksum)")
            ]
        } catch {
            return [Finding("model", .bad, "rain-mini is damaged: \(error)", advice: "build from a fresh checkout")]
        }
    }
}

extension Doctor {
    /// Whether the embedded model keeps up with a live stream; nothing where it does not run, which other findings say.
    private static func stream() -> [Finding] {
        guard let speed = try? StreamSpeed.measured({ try AnimationModel.embedded() }) else { return [] }
        return [stream("rain-mini", speed)]
    }

    /// Whether a model keeps up with a live stream.
    static func stream(_ name: String, _ speed: StreamSpeed) -> Finding {
        let step = ProgressLine.shortSpan(speed.secondsPerStep)
        let rate = String(format: speed.framesPerSecond < 10 ? "%.2f" : "%.0f", speed.framesPerSecond)
        let how = speed.secondsUntilReady.map { String(format: "ready after %.1f s", $0) } ?? "estimated: each of its operations ran alone"
        return Finding(
            "stream", speed.isLive ? .ok : .note,
            "\(name) makes \(rate) frames/s, \(speed.isLive ? "live" : "not live"): a step of \(speed.framesPerStep) "
                + "\(speed.framesPerStep == 1 ? "frame" : "frames") takes \(step); \(how)",
            advice: speed.isLive ? nil : "a live stream would drop frames: stop other programs, or drive it at a lower --fps")
    }
}

/// One line of the doctor's report.
struct Finding: Encodable {
    enum State: String, Encodable {
        case ok, note, bad

        var color: Terminal.Color {
            switch self {
            case .ok: .green
            case .note: .yellow
            case .bad: .red
            }
        }
    }

    var name: String
    var state: State
    var value: String
    var advice: String?

    init(_ name: String, _ state: State, _ value: String, advice: String? = nil) {
        (self.name, self.state, self.value, self.advice) = (name, state, value, advice)
    }

    func printLine() {
        let mark = Terminal.colored(state.rawValue, state.color, on: STDOUT_FILENO)
        print("\(mark)\(String(repeating: " ", count: 5 - state.rawValue.count))\(Terminal.oneLine("\(name): \(value)"))")
        if let advice { print("     → \(Terminal.oneLine(advice))") }
    }
}
