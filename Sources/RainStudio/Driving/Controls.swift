import RainWorld

/// Some of a puppet's controls: what one message of a driver sets. The others are left to the character's own idling.
struct Controls: Hashable, Sendable {
    /// The places of `values`, in the order of the protocol.
    enum Field: Int, CaseIterable, Sendable {
        case yaw, pitch, roll, shiftX, shiftY, leftEye, rightEye, gazeX, gazeY, brow, mouthOpen, mouthWidth, lean

        var name: String { "\(self)" }

        /// What the procedural world draws; the ranges of `CharacterPose`.
        var range: ClosedRange<Float> {
            switch self {
            case .yaw: -0.6...0.6
            case .pitch: -0.35...0.35
            case .roll: -0.3...0.3
            case .shiftX: -10...10
            case .shiftY: -6...6
            case .leftEye, .rightEye, .mouthOpen: 0...1
            case .gazeX, .gazeY, .brow, .mouthWidth, .lean: -1...1
            }
        }

        /// What the procedural world calls it.
        var part: WritableKeyPath<CharacterPose, Double> {
            switch self {
            case .yaw: \.yaw
            case .pitch: \.pitch
            case .roll: \.roll
            case .shiftX: \.shiftX
            case .shiftY: \.shiftY
            case .leftEye: \.leftEye
            case .rightEye: \.rightEye
            case .gazeX: \.gazeX
            case .gazeY: \.gazeY
            case .brow: \.brow
            case .mouthOpen: \.mouthOpen
            case .mouthWidth: \.mouthWidth
            case .lean: \.lean
            }
        }
    }

    /// By `Field`; the rest is not used.
    private(set) var values = SIMD16<Float>.zero
    /// One bit per field that is set.
    private(set) var mask: UInt16 = 0

    static let allFields = UInt16((1 << Field.allCases.count) - 1)

    init() {}

    /// - Returns: nil if a value that counts is not finite, or a bit is set that means nothing
    init?(values: SIMD16<Float>, mask: UInt16) {
        guard mask & ~Self.allFields == 0 else { return nil }
        for field in Field.allCases where mask & 1 << UInt16(field.rawValue) != 0 {
            let value = values[field.rawValue]
            guard value.isFinite else { return nil }
            self[field] = value
        }
    }

    /// A control; nil if it is not set. What is beyond its range is moved to the range's end.
    subscript(field: Field) -> Float? {
        get { mask & 1 << UInt16(field.rawValue) != 0 ? values[field.rawValue] : nil }
        set {
            let bit = UInt16(1) << UInt16(field.rawValue)
            mask = newValue == nil ? mask & ~bit : mask | bit
            values[field.rawValue] = newValue.map { min(max($0, field.range.lowerBound), field.range.upperBound) } ?? 0
        }
    }
}
