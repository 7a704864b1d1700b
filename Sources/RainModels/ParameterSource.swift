public import RainCheckpoints
public import RainGraph

/// Parameters of a model out of checkpoint files of any format, for `Executable.load`: halves reach an engine as they are stored.
///
/// By default every tensor must be used and every parameter filled, with equal shapes and finite values: a checkpoint that
/// only nearly fits is the wrong one.
public struct ParameterSource: Sendable {
    /// The files, in the order in which they were given.
    public let files: [Checkpoint]
    /// Where each parameter lies: without the prefix → file and full name.
    private let places: [String: (file: Int, name: String)]

    /// What every error about these files names.
    public var description: String { files.map(\.path).joined(separator: ", ") }

    /// - Parameters:
    ///   - files: shards of one checkpoint; later ones win
    ///   - prefix: only tensors whose names begin so are taken, without it; e.g. `weights/`
    public init(_ files: [Checkpoint], prefix: String = "") {
        var places: [String: (Int, String)] = [:]
        for (index, file) in files.enumerated() {
            for name in file.names where name.hasPrefix(prefix) { places[String(name.dropFirst(prefix.count))] = (index, name) }
        }
        self.files = files
        self.places = places
    }

    /// - Throws: `CheckpointError`
    public init(path: String, prefix: String = "") throws { self.init([try Checkpoint(path: path)], prefix: prefix) }

    /// Names without the prefix, sorted.
    public var names: [String] { places.keys.sorted() }

    public func contains(_ name: String) -> Bool { places[name] != nil }

    /// The same files, seen through a longer prefix.
    public func scoped(_ prefix: String) -> ParameterSource {
        ParameterSource(
            files: files,
            places: places.reduce(into: [:]) { places, place in
                if place.key.hasPrefix(prefix) { places[String(place.key.dropFirst(prefix.count))] = place.value }
            })
    }

    /// The same files under other names, such as those of an older version of the model.
    ///
    /// - Parameter rename: gives the name here for the name there, and nothing for a tensor that is left out; where two become one, the
    ///   one already so named wins
    public func renamed(_ rename: (String) -> String?) -> ParameterSource {
        ParameterSource(
            files: files,
            places: places.reduce(into: [:]) { places, place in
                guard let name = rename(place.key) else { return }
                if name == place.key || self.places[name] == nil { places[name] = place.value }
            })
    }

    /// Several sources as one, each behind a prefix.
    public init(joining parts: [(prefix: String, source: ParameterSource)]) {
        var places: [String: (file: Int, name: String)] = [:]
        var offset = 0
        for (prefix, source) in parts {
            for (name, place) in source.places { places[prefix + name] = (place.file + offset, place.name) }
            offset += source.files.count
        }
        self.init(files: parts.flatMap(\.source.files), places: places)
    }

    /// The file of a tensor and its name there; `nil` if there is none of that name.
    public func place(of name: String) -> (file: Checkpoint, name: String)? {
        places[name].map { (files[$0.file], $0.name) }
    }

    /// The shape a tensor has in its file; `nil` if there is none of that name.
    public func shape(_ name: String) throws -> [Int]? { try places[name].map { try files[$0.file].info($0.name).shape } }

    private init(files: [Checkpoint], places: [String: (file: Int, name: String)]) {
        self.files = files
        self.places = places
    }

    /// Checks names and shapes without reading any values.
    ///
    /// - Parameters:
    ///   - parameters: what the model needs: `Graph.parameters`
    ///   - ignoring: tensors that may be there although this model does not need them, such as those of the other half of a
    ///     checkpoint, or of layers after the last bank of a reference network
    /// - Throws: `ModelError.checkpoint` naming everything missing, surplus or of the wrong shape at once
    public func check(_ parameters: [(name: String, shape: Shape)], ignoring: (String) -> Bool = { _ in false }) throws {
        var missing: [String] = []
        var misshapen: [String] = []
        var needed: Set<String> = []
        for parameter in parameters {
            needed.insert(parameter.name)
            guard let place = places[parameter.name] else {
                missing.append(parameter.name)
                continue
            }
            let info = try files[place.file].info(place.name)
            if info.shape != parameter.shape.dimensions {
                misshapen.append("\(parameter.name) \(info.shape) instead of \(parameter.shape)")
            }
        }
        let surplus = names.filter { !needed.contains($0) && !ignoring($0) }
        var problems: [String] = []
        if !missing.isEmpty { problems.append("\(missing.count) missing: \(Self.list(missing))") }
        if !misshapen.isEmpty { problems.append("\(misshapen.count) of the wrong shape: \(Self.list(misshapen))") }
        if !surplus.isEmpty { problems.append("\(surplus.count) surplus: \(Self.list(surplus))") }
        guard problems.isEmpty else {
            throw ModelError(
                .checkpoint, at: description,
                "expected the \(parameters.count) tensors of the model; " + problems.joined(separator: "; ")
                    + "; check that checkpoint and configuration belong together")
        }
    }

    /// One parameter's elements, row-major, as floats.
    ///
    /// - Throws: as `withTensor`
    public func callAsFunction(_ name: String, _ shape: Shape) throws -> [Float] { try floats(name, shape) }

    /// The first hundred; a wrong checkpoint has thousands.
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(100).joined(separator: ", ")
        return names.count > 100 ? shown + ", … (\(names.count - 100) more)" : shown
    }
}

extension ParameterSource: TensorSource {
    /// - Throws: `CheckpointError` if it is missing, of another shape, no floating-point tensor, or not finite
    public func withTensor<Result>(
        _ name: String, _ shape: Shape, _ body: (Element, RawSpan) throws -> Result
    ) throws -> Result {
        guard let place = places[name] else {
            throw ModelError(
                .checkpoint, at: description,
                "expected a tensor '\(name)' of shape \(shape), found none; check that checkpoint and configuration belong together")
        }
        let file = files[place.file]
        // What has been read is not needed again until the next load.
        defer { file.release(place.name) }
        try file.requireFinite(place.name)
        let info = try file.info(place.name)
        guard info.shape == shape.dimensions, let element = Element(info.dtype) else {
            let floats = try file.floats(place.name, shape: shape.dimensions)
            return try unsafe body(.float32, floats.span.bytes)
        }
        return try file.withBytes(place.name) { try body(element, $0) }
    }
}

extension Element {
    /// That of engines, for what they take as it is stored.
    fileprivate init?(_ stored: ElementType) {
        switch stored {
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        default: return nil
        }
    }
}
