public import RainPictures
import RainPose

/// What an evaluation found; its JSON has one number per figure, in snake case, how each spreads over the characters, and the figures of each.
///
/// All figures are means over frames, and then over characters. PSNR in decibels is taken picture by picture, SSIM and edge ratio too;
/// flicker is `PictureMetrics.flicker` of each clip. Two baselines stand beside the model: showing the reference picture all the time, and
/// the auto-encoder's reconstruction of the truth, which no latents can surpass by much.
public struct EvaluationReport: Sendable {
    /// What was found of one character, or in the mean.
    public struct Figures: Sendable, Equatable {
        public fileprivate(set) var psnr = 0.0
        public fileprivate(set) var ssim = 0.0
        /// How sharp pictures are where the truth has edges, 1 as sharp as it.
        public fileprivate(set) var edgeRatio = 0.0
        public fileprivate(set) var flicker = 0.0
        public fileprivate(set) var psnrReferenceRepeated = 0.0
        public fileprivate(set) var ssimReferenceRepeated = 0.0
        /// `nil` for a model that does not make whole pictures of latents.
        public fileprivate(set) var psnrReconstruction: Double?
        public fileprivate(set) var flickerReconstruction: Double?
    }

    /// In the order in which they were drawn.
    public private(set) var perCharacter: [Figures] = []
    public var characters: Int { perCharacter.count }
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

    /// Takes in a character's clip.
    mutating func add(_ clip: EvaluationClip, output: [Picture], reconstruction: [Picture]?) throws {
        func ratio(_ a: Picture, _ b: Picture) -> Double { min(PictureMetrics.psnr(a, b), Self.highestRatio) }
        func mean(_ figure: (Int) -> Double) -> Double { clip.truth.indices.reduce(0) { $0 + figure($1) } / Double(frames) }
        var figures = Figures()
        figures.psnr = mean { ratio(output[$0], clip.truth[$0]) }
        figures.ssim = mean { PictureMetrics.ssim(output[$0], clip.truth[$0]) }
        figures.psnrReferenceRepeated = mean { ratio(clip.reference, clip.truth[$0]) }
        figures.ssimReferenceRepeated = mean { PictureMetrics.ssim(clip.reference, clip.truth[$0]) }
        figures.edgeRatio = mean { PictureMetrics.edgeRatio(output[$0], truth: clip.truth[$0]) ?? 1 }
        figures.flicker = PictureMetrics.flicker(output, truth: clip.truth)
        if let reconstruction {
            figures.psnrReconstruction = mean { ratio(reconstruction[$0], clip.truth[$0]) }
            figures.flickerReconstruction = PictureMetrics.flicker(reconstruction, truth: clip.truth)
        }
        perCharacter.append(figures)
        keepSamples(clip, output)
    }

    /// How a figure spreads over the characters; `nil` where it is not known of all of them.
    public func spread(_ figure: (Figures) -> Double?) -> Spread? {
        let values = perCharacter.compactMap(figure)
        return values.isEmpty || values.count < perCharacter.count ? nil : Spread(values)
    }

    /// All figures in the mean over the characters.
    public var mean: Figures {
        func mean(_ figure: (Figures) -> Double?) -> Double? {
            let values = perCharacter.compactMap(figure)
            return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        return Figures(
            psnr: mean(\.psnr) ?? 0, ssim: mean(\.ssim) ?? 0, edgeRatio: mean(\.edgeRatio) ?? 0, flicker: mean(\.flicker) ?? 0,
            psnrReferenceRepeated: mean(\.psnrReferenceRepeated) ?? 0, ssimReferenceRepeated: mean(\.ssimReferenceRepeated) ?? 0,
            psnrReconstruction: mean(\.psnrReconstruction), flickerReconstruction: mean(\.flickerReconstruction))
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

extension EvaluationReport.Figures: Encodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case psnr, ssim, flicker
        case edgeRatio = "edge_ratio"
        case psnrReferenceRepeated = "psnr_reference_repeated"
        case ssimReferenceRepeated = "ssim_reference_repeated"
        case psnrReconstruction = "psnr_reconstruction"
        case flickerReconstruction = "flicker_reconstruction"
    }

    fileprivate subscript(key: CodingKeys) -> Double? {
        switch key {
        case .psnr: psnr
        case .ssim: ssim
        case .flicker: flicker
        case .edgeRatio: edgeRatio
        case .psnrReferenceRepeated: psnrReferenceRepeated
        case .ssimReferenceRepeated: ssimReferenceRepeated
        case .psnrReconstruction: psnrReconstruction
        case .flickerReconstruction: flickerReconstruction
        }
    }
}

extension EvaluationReport: Encodable {
    enum CodingKeys: String, CodingKey {
        case characters, frames, seed, spread
        case perCharacter = "per_character"
        case framesPerSecond = "frames_per_second"
    }

    public func encode(to encoder: any Encoder) throws {
        try mean.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(characters, forKey: .characters)
        try values.encode(frames, forKey: .frames)
        try values.encode(seed, forKey: .seed)
        try values.encode(framesPerSecond, forKey: .framesPerSecond)
        try values.encode(perCharacter, forKey: .perCharacter)
        var spreads = values.nestedContainer(keyedBy: Figures.CodingKeys.self, forKey: .spread)
        for key in Figures.CodingKeys.allCases {
            try spreads.encodeIfPresent(spread { $0[key] }, forKey: key)
        }
    }
}
