import Foundation
import RainPose
import Testing

/// The parameters' lists are the authors', entry by entry.
@Suite struct FaceParametersTests {
    private func publishedLists() throws -> [String: [[String: Any]]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/retarget.json"))
        let whole = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        let config = try #require(whole["config"] as? [String: Any])
        return try #require(config["translations"] as? [String: [[String: Any]]])
    }

    @Test(arguments: [("morpher", FaceParameters.initial), ("gradio_sliders", .sliders)])
    func giveThePublishedAdjustments(_ name: String, _ parameters: FaceParameters) throws {
        let expected = try #require(publishedLists()[name])
        let list = parameters.retargeting.adjustments
        #expect(list.count == expected.count)
        for (entry, wanted) in zip(list, expected) {
            func number(_ key: String) -> Double { (wanted[key] as? NSNumber)?.doubleValue ?? .nan }
            func pair(_ key: String) -> SIMD2<Int>? { (wanted[key] as? [Int]).map { SIMD2($0[0], $0[1]) } }
            #expect(entry.points == Int(number("begin"))..<Int(number("end")))
            #expect(abs(entry.scale.x - number("horizontal_scale")) < 1e-12 && abs(entry.scale.y - number("vertical_scale")) < 1e-12)
            #expect(abs(entry.shift.x - number("horizontal_transition")) < 1e-12)
            #expect(abs(entry.shift.y - number("vertical_transition")) < 1e-12)
            #expect(entry.axis == pair("xaxis"))
            // A shift of nothing is nothing in any unit.
            if entry.shift != .zero { #expect(entry.unit == pair("relative_length")) }
        }
    }

    @Test func identityLeavesAFaceAlone() {
        let face = (0..<68).map { index -> SIMD2<Double> in
            let (x, y) = (Double(index % 9), Double(index / 9))
            return SIMD2(0.1 * x, 0.11 * y + 0.005 * x)
        }
        for (moved, point) in zip(FaceParameters.identity.retargeting(face), face) {
            let way = moved - point
            #expect((way * way).sum() < 1e-20)
        }
    }

    @Test func rangesHoldWhatIsUsed() {
        for name in FaceParameters.Name.allCases {
            for value in [name.initial, name.identity, FaceParameters.sliders[name]] { #expect(name.range.contains(value)) }
        }
    }
}
