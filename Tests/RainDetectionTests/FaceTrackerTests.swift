import Foundation
import RainCPU
import RainMedia
import RainPictures
import RainPose
import Testing

@testable import RainDetection

/// Real networks on real faces: fetched by scripts/tracker-data and 'rain tracker install', skipped where they could not be had.
enum TrackerData {
    static let folder: String = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/root") + "/.cache"
        return environment["RAIN_TRACKER_DATA"] ?? cache + "/rain/tracker-data"
    }()

    static let isThere =
        TrackerFiles().areComplete
        && ["carphone.mp4", "astronaut.png"].allSatisfy { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }

    static let reason: Comment = "the face tracker or its test data is not here: run 'rain tracker install' and scripts/tracker-data"

    static func tracker(_ change: (inout FaceTracker.Settings) -> Void = { _ in }) throws -> FaceTracker {
        var settings = FaceTracker.Settings()
        change(&settings)
        return try FaceTracker(TrackerFiles(), engine: CPUEngine(threads: 1), settings: settings)
    }

    static func carphone() throws -> [Picture] {
        let video = try VideoReader(path: folder + "/carphone.mp4")
        var pictures: [Picture] = []
        while let picture = try video.next() {
            let side = min(picture.width, picture.height)
            pictures.append(
                picture.part(left: (picture.width - side) / 2, top: (picture.height - side) / 2, width: side, height: side))
        }
        return pictures
    }

    static func astronaut() throws -> Picture { try PictureReader.read(folder + "/astronaut.png") }
}

