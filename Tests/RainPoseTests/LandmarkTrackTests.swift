import Foundation
import RainPose
import Testing

/// A frame whose points all differ.
func sampleFrame(_ salt: Int = 0) -> LandmarkFrame {
    LandmarkFrame(
        points: (0..<LandmarkSet.count).map {
            LandmarkPoint(
                x: Float(($0 * 37 + salt * 11) % 101) / 100, y: Float(($0 * 53 + salt * 7) % 103 - 1) / 100,
                visibility: $0.isMultiple(of: 5) ? 0.25 : 1)
        })
}

private func text(_ track: LandmarkTrack) -> String { String(decoding: track.json(), as: UTF8.self) }

@Suite struct LandmarkTrackTests {
    @Test func namesAreThoseOfTheFormat() throws {
        #expect(LandmarkSet.count == 29)
        #expect(Landmark.faceOutline3.name == "faceOutline3" && Landmark.rightShoulder.rawValue == 28)
        let document = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Docs/LandmarkFormat.md"), encoding: .utf8)
        for name in LandmarkSet.names where !name.hasPrefix("faceOutline") { #expect(document.contains("`\(name)`")) }
    }

    @Test(arguments: [25.0, 29.97, 240, 0.01])
    func comesBackFromAFile(_ rate: Double) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("rain-pose-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let track = try LandmarkTrack(framesPerSecond: rate, frames: (0..<7).map { sampleFrame($0) })
        try track.write(to: file)
        let read = try LandmarkTrack(contentsOf: file)
        // Compared outside the macro, which would print both tracks in full.
        let same = read == track
        #expect(same)
        // It is JSON to others, too.
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        #expect(object?["fps"] as? Double == rate)
        #expect((object?["frames"] as? [[[Double]]])?.count == 7)
    }

    @Test func negativeAndTinyNumbersSurvive() throws {
        var frame = sampleFrame()
        frame[.noseTip] = LandmarkPoint(x: -0.00001, y: -12.5, visibility: 0)
        frame[.neck] = LandmarkPoint(x: 999.5, y: -0.000001, visibility: 0.00002)
        let read = try LandmarkTrack(json: LandmarkTrack(framesPerSecond: 1, frames: [frame]).json())
        #expect(read.frames[0][.noseTip] == frame[.noseTip])
        #expect(read.frames[0][.neck] == LandmarkPoint(x: 999.5, y: 0, visibility: 0.00002))
    }

    @Test func namesMayComeInAnyOrderAndKeysToo() throws {
        let frame = sampleFrame(3)
        let order = Array(Landmark.allCases.reversed())
        let triples = order.map { "[ \(frame[$0].x) , \(frame[$0].y)e0, \(frame[$0].visibility) ]" }.joined(separator: ",\r\n\t")
        let names = order.map { "\"\($0.name)\"" }.joined(separator: ",")
        let json =
            "{\"tool\": {\"a\": [1, {}, []], \"b\\u0041\": null, \"c\": [true, false]}, \"frames\": [[\(triples)]], "
            + "\"n\\u0061mes\": [\(names)], \"fps\": 3E1, \"version\": 1.0, \"format\": \"rain-landmarks\"}  \n"
        let track = try LandmarkTrack(json: Array(json.utf8))
        #expect(track.framesPerSecond == 30)
        for (read, written) in zip(track.frames[0].points, frame.points) {
            #expect(abs(read.x - written.x) < 1e-6 && abs(read.y - written.y) < 1e-6 && read.visibility == written.visibility)
        }
    }

    @Test func damageIsRefusedInOneClearSentence() throws {
        let good = text(try LandmarkTrack(framesPerSecond: 25, frames: [sampleFrame(), sampleFrame(1)]))
        let first = good.split(separator: "\n")[3].dropLast()
        let cases: [(String, String, LandmarkError.Code, String)] = [
            ("\"rain-landmarks\"", "\"openpose\"", .format, "openpose"),
            ("\"format\": \"rain-landmarks\", ", "", .missing, "'format'"),
            ("\"version\": 1,", "\"version\": 2,", .format, "version 1"),
            ("\"version\": 1,", "", .missing, "'version'"),
            ("\"fps\": 25,", "", .missing, "'fps'"),
            ("\"fps\": 25", "\"fps\": 0", .range, "0.0"),
            ("\"fps\": 25", "\"fps\": -1", .range, "-1"),
            ("\"fps\": 25", "\"fps\": 241", .range, "241"),
            ("\"fps\": 25", "\"fps\": 0.0099", .range, "0.01 to 240"),
            ("\"fps\": 25", "\"fps\": 1e-310", .range, "0.01 to 240"),
            ("\"fps\": 25", "\"fps\": NaN", .range, "NaN"),
            ("\"fps\": 25", "\"fps\": 1e999", .range, "finite"),
            ("\"fps\": 25", "\"fps\": \"25\"", .syntax, "number"),
            ("\"fps\": 25", "\"fps\": 25, \"fps\": 25", .format, "twice"),
            ("\"noseTip\", ", "", .names, "lacks noseTip"),
            ("\"noseTip\"", "\"nose\"", .names, "'nose'"),
            ("\"noseTip\"", "\"mouthTop\"", .names, "twice"),
            ("\"noseTip\"", "7", .syntax, "name 21"),
            ("[0,-0.01,0.25],", "", .count, "frame 0 has 28"),
            ("[0,-0.01,0.25]", "[0,-0.01,0.25],[0,0,0]", .count, "more than 29"),
            ("[0,-0.01,0.25]", "[0,-0.01]", .count, "three numbers"),
            ("[0,-0.01,0.25]", "[0,-0.01,0.25,1]", .count, "three numbers"),
            ("[0,-0.01,0.25]", "[NaN,-0.01,0.25]", .range, "x of landmark 0 of frame 0 is NaN"),
            ("[0,-0.01,0.25]", "[0,-Infinity,0.25]", .range, "-Infinity"),
            ("[0,-0.01,0.25]", "[0,null,0.25]", .range, "null"),
            ("[0,-0.01,0.25]", "[0,1e30,0.25]", .range, "landmark 0 of frame 0"),
            ("[0,-0.01,0.25]", "[0,-0.01,1.5]", .range, "visibility 1.5"),
            ("[0,-0.01,0.25]", "[0,-0.01,-0.5]", .range, "faceOutline0 of frame 0"),
            ("[0,-0.01,0.25]", "[01,-0.01,0.25]", .syntax, "number"),
            ("[0,-0.01,0.25]", "[0,-.01,0.25]", .syntax, "number"),
            ("[0,-0.01,0.25]", "[0,-0.,0.25]", .syntax, "digit"),
            ("[0,-0.01,0.25]", "7", .syntax, "landmark 0 of frame 0"),
            (String(first), "", .syntax, "frame 0"),
            ("]]\n]}", "]]\n]} x", .syntax, "end of the file"),
            ("]]\n]}", "]]\n", .syntax, "truncated"),
        ]
        for (part, replacement, code, words) in cases {
            #expect(good.contains(part), "the case '\(part)' tests nothing")
            let range = try #require(good.range(of: part))
            let bad = good.replacingCharacters(in: range, with: replacement)
            let error = #expect(throws: LandmarkError.self, "'\(part)' → '\(replacement)'") { try LandmarkTrack(json: Array(bad.utf8)) }
            #expect(error?.code == code && error?.description.contains(words) == true, "'\(replacement)': \(error?.description ?? "")")
        }
    }

    @Test func framesMayNotBeMissing() throws {
        let good = text(try LandmarkTrack(framesPerSecond: 25, frames: [sampleFrame()]))
        let head = good.prefix(while: { $0 != "\n" }) + "\n" + good.split(separator: "\n")[1]
        let without = #expect(throws: LandmarkError.self) { try LandmarkTrack(json: Array((head.dropLast() + "}").utf8)) }
        #expect(without?.code == .missing && without?.description.contains("'frames'") == true)
        let empty = #expect(throws: LandmarkError.self) { try LandmarkTrack(json: Array((head + "\"frames\": []}").utf8)) }
        #expect(empty?.code == .missing)
        let memory = #expect(throws: LandmarkError.self) { try LandmarkTrack(framesPerSecond: 25, frames: []) }
        #expect(memory?.code == .missing)
    }

    @Test func everyTruncationIsRefused() throws {
        let good = try LandmarkTrack(framesPerSecond: 25, frames: [sampleFrame()]).json()
        for length in 0..<(good.count - 2) {
            #expect(throws: LandmarkError.self) { try LandmarkTrack(json: Array(good[..<length])) }
        }
    }

    @Test(arguments: ["[]", "7", "\"x\"", "{", "{\"a\"", "{\"a\":", "{\"\\", "{\"a\":\"\\ud800\"}", "{}", "\u{0}"])
    func otherTextIsRefused(_ text: String) {
        #expect(throws: LandmarkError.self) { try LandmarkTrack(json: Array(text.utf8)) }
    }

    @Test func deepAndBrokenBytesAreRefused() {
        let deep = "{\"a\":" + String(repeating: "[", count: 1_000_000)
        #expect(throws: LandmarkError.self) { try LandmarkTrack(json: Array(deep.utf8)) }
        #expect(throws: LandmarkError.self) { try LandmarkTrack(json: Array("{\"".utf8) + [0xFF, 0xFE] + Array("\":1}".utf8)) }
        let large = #expect(throws: LandmarkError.self) {
            try LandmarkTrack(json: [UInt8](repeating: 0x20, count: LandmarkTrack.largestFile + 1))
        }
        #expect(large?.code == .size)
    }

