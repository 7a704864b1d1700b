public import RainPictures
import RainPose

/// What an evaluation found; its JSON has one number per property, in snake case.
///
/// All figures are means over characters and frames. PSNR in decibels is taken picture by picture, SSIM and edge ratio too; flicker is
/// `PictureMetrics.flicker` of each clip. Two baselines stand beside the model: showing the reference picture all the time, and the
/// auto-encoder's reconstruction of the truth, which no latents can surpass by much.
public struct EvaluationReport: Sendable {
    public private(set) var psnr = 0.0
    public private(set) var ssim = 0.0
    public private(set) var flicker = 0.0
    public private(set) var psnrReferenceRepeated = 0.0
    public private(set) var ssimReferenceRepeated = 0.0
    /// `nil` for a model that does not make whole pictures of latents.
    public private(set) var psnrReconstruction: Double?
    public private(set) var flickerReconstruction: Double?
    /// How sharp pictures are where the truth has edges, 1 as sharp as it.
    public private(set) var edgeRatio = 0.0
    public private(set) var characters = 0
    /// Of each character.
    public let frames: Int
    public let seed: UInt64
    /// Of streaming alone: landmarks in, pictures out.
    public internal(set) var framesPerSecond = 0.0
    /// Some frames of the first characters, to be looked at.
    public private(set) var samples: [Sample] = []

    /// One frame and what belongs to it.
    public struct Sample: Sendable {
        public let character: Int
        public let frame: Int
        public let reference: Picture
        public let pose: Picture
        public let truth: Picture
        public let output: Picture
    }

    /// Characters of which samples are kept.
    private static let sampledCharacters = 20
    /// Equal pictures have an infinite ratio, which no mean survives.
    private static let highestRatio = 100.0

    init(frames: Int, seed: UInt64) { (self.frames, self.seed) = (frames, seed) }

    /// Takes a character's clip into the means.
    mutating func add(_ clip: EvaluationClip, output: [Picture], reconstruction: [Picture]?) throws {
        func ratio(_ a: Picture, _ b: Picture) -> Double { min(PictureMetrics.psnr(a, b), Self.highestRatio) }
        func add(_ value: Double, to mean: WritableKeyPath<EvaluationReport, Double>) {
            self[keyPath: mean] += (value - self[keyPath: mean]) / Double(characters)
        }
        func mean(_ figure: (Int) -> Double) -> Double { clip.truth.indices.reduce(0) { $0 + figure($1) } / Double(frames) }
        characters += 1
        add(mean { ratio(output[$0], clip.truth[$0]) }, to: \.psnr)
        add(mean { PictureMetrics.ssim(output[$0], clip.truth[$0]) }, to: \.ssim)
        add(mean { ratio(clip.reference, clip.truth[$0]) }, to: \.psnrReferenceRepeated)
        add(mean { PictureMetrics.ssim(clip.reference, clip.truth[$0]) }, to: \.ssimReferenceRepeated)
        add(mean { PictureMetrics.edgeRatio(output[$0], truth: clip.truth[$0]) ?? 1 }, to: \.edgeRatio)
        add(PictureMetrics.flicker(output, truth: clip.truth), to: \.flicker)
        if let reconstruction {
            func add(_ value: Double, to mean: WritableKeyPath<EvaluationReport, Double?>) {
                let old = self[keyPath: mean] ?? 0
                self[keyPath: mean] = old + (value - old) / Double(characters)
            }
            add(mean { ratio(reconstruction[$0], clip.truth[$0]) }, to: \.psnrReconstruction)
            add(PictureMetrics.flicker(reconstruction, truth: clip.truth), to: \.flickerReconstruction)
        }
        keepSamples(clip, output)
    }

    private mutating func keepSamples(_ clip: EvaluationClip, _ output: [Picture]) {
        let character = samples.count / 2
        guard character < Self.sampledCharacters else { return }
        let painter = PosePainter(width: clip.reference.width, height: clip.reference.height)
        for frame in [frames / 3, 2 * frames / 3] {
            samples.append(
                Sample(
                    character: character, frame: frame, reference: clip.reference, pose: painter.picture(clip.driving[frame]),
                    truth: clip.truth[frame], output: output[frame]))
        }
    }

    /// The samples as a contact sheet: below each other reference, pose, truth and output; five characters, two frames each, side by side.
    ///
    /// - Throws: `PictureError` if the pictures are too large for a sheet
    public func sheet() throws -> Picture {
        var rows: [ContactSheet.Row] = []
        for start in stride(from: 0, to: samples.count, by: 10) {
            let part = samples[start..<min(start + 10, samples.count)]
            for (label, picture) in [("reference", \Sample.reference), ("pose", \.pose), ("truth", \.truth), ("output", \.output)] {
                rows.append(ContactSheet.Row(label: label, pictures: part.map { $0[keyPath: picture] }))
            }
        }
        return try ContactSheet(rows: rows).picture()
    }
}

extension EvaluationReport: Codable {
    enum CodingKeys: String, CodingKey {
        case psnr, ssim, flicker
        case psnrReferenceRepeated = "psnr_reference_repeated"
        case ssimReferenceRepeated = "ssim_reference_repeated"
        case edgeRatio = "edge_ratio"
        case psnrReconstruction = "psnr_reconstruction"
        case flickerReconstruction = "flicker_reconstruction"
        case characters, frames, seed
        case framesPerSecond = "frames_per_second"
    }
}
