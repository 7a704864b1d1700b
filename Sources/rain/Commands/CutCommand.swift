import ArgumentParser
import Foundation
import RainAnimation
import RainMedia
import RainPictures
import RainPose

/// Cuts a picture into the layers that a layered model moves.
struct CutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cut",
        abstract: "Cuts a picture into layers, to look at or to correct by hand.",
        discussion: """
            A layered model cuts its reference by itself. Where the cut is wrong (a hat that stays behind, an ear that moves with the \
            background), write it to a folder, correct the PNG files in any paint program, and give the folder as the reference. A folder \
            of layers that were drawn as such is used alike; --sheet shows how they would be taken.

            A file belongs to the layer that its name says: background, back-hair, body, face, features or front-hair. Several files of one \
            layer lie over each other in the order of their names. Layers that are missing are empty.

            Example: rain cut --reference hero.png --output hero-layers
            Example: rain animate --reference hero-layers --driving motion.json --output out.mp4
            """)

    @Option(help: ArgumentHelp("A picture, or a folder of layers.", valueName: "picture"), completion: .file())
    var reference: String

    @Option(
        help: ArgumentHelp("Where the reference's face is: the first frame of a landmark file.", valueName: "file.json"),
        completion: .file())
    var referenceLandmarks: String?

    @Option(help: ArgumentHelp("A new folder for the layers.", valueName: "folder"), completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp("A picture of all layers side by side; an existing file is replaced.", valueName: "sheet.png"),
        completion: .file())
    var sheet: String?

    @OptionGroup var model: ModelOptions

    @OptionGroup var detection: DetectorOptions

    @OptionGroup var result: ResultOptions

    mutating func validate() throws {
        guard output != nil || sheet != nil || result.json else {
            throw ValidationError("--output, --sheet or --json: expected at least one of them")
        }
        if let sheet { try checkPicture(sheet, option: "--sheet") }
        var files = FileRoles(
            reading: [
                "--reference": reference, "--reference-landmarks": referenceLandmarks ?? ReferenceFace.landmarkFile(of: reference),
                "--detector": detection.detector,
            ], writing: ["--output": output, "--sheet": sheet])
        model.add(to: &files)
        try files.check()
    }

    func run() async throws {
        let animated = try model.load()
        let configuration = animated.configuration
        let cutter = try usage { try LayerCutter(configuration, engine: model.engine, parameters: animated.parameters) }
        let face = try await ReferenceFace(
            path: reference, landmarks: referenceLandmarks, size: configuration.imageSize, fit: nil,
            detectors: detection.choice(model: model.model, persons: false), drawn: { try DrawnFaces(animated, engine: model.engine) })
        let start = ContinuousClock.now
        let cut =
            switch face.art {
            case .layers(let given): given
            case .picture(let picture), .cut(let picture): try cutter.cut(picture, landmarks: face.landmarks)
            }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let distance = PictureMetrics.psnr(cut.picture, face.art.picture)
        if let output { try LayerFolder.write(cut, landmarks: face.landmarks, to: output) }
        if let sheet {
            let shown = cut.layers.map { LayerPicture.composite([LayerPicture(Picture.checkered($0.width)), $0]) }
            try PictureWriter.write(ContactSheet(rows: [.init(pictures: [face.art.picture] + shown)]).picture(), to: sheet)
        }
        let report = Report(
            coverage: Dictionary(
                uniqueKeysWithValues: CharacterLayer.allCases.map {
                    ($0.fileName, (cut.layers[$0.rawValue].coverage * 1000).rounded() / 1000)
                }),
            psnr: (min(distance, 100) * 100).rounded() / 100, seconds: (seconds * 1000).rounded() / 1000)
        if result.json {
            try Terminal.printJSON(report)
        } else {
            let parts = CharacterLayer.allCases.map { "\($0.fileName) \(Int((cut.layers[$0.rawValue].coverage * 100).rounded())) %" }
            Terminal.note(
                "\(output ?? sheet ?? reference): \(parts.joined(separator: ", ")); together \(report.psnr) dB from the picture, in \(report.seconds) s"
            )
        }
    }

    private struct Report: Encodable {
        /// Shares of the picture.
        var coverage: [String: Double]
        /// Of the layers over each other, against the picture, at most 100.
        var psnr: Double
        /// Of cutting alone.
        var seconds: Double
    }
}

extension Picture {
    /// What is seen through transparent layers.
    fileprivate static func checkered(_ side: Int) -> Picture {
        var picture = Picture(width: side, height: side)
        let square = max(1, side / 32)
        for row in 0..<side {
            for column in 0..<side {
                let shade: UInt8 = (row / square + column / square) % 2 == 0 ? 205 : 235
                for channel in 0..<3 { picture.bytes[(row * side + column) * 3 + channel] = shade }
            }
        }
        return picture
    }
}
