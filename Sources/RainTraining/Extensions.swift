import Foundation
import RainAnimation
import RainFiles
import RainGraph
import RainModels
import RainPictures
import RainPose

extension TrainableExecutable {
    /// The mean loss of a few steps without updates, of inputs that are always the same: what changes is what was learnt.
    ///
    /// - Parameter write: writes the inputs of the n-th step
    func heldOutLoss(_ write: (Int) throws -> Void) throws -> Float {
        var sum: Float = 0
        for step in 0..<Self.heldOutSteps {
            try write(step)
            try run(.step)
            sum += try read("loss") { $0[0] }
        }
        return sum / Float(Self.heldOutSteps)
    }

    static var heldOutSteps: Int { 4 }

    /// The averaged parameters by name.
    func averages() -> [String: [Float]] {
        let values = state(.average)
        var named: [String: [Float]] = [:]
        var next = 0
        for (name, shape) in program.graph.trainedParameters {
            named[name] = Array(values[next..<(next + shape.count)])
            next += shape.count
        }
        return named
    }
}

/// What `Executable.load` asks for, out of trained parameters by name.
///
/// - Throws: when asked for one that is missing: `TrainingError` naming it
func trained(_ parameters: [String: [Float]]) -> @Sendable (_ name: String, _ shape: Shape) throws -> [Float] {
    { name, _ in
        guard let values = parameters[name] else { throw TrainingError("\(name): not among the trained parameters") }
        return values
    }
}

extension Picture {
    /// Square pictures from `[n, size, size, 3]` of about 0…1; values outside are clamped.
    static func pictures(_ values: [Float], size: Int) -> [Picture] {
        let count = size * size * 3
        return stride(from: 0, to: values.count, by: count).map { start in
            Picture(width: size, height: size, bytes: values[start..<(start + count)].map { UInt8((min(max($0, 0), 1) * 255).rounded()) })
        }
    }
}

extension ModelConfiguration {
    var posePainter: PosePainter {
        PosePainter(
            width: posePicture.size, height: posePicture.size, radius: posePicture.discRadius, bodyRadius: posePicture.bodyDiscRadius)
    }
}

extension TrainingRun {
    /// Writes a contact sheet as `<name>.png`.
    func write(_ sheet: ContactSheet, _ name: String) throws {
        try sheet.picture().writePNG(to: URL(filePath: path(name + ".png")))
    }

    /// Adds a line to `notes.txt` and to the report.
    func note(_ line: String) throws {
        let file = path("notes.txt")
        let old = (try? FileSystem.read(file)) ?? []
        try ReplacementFile.write(old + (line + "\n").utf8, to: file)
        say(line)
    }
}
