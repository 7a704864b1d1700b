import Foundation
import RainMedia
import RainPictures
import RainPose
import RainWorld
import Synchronization

/// A drawn character who looks around, whose every picture carries its number: so a detector knows what is to be seen in it.
struct DrawnFilm: Sendable {
    /// Pictures until it starts over.
    static let count = 60
    static let framesPerSecond = 30.0
    static let character = RainWorld.Character(seed: 11)
    private static let bits = 7

    /// Begins at rest for a while; turns to both sides once, and opens the mouth.
    static func pose(_ number: Int) -> CharacterPose {
        var pose = CharacterPose()
        let share = Double(max(0, number - 10)) / Double(count - 10)
        pose.yaw = 0.5 * sin(2 * .pi * share)
        pose.mouthOpen = 0.5 - 0.5 * cos(4 * .pi * share)
        return pose
    }

    static func landmarks(_ number: Int) -> LandmarkFrame { character.landmarks(pose(number)) }

    /// The landmarks as they are found among the points of a whole person.
    static func seen(_ number: Int) -> LandmarkFrame { LandmarkFrame(WholeBodyFrame(landmarks(number))) }

    /// The picture with its number below: a black cell, the bits, their parity, a white cell.
    static func picture(_ number: Int, side: Int = 192) -> Picture {
        var picture = character.render(pose(number), size: side)
        let cells = Self.cells(number)
        for y in side - side / 12..<side {
            for x in 0..<side {
                let value: UInt8 = cells[x * cells.count / side] ? 255 : 0
                for channel in 0..<3 { picture.bytes[(y * side + x) * 3 + channel] = value }
            }
        }
        return picture
    }

    static func jpeg(_ number: Int) throws -> [UInt8] { try PictureWriter.jpeg(picture(number)) }

    private static func cells(_ number: Int) -> [Bool] {
        let digits = (0..<bits).map { number >> $0 & 1 == 1 }
        return [false] + digits + [digits.filter(\.self).count % 2 == 1, true]
    }

    /// The number of a square picture, and whether it is a mirror image.
    static func number(of picture: Picture) -> (number: Int, isMirrored: Bool)? {
        let count = bits + 3
        let row = picture.height - picture.height / 24
        var cells = (0..<count).map { cell in
            let x = (2 * cell + 1) * picture.width / (2 * count)
            let place = (row * picture.width + x) * 3
            return picture.bytes[place..<place + 3].reduce(0) { $0 + Int($1) } > 384
        }
        guard cells[0] != cells[count - 1] else { return nil }
        let isMirrored = cells[0]
        if isMirrored { cells.reverse() }
        let number = (0..<bits).reduce(0) { $0 | (cells[1 + $1] ? 1 << $1 : 0) }
        guard number < Self.count, Self.cells(number) == cells else { return nil }
        return (number, isMirrored)
    }

    /// Pictures of 320 × 240 that a browser takes for a camera's, in YUV4MPEG2.
    static func write(y4m file: URL) throws {
        try write(
            y4m: file,
            (0..<count).map { number in
                let square = picture(number, side: 240)
                var wide = Picture(width: 320, height: 240, red: 90, green: 100, blue: 120)
                for y in 0..<240 {
                    wide.bytes.replaceSubrange((y * 320 + 40) * 3..<(y * 320 + 280) * 3, with: square.bytes[y * 720..<y * 720 + 720])
                }
                return wide
            })
    }

    /// Pictures of one even size as a browser takes them for a camera's, 30 a second.
    static func write(y4m file: URL, _ pictures: [Picture]) throws {
        let (width, height) = (pictures[0].width, pictures[0].height)
        var bytes = Data("YUV4MPEG2 W\(width) H\(height) F30:1 Ip A1:1 C420jpeg\n".utf8)
        for picture in pictures { bytes += Data("FRAME\n".utf8) + Data(planes(picture)) }
        try bytes.write(to: file)
    }

