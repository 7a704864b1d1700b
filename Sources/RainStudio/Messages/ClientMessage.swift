import NIOCore
import RainPose

/// A binary message from a client; `Docs/StudioProtocol.md` describes the bytes. All numbers are little-endian.
enum ClientMessage: Equatable, Sendable {
    /// - Parameter time: of the event, in milliseconds on the client's clock; NaN for what only holds on to what was said before
    case controls(Controls, time: Double)
    case acknowledge(sequence: UInt32)
    case ping(time: Double)
    case landmarks(LandmarkFrame, time: Double)
    /// A picture of the client's camera, as JPEG, PNG or WebP; none of its bytes have been looked at. Empty when the camera goes off.
    case picture([UInt8], time: Double)

    /// The longest message there is: a picture's.
    static let largest = 9 + CameraInput.largestBytes

    /// - Throws: `StudioError` of code `badRequest` or `badLandmarks`, naming what is wrong
    init(_ bytes: ByteBuffer) throws(StudioError) {
        var bytes = bytes
        let count = bytes.readableBytes
        guard let kind = bytes.readInteger(as: UInt8.self) else { throw StudioError(.badRequest, "an empty message") }
        func expect(_ length: Int, _ what: String) throws(StudioError) {
            guard count == length else { throw StudioError(.badRequest, "\(what): expected \(length) bytes, found \(count)") }
        }
        switch kind {
        case 1:
            try expect(11 + 4 * Controls.Field.allCases.count, "controls")
            let mask: UInt16 = Self.integer(&bytes)
            let time = Double(bitPattern: Self.integer(&bytes))
            var values = SIMD16<Float>.zero
            for index in Controls.Field.allCases.indices { values[index] = Float(bitPattern: Self.integer(&bytes)) }
            guard let controls = Controls(values: values, mask: mask) else {
                throw StudioError(.badRequest, "controls: expected finite values and a mask of 13 bits")
            }
            self = .controls(controls, time: time)
        case 2:
            try expect(5, "an acknowledgement")
            self = .acknowledge(sequence: Self.integer(&bytes))
        case 3:
            try expect(9, "a ping")
            self = .ping(time: Double(bitPattern: Self.integer(&bytes)))
        case 4:
            try expect(9 + 12 * LandmarkSet.count, "landmarks")
            let time = Double(bitPattern: Self.integer(&bytes))
            var points: [LandmarkPoint] = []
            for _ in 0..<LandmarkSet.count {
                let (x, y) = (Float(bitPattern: Self.integer(&bytes)), Float(bitPattern: Self.integer(&bytes)))
                points.append(LandmarkPoint(x: x, y: y, visibility: Float(bitPattern: Self.integer(&bytes))))
            }
            self = .landmarks(try LandmarkFrame(checking: points), time: time)
        case 5:
            guard count >= 9 else { throw StudioError(.badRequest, "a picture: expected at least 9 bytes, found \(count)") }
            let time = Double(bitPattern: Self.integer(&bytes))
            self = .picture(Array(bytes.readableBytesView), time: time)
        default: throw StudioError(.badRequest, "a message of kind \(kind): expected 1 to 5")
        }
    }

    /// The next number; the length has been checked.
    private static func integer<Number: FixedWidthInteger>(_ bytes: inout ByteBuffer) -> Number {
        bytes.readInteger(endianness: .little) ?? 0
    }
}

extension LandmarkFrame {
    /// Points from outside.
    ///
    /// - Throws: `StudioError` of code `badLandmarks`, naming the first point that cannot be
    init(checking points: [LandmarkPoint]) throws(StudioError) {
        guard points.count == LandmarkSet.count else {
            throw StudioError(.badLandmarks, "points: expected \(LandmarkSet.count), found \(points.count)")
        }
        do {
            self = try LandmarkTrack(framesPerSecond: 1, frames: [LandmarkFrame(points: points)]).frames[0]
        } catch {
            throw StudioError(.badLandmarks, "\(error)")
        }
    }
}
