import Foundation
import RainAnimation
import RainCheckpoints
import RainDetection
import RainFiles
import RainGraph
import RainMedia

extension Doctor {
    /// What is to be said of a model's folder or file.
    ///
    /// - Throws: when interrupted
    static func findings(of path: String) throws -> [Finding] {
        Interrupt.install()
        let survey = ModelSurvey(path: path)
        var progress = ProgressLine(
            "reading", unit: "MB", total: survey.parts.reduce(0) { $0 + ($1.file?.fileByteCount ?? 0) } / 1_000_000)
        var done = 0
        var findings: [Finding] = []
        for part in survey.parts {
            findings.append(
                try finding(of: part) { bytes in
                    try Interrupt.check()
                    done += bytes
                    progress.update(done / 1_000_000)
                })
        }
        Terminal.eraseLine()
        if let problem = survey.problem {
            findings.append(Finding("model", .bad, problem, advice: "Docs/ModelFormat.md says what belongs there"))
        }
        guard let configuration = survey.configuration else { return findings }
        let parameters = try ModelPrograms(configuration).parameters().reduce(0) { $0 + $1.shape.count }
        let size = "\(configuration.imageSize)×\(configuration.imageSize)"
        let (memory, needed) = (Machine().memoryBytes, 4 * parameters)
        findings.append(
            Finding(
                "model", needed < memory ? .ok : .note,
                "\(configuration.name), \(size), window \(configuration.window.framesPerGroup)x\(configuration.window.levels), "
                    + String(format: "%.1f million parameters", Double(parameters) / 1e6),
                advice: needed < memory
                    ? nil : "its weights take \(Terminal.bytes(needed)) of \(Terminal.bytes(memory)): expect it to be slow, or to fail"))
        if configuration.posePicture.style == .person { findings += detectors(of: path) }
        do {
            // A large model would take minutes to load; that of a small one is seconds.
            let isLarge = parameters > 100_000_000
            let speed =
                try isLarge
                ? estimated(configuration)
                : StreamSpeed.measured { try AnimationModel(path: path) }
            findings.append(stream(configuration.name, speed))
        } catch {
            findings.append(Finding("stream", .bad, "\(error)", advice: "use another model"))
        }
        return findings
    }

    private static func estimated(_ configuration: ModelConfiguration) throws -> StreamSpeed {
        var progress: ProgressLine?
        defer { Terminal.eraseLine() }
        return try StreamSpeed.estimated(configuration, engine: Engines.best()) { done, total in
            try Interrupt.check()
            var line = progress ?? ProgressLine("timing", unit: "kinds of operations", total: total)
            line.update(done)
            progress = line
        }
    }

    /// Reads a part to its end.
    ///
    /// - Parameter read: told of bytes that were read
    private static func finding(of part: ModelSurvey.Part, read: (Int) throws -> Void) throws -> Finding {
        let name = part.title.hasPrefix("the ") ? String(part.title.dropFirst(4)) : part.title
        let advice = part.origin.map { "take it from \($0)" }
        guard let file = part.file, part.problem == nil else {
            // What is wrong with a published file often says by itself where the right one is.
            let isSaid = part.problem.map { problem in part.origin.map { problem.contains($0) } ?? false } ?? false
            return Finding(name, .bad, part.problem ?? "cannot be read", advice: isSaid ? nil : advice)
        }
        let checksum = Checksum()
        let piece = 16 << 20
        for start in stride(from: 0, to: file.fileByteCount, by: piece) {
            let range = start..<min(start + piece, file.fileByteCount)
            file.withFileBytes(range) { checksum.update($0) }
            try read(range.count)
        }
        let found = checksum.finish()
        do {
            try file.requireFinite()
        } catch {
            return Finding(name, .bad, "\(error)", advice: advice ?? "make it again")
        }
        file.release(0..<file.fileByteCount)
        let value = "\(file.path): \(file.names.count) tensors, \(Terminal.bytes(file.fileByteCount)), SHA-256 \(found)"
        switch PublishedChecksums.sha256(of: file.path) {
        case found: return Finding(name, .ok, value + ", as published")
        case let known?:
            return Finding(
                name, .note, value,
                advice: "the published file has \(known.prefix(12))…; this one fits, so leave it if it is meant to be another")
        case nil: return Finding(name, .ok, value + (advice == nil ? "" : ", to be compared with that shown at \(part.origin ?? "")"))
        }
    }

    /// The networks by which pictures drive a model of whole persons.
    private static func detectors(of path: String) -> [Finding] {
        do {
            let files = try DetectorFiles(model: path)
            _ = try LandmarkDetector(files, engine: Engines.best())
            return try [files.detector, files.estimator].map { file in
                let bytes = try FileSystem.mapped(file)
                let found = Checksum.sha256(bytes.bytes)
                let value = "\(file), SHA-256 \(found)"
                guard let known = PublishedChecksums.sha256(of: file), known != found else {
                    return Finding("landmark detector", .ok, value + (PublishedChecksums.sha256(of: file) == found ? ", as published" : ""))
                }
                return Finding("landmark detector", .note, value, advice: "the published file has \(known.prefix(12))…")
            }
        } catch {
            return [
                Finding(
                    "landmark detector", .note, "\(error)", advice: "without it landmark files drive; pictures, videos and cameras do not")
            ]
        }
    }
}