    /// ITU-R BT.601, limited range, colours of four pixels in one.
    private static func planes(_ picture: Picture) -> [UInt8] {
        let (width, height) = (picture.width, picture.height)
        func mean(_ x: Int, _ y: Int, _ channel: Int) -> Double {
            var sum = 0
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] { sum += Int(picture.bytes[((y + dy) * width + x + dx) * 3 + channel]) }
            return Double(sum) / 4
        }
        func byte(_ value: Double) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }
        var bytes: [UInt8] = []
        for place in 0..<width * height {
            let (r, g, b) = (Double(picture.bytes[place * 3]), Double(picture.bytes[place * 3 + 1]), Double(picture.bytes[place * 3 + 2]))
            bytes.append(byte(16 + 0.257 * r + 0.504 * g + 0.098 * b))
        }
        for weights in [(-0.148, -0.291, 0.439), (0.439, -0.368, -0.071)] {
            for y in stride(from: 0, to: height, by: 2) {
                for x in stride(from: 0, to: width, by: 2) {
                    bytes.append(byte(128 + weights.0 * mean(x, y, 0) + weights.1 * mean(x, y, 1) + weights.2 * mean(x, y, 2)))
                }
            }
        }
        return bytes
    }

    /// A video file of it.
    static func write(video file: URL, rounds: Int = 1) throws {
        let sink = try FrameSink.open(file.path, width: 192, height: 192, framesPerSecond: framesPerSecond)
        for number in 0..<rounds * count { try sink.write(picture(number % count)) }
        try sink.finish()
    }
}

/// Knows the drawn film's pictures by their numbers; of others it says that nobody is in view. Takes its time, or as long as it is held.
final class DrawnFilmDetector: LandmarkDetecting {
    private struct State {
        var looks: [Int] = []
        var isBusy = false
        var overlaps = 0
        var isHeld = false
        var lastIsMirrored = false
    }

    let delay: Duration
    private let state = Mutex(State())

    init(delay: Duration = .milliseconds(5)) { self.delay = delay }

    /// The numbers of the pictures looked at, −1 for others.
    var looks: [Int] { state.withLock(\.looks) }
    /// Whether the newest picture that it knew was a mirror image.
    var lastIsMirrored: Bool { state.withLock(\.lastIsMirrored) }
    /// How often it was asked while it was at work.
    var overlaps: Int { state.withLock(\.overlaps) }

    /// Looks at a picture until it is let go.
    func hold() { state.withLock { $0.isHeld = true } }
    func letGo() { state.withLock { $0.isHeld = false } }

    func detect(_ picture: Picture) async throws -> DrivingPose? {
        let found = DrawnFilm.number(of: picture)
        state.withLock { state in
            if state.isBusy { state.overlaps += 1 }
            state.isBusy = true
            state.looks.append(found?.number ?? -1)
            if let found { state.lastIsMirrored = found.isMirrored }
        }
        repeat { try? await Task.sleep(for: delay) } while state.withLock(\.isHeld)
        state.withLock { $0.isBusy = false }
        return found.map { number, isMirrored in
            let face = DrawnFilm.landmarks(number)
            return .person(WholeBodyFrame(isMirrored ? face.mirrored : face))
        }
    }
}

extension LandmarkFrame {
    /// The face in the mirror: left is left again, of the other side.
    var mirrored: LandmarkFrame {
        var result = self
        for landmark in Landmark.allCases {
            let name = landmark.name
            let other: String
            if name.hasPrefix("faceOutline"), let number = Int(name.dropFirst(11)) {
                other = "faceOutline\(6 - number)"
            } else if name.contains("eft") {
                other = name.replacingOccurrences(of: "left", with: "right").replacingOccurrences(of: "Left", with: "Right")
            } else {
                other = name.replacingOccurrences(of: "right", with: "left").replacingOccurrences(of: "Right", with: "Left")
            }
            let from = self[LandmarkSet.landmark(named: other) ?? landmark]
            result[landmark] = LandmarkPoint(x: 1 - from.x, y: from.y, visibility: from.visibility)
        }
        return result
    }

    /// How far the nose is from the middle of the outline, in shares of its width: about how far the head is turned.
    var turn: Float {
        let (left, right) = (self[.faceOutline0].x, self[.faceOutline6].x)
        return (self[.noseTip].x - (left + right) / 2) / max(abs(right - left), 1e-6)
    }
}
