import Foundation
import RainCheckpoints
import RainFiles
import RainGraph
import RainModels

/// A tensor of a reference case, widened to float32, in the layout of the file.
struct CaseTensor {
    var shape: [Int]
    var values: [Float]

    /// `[b, c, f, h, w]` or `[b, c, h, w]` → `[b · f, h, w, c]`
    func channelsLast() throws(ModelError) -> (shape: Shape, values: [Float]) {
        guard shape.count == 5 || shape.count == 4 else {
            throw ModelError(.verification, at: "layout", "expected [b, c, f, h, w] or [b, c, h, w], found \(shape)")
        }
        let (b, c, f) = (shape[0], shape[1], shape.count == 5 ? shape[2] : 1)
        let pixels = shape[shape.count - 2] * shape[shape.count - 1]
        var result = [Float](repeating: 0, count: values.count)
        var next = 0
        for batch in 0..<b {
            for frame in 0..<f {
                for pixel in 0..<pixels {
                    for channel in 0..<c {
                        result[next] = values[((batch * c + channel) * f + frame) * pixels + pixel]
                        next += 1
                    }
                }
            }
        }
        return ([b * f, shape[shape.count - 2], shape[shape.count - 1], c], result)
    }

    /// `[b · f, h, w, c]` → `[b, c, f', h, w]` of the chosen frames
    static func channelsFirst(_ values: [Float], _ shape: Shape, batch: Int, frames chosen: [Int]? = nil) -> [Float] {
        let (f, pixels, c) = (shape[0] / batch, shape[1] * shape[2], shape[3])
        let frames = chosen ?? Array(0..<f)
        var result: [Float] = []
        result.reserveCapacity(batch * c * frames.count * pixels)
        for b in 0..<batch {
            for channel in 0..<c {
                for frame in frames {
                    for pixel in 0..<pixels { result.append(values[((b * f + frame) * pixels + pixel) * c + channel]) }
                }
            }
        }
        return result
    }

    /// Pictures `[f, h, w, c]` of bytes as 0…1.
    func unitRange() -> CaseTensor { CaseTensor(shape: shape, values: values.map { $0 / 255 }) }

    /// A part of the outermost axis.
    func rows(_ rows: [Int]) throws(ModelError) -> CaseTensor {
        let size = shape.dropFirst().reduce(1, *)
        guard rows.allSatisfy({ (0..<(shape.first ?? 0)).contains($0) }) else {
            throw ModelError(.verification, at: "index", "expected indices below \(shape.first ?? 0), found \(rows.prefix(16))")
        }
        return CaseTensor(shape: [rows.count] + shape.dropFirst(), values: rows.flatMap { values[$0 * size..<($0 + 1) * size] })
    }
}

/// A reference case: `CASE.json` with its `CASE.safetensors`, and the cases its weights come from.
struct ReferenceCase {
    let name: String
    let path: String
    let file: Checkpoint
    private let json: Data
    private let weightsFrom: [String: String]

    private struct Header: Decodable {
        let `case`: String
        let weightsFrom: [String: String]?
    }

    private struct Body<Configuration: Decodable>: Decodable { let config: Configuration }

    private static let largestFile = 16 << 20

    init(path: String) throws {
        guard path.hasSuffix(".json") else {
            throw ModelError(
                .verification, at: path, "expected the .json file of a reference case; its .safetensors is read from beside it")
        }
        self.path = path
        do {
            json = Data(try FileSystem.read(path, upTo: Self.largestFile + 1))
        } catch {
            throw ModelError(.verification, at: path, "cannot be read: \(error.found)")
        }
        guard json.count <= Self.largestFile else {
            throw ModelError(.verification, at: path, "expected a reference case, found more than \(Self.largestFile) bytes")
        }
        let header = try Self.decode(Header.self, json, path: path, snakeCase: true)
        name = header.case
        weightsFrom = header.weightsFrom ?? [:]
        file = try Checkpoint(path: String(path.dropLast(5)) + ".safetensors")
    }