@Suite(.enabled(if: TrackerData.isThere, TrackerData.reason)) struct FaceTrackerTests {
    /// How far lids are apart, in distances between the outer corners of the eyes.
    private func lids(_ face: LandmarkFrame) -> Float {
        func distance(_ a: Landmark, _ b: Landmark) -> Float {
            let way = SIMD2(face[a].x - face[b].x, face[a].y - face[b].y)
            return (way * way).sum().squareRoot()
        }
        return (distance(.leftEyeTop, .leftEyeBottom) + distance(.rightEyeTop, .rightEyeBottom)) / 2
            / distance(.leftEyeOuter, .rightEyeOuter)
    }

    private func nose(_ pose: DrivingPose?) -> SIMD2<Float>? { pose.map { SIMD2($0.face[.noseTip].x, $0.face[.noseTip].y) } }

    /// Where the nose is of the face that must be in a picture.
    private func place(_ tracker: FaceTracker, _ picture: Picture) async throws -> SIMD2<Float> {
        let pose = try await tracker.detect(picture)
        return try #require(nose(pose))
    }

    /// The face is found in every frame of a real clip, the detector looks once, and the blinks are seen.
    @Test func aRealFaceIsFollowed() async throws {
        let tracker = try TrackerData.tracker()
        var memory = TrackingMemory()
        var openings: [Float] = []
        for picture in try TrackerData.carphone() {
            let (pose, next) = try await tracker.detect(picture, memory: memory)
            memory = next
            let face = try #require(pose?.face)
            openings.append(lids(face))
            #expect(face.points.prefix(26).allSatisfy { $0.x > 0 && $0.x < 1 && $0.y > 0 && $0.y < 1 && $0.visibility > 0.9 })
            #expect(face[.leftShoulder].y > face[.faceOutline3].y && face[.leftShoulder].x < face[.rightShoulder].x)
        }
        #expect(openings.count == 120)
        let usual = openings.sorted()[60]
        for frame in [42, 92] { #expect(openings[frame - 2...frame + 2].contains { $0 < 0.5 * usual }, "blink at \(frame)") }
        #expect(openings[110...115].contains { $0 < 0.8 * usual })
        let stages = await tracker.stages
        // At the beginning, and then every fifteenth picture.
        #expect(stages["detector"]?.count == 8 && stages["body"]?.count == 20, "\(stages)")
    }

    /// Both sets of points are of one face.
    @Test func personsAreHandedOnIfAsked() async throws {
        let picture = try TrackerData.astronaut()
        let seen = try await TrackerData.tracker().detect(picture)
        let face = try #require(seen?.face)
        let pose = try await TrackerData.tracker { $0.points = .person }.detect(picture)
        guard case .person(let person) = pose else { throw LandmarkError(.format, "expected a person") }
        #expect(abs(Float(person.face[30].x) - face[.noseTip].x) < 0.02 && abs(Float(person.face[36].x) - face[.leftEyeOuter].x) < 0.001)
        #expect(person[2].score > 0.5 && person[5].score > 0.5 && person[5].x > person[2].x)
        // Known from a look at the picture.
        #expect(abs(face[.noseTip].x - 0.436) < 0.02 && abs(face[.noseTip].y - 0.256) < 0.02)
    }

    /// A face that goes is lost, and found again where it is, also when it comes back elsewhere.
    @Test func facesComeAndGo() async throws {
        let tracker = try TrackerData.tracker()
        let picture = try TrackerData.astronaut()
        let empty = Picture(width: 512, height: 512, red: 90, green: 100, blue: 110)
        // The same face further right and lower.
        let moved = picture.part(left: -180, top: -120, width: 512, height: 512, outside: .black)
        var memory = TrackingMemory()
        var seen: [SIMD2<Float>?] = []
        for frame in [picture, picture, empty, empty, moved, moved] + Array(repeating: picture, count: 15) {
            let (pose, next) = try await tracker.detect(frame, memory: memory)
            memory = next
            seen.append(nose(pose))
        }
        #expect(seen.prefix(6).map { $0 != nil } == [true, true, false, false, true, true])
        // One that jumps while it is followed is found where it is when the detector is asked, twice a second.
        let (first, later, last) = (try #require(seen[0]), try #require(seen[5]), try #require(seen[20]))
        #expect(abs(later.x - first.x - 180 / 512) < 0.02 && abs(later.y - first.y - 120 / 512) < 0.02)
        #expect(abs(last.x - first.x) < 0.02)
    }

    /// Of two faces the larger counts at first, and then the one that is followed, whichever is larger.
    @Test func ofSeveralFacesOneIsFollowed() async throws {
        let face = try TrackerData.astronaut().part(left: 60, top: 0, width: 340, height: 300)
        func pair(_ left: Int, _ right: Int) -> Picture {
            var both = Picture(width: 800, height: 340, red: 90, green: 90, blue: 90)
            for (size, start) in [(left, 0), (right, 400)] {
                let small = face.resized(width: size, height: size * 300 / 340)
                for y in 0..<small.height {
                    let to = ((y + 10) * 800 + start) * 3
                    both.bytes.replaceSubrange(to..<to + size * 3, with: small.bytes[y * size * 3..<(y + 1) * size * 3])
                }
            }
            return both
        }
        let tracker = try TrackerData.tracker()
        var memory = TrackingMemory()
        var places: [Float] = []
        for (left, right) in [(340, 200), (320, 220), (300, 240), (270, 270), (240, 300), (220, 320), (200, 340)] {
            let (pose, next) = try await tracker.detect(pair(left, right), memory: memory)
            memory = next
            places.append(try #require(nose(pose)).x)
        }
        #expect(places.allSatisfy { $0 < 0.5 }, "\(places)")
        // Lost for a moment, it is looked for near where it was.
        memory.face = nil
        let (again, _) = try await tracker.detect(pair(300, 340), memory: memory)
        #expect(try #require(nose(again)).x < 0.5)
        let largest = try await place(tracker, pair(240, 340))
        #expect(largest.x > 0.5)
    }

    /// A person across the room: a still picture is searched at once, a sequence part by part within a second.
    @Test func smallFacesAreFound() async throws {
        let tracker = try TrackerData.tracker()
        let small = try TrackerData.astronaut().resized(width: 240, height: 240)
        let wide = small.part(left: -900, top: -300, width: 1280, height: 720, outside: Color(0.4, 0.4, 0.4))
        let at = try await place(tracker, wide)
        #expect(abs(at.x - (900 + 0.436 * 240) / 1280) < 0.01 && abs(at.y - (300 + 0.256 * 240) / 720) < 0.01)
        var memory = TrackingMemory()
        var pictures = 0
        var found: DrivingPose?
        while found == nil, pictures < 30 {
            (found, memory) = try await tracker.detect(wide, memory: memory)
            pictures += 1
        }
        #expect(found != nil, "\(pictures)")
        let (next, _) = try await tracker.detect(wide, memory: memory)
        #expect(next != nil)
    }

    /// Half of a face hidden, a head tilted to its side: found; the points stay near the truth of the whole face. Half a face in profile and a
    /// face upside down promise no more than finite points.
    @Test func facesThatAreHardToSee() async throws {
        let tracker = try TrackerData.tracker()
        let picture = try TrackerData.astronaut()
        let whole = try await place(tracker, picture)
        func covered(_ columns: Range<Int>, _ rows: Range<Int>) -> Picture {
            var picture = picture
            for y in rows { for x in columns { for c in 0..<3 { picture.bytes[(y * 512 + x) * 3 + c] = 60 } } }
            return picture
        }
        for hidden in [covered(224..<420, 20..<240), covered(120..<330, 125..<240), covered(120..<330, 40..<122)] {
            let seen = try await place(tracker, hidden)
            #expect(abs(seen.x - whole.x) < 0.03 && abs(seen.y - whole.y) < 0.03)
        }
        // A quarter turn to the left: what was right is up.
        var turned = Picture(width: 512, height: 512)
        var upside = turned
        for y in 0..<512 {
            for x in 0..<512 {
                for c in 0..<3 {
                    turned.bytes[((511 - x) * 512 + y) * 3 + c] = picture.bytes[(y * 512 + x) * 3 + c]
                    upside.bytes[((511 - y) * 512 + x) * 3 + c] = picture.bytes[(y * 512 + x) * 3 + c]
                }
            }
        }
        let side = try await place(tracker, turned)
        #expect(abs(side.x - whole.y) < 0.03 && abs(side.y - (1 - whole.x)) < 0.03)
        let pose = try await tracker.detect(upside)
        #expect(pose?.face.points.allSatisfy { $0.x.isFinite && $0.y.isFinite && abs($0.x) < 3 && abs($0.y) < 3 } ?? true)
    }

    @Test(arguments: [(1, 1), (1, 400), (400, 1), (16, 16), (8000, 20), (8000, 8000)])
    func picturesOfAnySizeWithoutAFace(_ width: Int, _ height: Int) async throws {
        let tracker = try TrackerData.tracker()
        let picture = Picture(width: width, height: height, red: 120, green: 110, blue: 100)
        let alone = try await tracker.detect(picture)
        #expect(alone == nil)
        var memory = TrackingMemory()
        for _ in 0..<3 {
            let (pose, next) = try await tracker.detect(picture, memory: memory)
            #expect(pose == nil)
            memory = next
        }
        // A memory of nonsense is seen through.
        memory.face = PictureRegion(center: SIMD2(.nan, 1e300), side: .infinity, angle: .nan)
        memory.body = memory.face
        let (last, _) = try await tracker.detect(picture, memory: memory)
        #expect(last == nil)
    }

    /// Two sequences take turns with one tracker and do not disturb each other.
    @Test func sequencesTakeTurns() async throws {
        let tracker = try TrackerData.tracker()
        let (clip, still) = (try TrackerData.carphone(), try TrackerData.astronaut())
        var (first, second) = (TrackingMemory(), TrackingMemory())
        var alone = TrackingMemory()
        for picture in clip.prefix(12) {
            let (a, nextFirst) = try await tracker.detect(picture, memory: first)
            let (b, nextSecond) = try await tracker.detect(still, memory: second)
            (first, second) = (nextFirst, nextSecond)
            let (c, nextAlone) = try await tracker.detect(picture, memory: alone)
            alone = nextAlone
            #expect(a == c && b != nil)
        }
    }
}
