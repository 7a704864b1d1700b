import ArgumentParser
import Foundation
import RainAnimation
import RainFiles
import RainMedia
import RainPictures
import RainPose
import RainTraining
import RainWorld

/// Measures a model on characters it has never seen.
struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a model on characters it has never seen.",
        discussion: """
            Draws characters and motions from seeds that training never uses, streams them, and compares with the truth: PSNR \
            (dB, higher is better), SSIM (1 is best), edge ratio (how strong edges are where the truth has them, 1 is best) and \
            flicker (mean absolute error of the differences between neighbouring frames, 0 is best), beside two baselines: showing \
            the reference picture all the time, and the model's own auto-encoder given the truth, where it makes whole pictures. The spread \
            is the standard deviation over the characters; the mean of other characters like these lies in the interval (bootstrap). --json \
            has the figures of every character.

            With --pictures, measures pictures by other hands instead, of which no truth is known: whether each stays itself when \
            driven by its own landmarks, how sharp it is and how far its colours drift while it turns and talks, whether its lids \
            shut, and how its mouth follows, as the face tracker sees it.

            Example: rain evaluate --characters 20 --seed 1 --sheet sheet.png
            """)

    @OptionGroup var model: ModelOptions

    @Option(help: "How many characters, 1 to 1000.")
    var characters = 20

    @Option(help: "Which ones: 0 or a larger number below 2^40.")
    var seed: UInt64 = 0

    @Option(help: "Frames of each character's motion, 1 to 10000.")
    var frames = 48

    @Option(help: "Which characters: classic or wide; by default those that the model's family is trained on.")
    var world: World?

    @Option(
        help: ArgumentHelp("Pictures of faces by other hands: a folder of .png, .jpg and .webp files.", valueName: "folder"),
        completion: .directory)
    var pictures: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Cut references into layers, or bend them as a whole, by a layered model; by default characters are cut, pictures not.")
    var cut: Bool?

    @OptionGroup var result: ResultOptions

    @Option(
        help: ArgumentHelp(
            "Also draw what was measured: reference, pose, truth and output; an existing file is replaced.", valueName: "file.png"),
        completion: .file())
    var sheet: String?

    mutating func validate() throws {
        guard (1...1000).contains(characters) else { throw ValidationError("--characters: expected 1 to 1000, found \(characters)") }
        guard (1...10_000).contains(frames) else { throw ValidationError("--frames: expected 1 to 10000, found \(frames)") }
        if let sheet { try checkPicture(sheet, option: "--sheet") }
        var files = FileRoles(reading: [:], writing: ["--sheet": sheet])
        model.add(to: &files)
        try files.check()
        guard seed < EvaluationClip.seedCount else {
            throw ValidationError("--seed: expected less than \(EvaluationClip.seedCount), found \(seed)")
        }
    }

    func run() async throws {
        // Found out before the work, not after it.
        if let sheet { _ = try ReplacementFile(path: sheet) }
        let loading = LoadingLine()
        defer { loading.finish() }
        loading.begin("opening \(model.name)")
        let animated = try loading.counting(model.load())
        if let pictures { return try await measure(animated, pictures: pictures, loading) }
        var progress = ProgressLine("evaluating", unit: "characters", total: characters)
        let report = try usage {
            try Evaluation.run(
                parameters: animated.parameters, configuration: animated.configuration, engine: model.engine, characters: characters,
                seed: seed, frames: frames, world: world, schedule: model.schedule(animated.configuration), isCut: cut ?? true
            ) { done, _, _ in
                loading.finish()
                if done < characters { progress.update(done) }
                return true
            }
        }
        progress.finish(report.characters)
        if let sheet { try PictureWriter.write(report.sheet(), to: sheet) }
        if result.json {
            try Terminal.printJSON(report)
        } else {
            print(report.table)
        }
    }
}

extension EvaluateCommand {
    private static let endings: Set<String> = ["png", "jpg", "jpeg", "webp"]