    /// The `config` of the case, as a type that spells its keys.
    func configuration<C: Decodable>(_ type: C.Type) throws -> C { try Self.decode(Body<C>.self, json, path: path).config }

    /// The `config` of the case, as a type whose properties are the keys in camel case.
    func form<C: Decodable>(_ type: C.Type) throws -> C { try Self.decode(Body<C>.self, json, path: path, snakeCase: true).config }

    private static func decode<T: Decodable>(_ type: T.Type, _ data: Data, path: String, snakeCase: Bool = false) throws -> T {
        let decoder = JSONDecoder()
        // As the file spells them.
        func field(_ keys: [any CodingKey]) -> String {
            keys.map(\.stringValue).joined(separator: ".").reduce(into: "") { name, character in
                name += snakeCase && character.isUppercase ? "_" + character.lowercased() : String(character)
            }
        }
        if snakeCase { decoder.keyDecodingStrategy = .convertFromSnakeCase }
        do {
            return try decoder.decode(type, from: data)
        } catch let error as ModelError {
            throw ModelError(error.code, at: "\(path): \(error.place)", error.message)
        } catch DecodingError.keyNotFound(let key, let context) {
            throw ModelError(.verification, at: path, "expected a field '\(field(context.codingPath + [key]))', found none")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw ModelError(.verification, at: path, "field '\(field(context.codingPath))': \(context.debugDescription)")
        } catch {
            throw ModelError(.verification, at: path, "is no reference case: expected JSON with case and config")
        }
    }

    /// The case that plays a role (`unet`, `pose_guider`, …) for this one; itself if nobody else does.
    func source(_ role: String) throws -> ReferenceCase {
        guard let other = weightsFrom[role] ?? weightsFrom[""] else { return self }
        return try ReferenceCase(path: file(beside: other + ".json", named: "weights_from"))
    }

    /// The path of a file beside this one.
    ///
    /// - Parameters:
    ///   - name: a name, never a path: it comes from outside
    ///   - field: where it stands
    /// - Throws: `ModelError.verification` for anything else than a name
    func file(beside name: String, named field: String = "files") throws -> String {
        guard !name.isEmpty, !name.contains("/"), !name.hasPrefix("."), !name.utf8.contains(0) else {
            throw ModelError(
                .verification, at: path, "\(field) names '\(name.prefix(80))', expected the name of a file beside this one")
        }
        return (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + name
    }

    var weights: ParameterSource { ParameterSource([file], prefix: "weights/") }

    var takesWeightsFromOthers: Bool { !weightsFrom.isEmpty }

    func has(_ name: String) -> Bool { file.contains(name) }

    /// Names of the outputs, without `outputs/`.
    var outputs: [String] { file.names.compactMap { $0.hasPrefix("outputs/") ? String($0.dropFirst(8)) : nil } }

    /// Reads a tensor of any type.
    func tensor(_ name: String) throws -> CaseTensor {
        let info = try file.info(name)
        guard !info.shape.contains(0) else {
            throw ModelError(.verification, at: "\(path): \(name)", "expected a tensor with elements, found shape \(info.shape)")
        }
        let values = try info.dtype.isFloatingPoint ? file.floats(name) : file.integers(name).map { Float($0) }
        return CaseTensor(shape: info.shape, values: values)
    }

    func input(_ name: String) throws -> CaseTensor { try tensor("inputs/" + name) }

    /// Timesteps and indices, in groups along the innermost axis of a tensor `[n, size]`.
    func rows(_ name: String, of size: Int? = nil) throws -> [[Int]] {
        let info = try file.info(name)
        guard info.shape.count == 2, let last = info.shape.last, last > 0, size == nil || last == size else {
            throw ModelError(
                .verification, at: "\(path): \(name)", "expected shape [n, \(size.map(String.init) ?? "m")], found \(info.shape)")
        }
        let values = try file.integers(name).map { Int($0) }
        return stride(from: 0, to: values.count, by: last).map { Array(values[$0..<$0 + last]) }
    }
}