    @Test func fileErrorsNameTheFile() throws {
        let missing = URL(fileURLWithPath: "/no/such/motion.json")
        let error = #expect(throws: LandmarkError.self) { try LandmarkTrack(contentsOf: missing) }
        #expect(error?.code == .file && error?.description.hasPrefix("/no/such/motion.json: ") == true)
        let folder = #expect(throws: LandmarkError.self) { try LandmarkTrack(contentsOf: URL(fileURLWithPath: "/")) }
        #expect(folder?.code == .file)
        let track = try LandmarkTrack(framesPerSecond: 1, frames: [sampleFrame()])
        let unwritable = #expect(throws: LandmarkError.self) { try track.write(to: missing) }
        #expect(unwritable?.code == .file && unwritable?.description.contains("/no/such/motion.json") == true)
    }

    @Test(arguments: [0, -1, 240.5, .nan, .infinity])
    func impossibleFrameRates(_ rate: Double) {
        #expect(throws: LandmarkError.self) { try LandmarkTrack(framesPerSecond: rate, frames: [sampleFrame()]) }
    }

    @Test(arguments: [Float.nan, .infinity, 1e6])
    func impossibleCoordinates(_ value: Float) {
        var frame = sampleFrame()
        frame[.neck].y = value
        #expect(throws: LandmarkError.self) { try LandmarkTrack(framesPerSecond: 25, frames: [frame]) }
    }
}