    /// Measures the pictures of a folder.
    private func measure(_ animated: AnimationModel, pictures folder: String, _ loading: LoadingLine) async throws {
        let files = ((try? FileSystem.names(in: folder)) ?? []).filter { name in
            Self.endings.contains(URL(fileURLWithPath: name).pathExtension.lowercased())
        }
        guard !files.isEmpty else {
            throw ValidationError("--pictures: expected a folder with .png, .jpg or .webp files, found none in \(folder)")
        }
        let drawn = try DrawnFaces(animated, engine: model.engine)
        let detectors = Detectors(name: drawn == nil ? "mediapipe" : nil, model: nil)
        let detector = try drawn == nil ? detectors.open(for: folder) : detectors.openIfAny()
        func landmarks(of picture: Picture) async throws -> LandmarkFrame? {
            let roughly = try await detector?.detect(picture)?.face
            return try await drawn?.face(in: picture, near: roughly) ?? roughly
        }
        let evaluation = try usage {
            try DrawingEvaluation(
                model: animated, engine: model.engine, schedule: model.schedule(animated.configuration), isCut: cut ?? false)
        }
        var progress = ProgressLine("evaluating", unit: "pictures", total: files.count)
        var found: [DrawingEvaluation.Figures] = []
        var rows: [ContactSheet.Row] = []
        for (index, name) in files.enumerated() {
            let path = "\(folder)/\(name)"
            defer { loading.finish() }
            let picture = try PictureReader.read(path)
            guard let face = try await landmarks(of: picture) else {
                Terminal.note("\(path): found no face in it; left out")
                continue
            }
            let placement = ReferencePlacement(face: face, width: picture.width, height: picture.height)
            let (figures, samples) = try await evaluation(
                name, reference: placement.picture(picture), landmarks: placement.landmarks(face).allSeen
            ) { try await landmarks(of: $0) }
            found.append(figures)
            rows.append(ContactSheet.Row(label: String(name.prefix(16)), pictures: samples))
            progress.update(index + 1)
        }
        progress.finish(files.count)
        guard !found.isEmpty else { throw ValidationError("--pictures: found no face in any picture of \(folder)") }
        if let sheet { try PictureWriter.write(ContactSheet(rows: rows).picture(), to: sheet) }
        let report = PictureReport(perPicture: found)
        if result.json {
            try Terminal.printJSON(report)
        } else {
            print(report.table)
        }
    }
}

/// What was found of pictures by other hands; its JSON has the figures of each, and how they spread.
private struct PictureReport: Encodable {
    typealias Figures = DrawingEvaluation.Figures

    let perPicture: [Figures]
    private let spread: [String: Spread]

    enum CodingKeys: String, CodingKey {
        case spread
        case perPicture = "per_picture"
    }

    /// Title, key, digits.
    private static var columns: [(title: String, key: String, digits: Int, figure: (Figures) -> Double?)] {
        [
            ("still PSNR, dB", "still_psnr", 1, \.stillPSNR), ("SSIM", "still_ssim", 3, \.stillSSIM),
            ("sharpness", "sharpness", 2, \.sharpness), ("colours", "color_drift", 1, \.colorDrift),
            ("shut lids", "shut_lids", 2, \.shutLids), ("mouth", "mouth_correlation", 2, \.mouthCorrelation),
        ]
    }

    init(perPicture: [Figures]) {
        self.perPicture = perPicture
        spread = Self.columns.reduce(into: [:]) { spread, column in
            // Of the pictures in which there is a face.
            let values = perPicture.compactMap(column.figure)
            if !values.isEmpty { spread[column.key] = Spread(values) }
        }
    }

    var table: String {
        var rows = [["picture"] + Self.columns.map(\.title)]
        rows += perPicture.map { figures in
            [figures.name]
                + Self.columns.map { column in column.figure(figures).map { String(format: "%.\(column.digits)f", $0) } ?? "no face" }
        }
        if perPicture.count > 1 {
            let spreads = Self.columns.map { column in spread[column.key].map { ($0, column.digits) } }
            rows.append(["mean"] + spreads.map { $0.map { String(format: "%.\($1)f", $0.mean) } ?? "" })
            for (index, name) in ["spread", "95 % interval"].enumerated() {
                rows.append([name] + spreads.map { $0.map { $0.columns($1)[index] } ?? "" })
            }
        }
        return Terminal.table(rows, rightAligned: [1, 2, 3, 4, 5, 6])
    }
}

extension EvaluationReport {
    /// The figures, how they spread over the characters, and their baselines, for people.
    var table: String {
        func row(_ name: String, _ digits: Int, _ figure: (Figures) -> Double, _ baselines: (Figures) -> [Double?]) -> [String] {
            let spread = spread(figure)
            return [name, number(spread?.mean, digits)] + (spread?.columns(digits) ?? ["", ""]) + baselines(mean).map { number($0, digits) }
        }
        let rows = [
            ["", "model", "spread", "95 % interval", "reference repeated", "auto-encoder"],
            row("PSNR, dB", 2, \.psnr) { [$0.psnrReferenceRepeated, $0.psnrReconstruction] },
            row("SSIM", 3, \.ssim) { [$0.ssimReferenceRepeated, nil] },
            row("edge ratio", 2, \.edgeRatio) { _ in [nil, nil] },
            row("flicker", 2, \.flicker) { [nil, $0.flickerReconstruction] },
        ]
        return Terminal.table(rows, rightAligned: [1, 2, 3, 4, 5])
            + "\n\(characters) characters of \(frames) frames, seed \(seed); streamed at \(number(framesPerSecond, 1)) frames/s"
    }

    private func number(_ value: Double?, _ digits: Int) -> String { value.map { String(format: "%.\(digits)f", $0) } ?? "" }
}

extension Spread {
    /// For tables: how far characters lie apart, and between what the mean lies; empty of one alone.
    fileprivate func columns(_ digits: Int) -> [String] {
        func number(_ value: Double) -> String { String(format: "%.\(digits)f", value) }
        return [
            deviation.map { "± \(number($0))" } ?? "", interval.map { "\(number($0.lowerBound)) to \(number($0.upperBound))" } ?? "",
        ]
    }
}
